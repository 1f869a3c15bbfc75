"""Bad input over real HTTP: clear answers, bounded memory, and other clients unharmed meanwhile."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.serving.apps import ROW, tiny_bundle
from tests.serving.servers import Server, serving

pytestmark = pytest.mark.slow

MB = 1 << 20
GOOD = json.dumps({"records": [ROW]}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("bad") / "bundle"
    with serving(tiny_bundle(folder), "--body-seconds", "2", "--thread") as server:
        yield server


@pytest.fixture(autouse=True)
def _unharmed(server: Server) -> Iterator[None]:
    """Every test leaves a server that answers."""
    yield
    assert server.post("/predict", GOOD).body["predictions"] == [22.0]


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as one:
        yield one


def head(length: int | None = None, *more: str, path: str = "/predict") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", "content-type: application/json", *more]
    lines += [] if length is None else [f"content-length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_all(one: socket.socket) -> bytes:
    """Read until the server closes."""
    parts = []
    with suppress(ConnectionResetError):
        while part := one.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def statuses(text: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", text)]


def resident_mb(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


@pytest.mark.parametrize("told", [True, False])
def test_a_hundred_megabytes_are_refused_and_take_no_memory(server: Server, told: bool) -> None:
    before = resident_mb(server)
    chunk = b" " * MB
    with connected(server) as one:
        one.sendall(head(100 * MB) if told else head(None, "transfer-encoding: chunked"))
        with suppress(OSError):
            for _ in range(100):
                one.sendall(chunk if told else b"%x\r\n%b\r\n" % (MB, chunk))
        answer = read_all(one)
    assert statuses(answer) == [413]
    assert b"more than 16,777,216 bytes" in answer
    assert resident_mb(server) - before < 48


def test_a_client_that_waits_for_100_continue_is_told_at_once_when_its_body_is_too_large(server: Server) -> None:
    with connected(server) as one:
        one.sendall(head(100 * MB, "expect: 100-continue"))
        before = time.monotonic()
        assert statuses(read_all(one)) == [413]
        assert time.monotonic() - before < 1
    with connected(server) as one:
        one.sendall(head(len(GOOD), "expect: 100-continue", "connection: close"))
        assert one.recv(1000).startswith(b"HTTP/1.1 100 ")
        one.sendall(GOOD)
        assert statuses(read_all(one)) == [200]


def test_a_million_rows_are_refused_within_bounds_of_time_and_memory(server: Server) -> None:
    before = resident_mb(server)
    columns = b'{"columns":{"area":[%b1],"rooms":[%b1]}}' % (b"1," * 999_999, b"1," * 999_999)
    records = b'{"records":[%b{}]}' % (b"{}," * 999_999)
    for body in (columns, records):
        answer = server.post("/predict", body)
        assert answer.status in (413, 422)
    assert resident_mb(server) - before < 300


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"records":' * 20_000,
        b'{"records":[{"area":' + b"[" * 200_000,
        b'{"records":[{"area":"\xff\xfe","rooms":1}]}',
        b'{"records":[{"area":1,"rooms":NaN}]}',
        b'{"records":[{"area":1,"rooms":Infinity}]}',
        b'{"records":[{"area":1,"rooms":1e999}]}',
        b'{"records":[{"area":1,"rooms":2},]}',
        b'{"records":[{"area":1}]}',
        b'{"records":[{"area":1,"rooms":null}]}',
        b'{"records":[{"area":1,"rooms":2,"sea":3}]}',
        b'{"records":"all"}',
        b'{"columns":{"area":[1,2],"rooms":[1]}}',
        b'"records"',
        b"\x00" * 1000,
        b"",
    ],
)
def test_bodies_that_are_no_request_are_answered_with_what_is_wrong(server: Server, body: bytes) -> None:
    answer = server.post("/predict", body)
    assert answer.status in (400, 413, 422), answer
    assert answer.body["problems"]


def test_a_key_that_is_there_twice_is_told_or_has_one_meaning(server: Server) -> None:
    answer = server.post("/predict", b'{"records":[{"area":1,"area":10,"rooms":2}]}')
    assert answer.status == 422 or answer.body["predictions"] == [22.0]


def test_a_body_byte_by_byte_is_waited_for_and_given_up_in_the_end_while_others_are_answered(server: Server) -> None:
    with connected(server) as slow:
        slow.sendall(head(len(GOOD), "connection: close"))
        for byte in GOOD[:5]:
            slow.sendall(bytes([byte]))
            assert server.post("/predict", GOOD).status == 200
        slow.sendall(GOOD[5:])
        assert statuses(read_all(slow)) == [200]
    with connected(server) as slow:
        slow.sendall(head(len(GOOD)) + GOOD[:10])
        answer = read_all(slow)
    assert statuses(answer) == [408]
    assert b"did not arrive within 2 s" in answer


def test_a_hundred_silent_clients_harm_nobody(server: Server) -> None:
    port = int(server.url.rpartition(":")[2])
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    try:
        for one in silent[:50]:
            one.sendall(b"POST /predict HTTP/1.1\r\nhost:")
        assert server.post("/predict", GOOD).status == 200
    finally:
        for one in silent:
            one.close()


def test_who_closes_their_side_after_the_request_gets_the_answer(server: Server) -> None:
    with connected(server) as one:
        one.sendall(head(len(GOOD)) + GOOD)
        one.shutdown(socket.SHUT_WR)
        answer = read_all(one)
    assert statuses(answer) == [200]
    assert b"22.0" in answer


def test_who_closes_before_the_request_is_whole_gets_none(server: Server) -> None:
    with connected(server) as one:
        one.sendall(head(len(GOOD)) + GOOD[:-5])
        one.shutdown(socket.SHUT_WR)
        assert read_all(one) == b""


def test_bytes_beyond_the_content_length_are_the_next_request_and_refused_if_they_are_none(server: Server) -> None:
    with connected(server) as one:
        one.sendall(head(len(GOOD)) + GOOD + b"and more\r\n\r\n")
        answer = read_all(one)
    assert statuses(answer) == [200]
    with connected(server) as one:
        one.sendall(head(None, "content-length: many") + GOOD)
        answer = read_all(one)
    assert statuses(answer) == [400]
    assert b'"error"' in answer


def test_two_lengths_or_a_length_and_chunks_are_refused(server: Server) -> None:
    for more in (f"content-length: {len(GOOD) + 1}", "transfer-encoding: chunked"):
        with connected(server) as one:
            one.sendall(head(len(GOOD), more) + GOOD)
            one.shutdown(socket.SHUT_WR)
            answer = read_all(one)
        assert 200 not in statuses(answer)


def test_requests_in_a_row_without_waiting_are_answered_in_their_order(server: Server) -> None:
    bodies = [json.dumps({"records": [{"area": at, "rooms": 0}]}).encode() for at in range(50)]
    with connected(server) as one:
        one.sendall(b"".join(head(len(each)) + each for each in bodies[:-1]))
        one.sendall(head(len(bodies[-1]), "connection: close") + bodies[-1])
        answer = read_all(one)
    assert statuses(answer) == [200] * 50
    found = [float(each) for each in re.findall(rb'"predictions":\[([\d.]+)\]', answer)]
    assert found == [2.0 * at for at in range(50)]


@pytest.mark.parametrize("part", [b"a: " + b"b" * 1000 + b"\r\n", b"b" * 1000])
def test_headers_without_end_are_refused_and_take_no_memory(server: Server, part: bytes) -> None:
    before = resident_mb(server)
    with connected(server) as one:
        one.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\nz: ")
        with suppress(OSError):
            for _ in range(50_000):
                one.sendall(part)
        answer = read_all(one)
    assert statuses(answer) in ([431], [400], [])
    assert resident_mb(server) - before < 20


def test_what_is_not_http_is_refused(server: Server) -> None:
    for text in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\r\n\r\n\r\nhello\r\n\r\n"):
        with connected(server) as one:
            one.sendall(text)
            one.shutdown(socket.SHUT_WR)
            assert 200 not in statuses(read_all(one))


def test_health_answers_while_a_slow_prediction_runs(server: Server) -> None:
    slow = json.dumps({"records": [{"area": 2000, "rooms": 1.5}]}).encode()
    ended: list[float] = []

    def ask() -> None:
        assert server.post("/predict", slow).status == 200
        ended.append(time.monotonic())

    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(5):
        assert server.get("/v2/health/ready").status == 200
    assert not ended
    thread.join()
    assert ended


def test_a_server_that_is_told_to_stop_answers_what_it_began(tmp_path: Path) -> None:
    slow = json.dumps({"records": [{"area": 2000, "rooms": 1}]}).encode()
    with serving(tiny_bundle(tmp_path / "bundle"), "--thread") as server, connected(server) as one:
        one.sendall(head(len(slow)) + slow)
        # The server has read it once another answer came after it.
        assert server.get("/ping").status == 200
        server.process.terminate()
        assert statuses(read_all(one)) == [200]
        assert server.process.wait(10) == 0
