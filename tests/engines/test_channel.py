from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.engines.channel import Channel


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    here, there = (Channel(each) for each in socket.socketpair())
    here.socket.setblocking(False)
    yield here, there
    here.close()
    there.close()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_messages_arrive_whole_and_in_order(messages: list[bytes]) -> None:
    here, there = (Channel(each) for each in socket.socketpair())
    with here.socket, there.socket:
        there.socket.setblocking(False)
        for message in messages:
            assert here.send(message)
        assert [there.receive() for _ in messages] == messages
        assert there.receive() is None


def test_sending_never_waits_and_the_rest_follows(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    message = bytes(5_000_000)
    assert not here.send(message)
    assert not here.send(b"after")
    found: list[object] = []
    reader = threading.Thread(target=lambda: found.extend((there.receive(), there.receive())))
    reader.start()
    while not here.flush():
        pass
    reader.join()
    assert found == [message, b"after"]


def test_half_a_message_is_none_yet(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    there.socket.sendall((4).to_bytes(8, "big") + b"ab")
    assert here.receive() is None
    there.socket.sendall(b"cd")
    assert here.receive() == b"abcd"


def test_end_of_the_other_side_is_told_after_its_last_message(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    there.send(b"last")
    there.close()
    assert here.receive() == b"last"
    with pytest.raises(EOFError):
        here.receive()
