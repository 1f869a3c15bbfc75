"""A server that is restarted, crashes or loses connections under a store and its locks: nothing is lost, nothing twice."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from solvent.errors import StoreError
from solvent.metadata import sessions
from solvent.metadata.advisory import AdvisoryLocks
from solvent.metadata.opening import open_metadata
from tests import soak
from tests.metadata.programs import start
from tests.metadata.records import add, artifact, execution, run, step_run
from tests.servers import Postgres, own_postgres, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server that these tests may stop; it syncs, as it is to be crashed."""
    if os.name != "posix":
        pytest.skip("POSIX only")
    with own_postgres("full_page_writes=off") as running:
        yield running


@pytest.fixture
def url(server: Postgres, request: pytest.FixtureRequest) -> str:
    if server.process is None:
        server.start()
    name = f"t{abs(hash(request.node.name))}"
    server.ask(f"CREATE SCHEMA IF NOT EXISTS {name}")
    return server.url(schema=name)


def soon(work: Callable[[], object], seconds: float = 0.3) -> threading.Timer:
    timer = threading.Timer(seconds, work)
    timer.start()
    return timer


def test_a_reader_waits_for_a_server_that_is_restarted(server: Postgres, url: str) -> None:
    with open_metadata("", url) as store:
        add(store, run("r1"), step_run("r1", 0))
        for how in (signal.SIGINT, signal.SIGKILL):
            server.stop(how)
            back = soon(server.start)
            assert store.list_runs()[0].id == "r1"
            back.join()
        server.stop()
        server.start()
        assert len(store.list_step_runs("r1")) == 1
        server.stop()
        server.start()
        assert store.walk_up("none", "none") == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_is_written_while_the_server_goes_is_written_once(server: Postgres, url: str, how: signal.Signals) -> None:
    with open_metadata("", url) as store:
        attempts = []

        def work() -> None:
            store.add_run(run("r1"))
            attempts.append(1)
            if len(attempts) == 1:
                server.stop(how)
                soon(server.start)
            store.add_step_run(step_run("r1", 0, execution=execution({"": artifact(1)})))
            store.add_note("run", "r1", "good", "zoë", 5.0)

        store.write(work)
        assert len(attempts) == 2
        wait_until(server.answers)
        assert (len(store.list_runs()), len(store.list_step_runs("r1")), len(store.notes("run", "r1"))) == (1, 1, 1)


def test_a_plain_transaction_says_that_the_connection_was_lost_and_leaves_nothing(server: Postgres, url: str) -> None:
    with open_metadata("", url) as store:
        with pytest.raises(StoreError, match="was lost"), store.transaction():  # noqa: PT012
            store.add_run(run("r1"))
            server.stop()
            server.start()
            with pytest.raises(StoreError, match="was lost"):
                store.add_run(run("r2"))
            store.add_run(run("r3"))
        assert store.list_runs() == []


def test_a_commit_whose_answer_is_lost_is_found_out(server: Postgres, url: str) -> None:
    with (
        _Cutting(server.port, b"COMMIT") as proxy,
        open_metadata("", url.replace(str(server.port), proxy.port)) as store,
    ):

        def work() -> None:
            store.add_run(run("r1"))
            store.add_note("run", "r1", "good", "zoë", 5.0)

        proxy.armed = True
        store.write(work)
        assert proxy.cuts == 1
        assert (len(store.list_runs()), len(store.notes("run", "r1"))) == (1, 1)


def test_a_server_that_does_not_come_back_is_an_error_after_a_while(
    server: Postgres, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PATIENCE_SECONDS", 1.0)
    with open_metadata("", url) as store:
        locks = AdvisoryLocks(url)
        assert locks.try_lock("a")
        server.stop()
        began = time.monotonic()
        with pytest.raises(StoreError, match="could not be reached for 1 seconds") as raised:
            store.write(lambda: store.add_run(run("r1")))
        assert "What was reported as done is safe" in (raised.value.hint or "")
        with pytest.raises(StoreError, match="could not be reached for"):
            store.list_runs()
        locks.unlock("a")
        locks.close()
        assert time.monotonic() - began < 10


HOLDER = """
import psycopg, sys, time
from solvent.metadata.advisory import AdvisoryLocks
def wall(): raise RuntimeError("the clock was asked")
time.time = wall
locks = AdvisoryLocks(sys.argv[1])
assert locks.try_lock("run:1")
print("held", flush=True)
sys.stdin.read()
"""


def test_locks_are_taken_again_when_a_server_comes_back_and_none_who_asks_is_misled(server: Postgres, url: str) -> None:
    """The holder and its thread never ask what time it is: a clock that jumps means nothing to them."""
    holder = start("-c", HOLDER, url)
    asker = AdvisoryLocks(url)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert asker.holder_alive("run:1")
        server.stop(signal.SIGKILL)
        server.start()
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert asker.holder_alive("run:1")
        assert not asker.try_lock("run:1")
        holder.kill()
        holder.communicate()
        wait_until(lambda: not asker.holder_alive("run:1"), 10)
    finally:
        holder.kill()
        holder.communicate()
        asker.close()


def test_a_connection_that_was_ended_gives_its_locks_back_to_the_same_process(server: Postgres, url: str) -> None:
    locks = AdvisoryLocks(url)
    assert locks.try_lock("a")
    ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    held = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    server.ask(ended)
    wait_until(lambda: server.ask(held) == [(1,)], 5)
    assert locks.holder_alive("a")
    locks.unlock("a")
    wait_until(lambda: server.ask(held) == [(0,)], 5)
    locks.close()


def test_locks_that_the_server_still_gives_to_the_lost_connection_are_taken_from_it(server: Postgres, url: str) -> None:
    """A network that fails silently: the server has not heard of the end, and the holder is back before it has."""
    with _Cutting(server.port, b"pg_locks", tells_server=False) as proxy:
        locks, asker = AdvisoryLocks(url.replace(str(server.port), proxy.port)), AdvisoryLocks(url)
        try:
            assert locks.try_lock("a")
            proxy.armed = True
            locks.holder_alive("b")
            assert proxy.cuts == 1
            held = "SELECT COUNT(*), COUNT(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory'"
            wait_until(lambda: server.ask(held) == [(1, 1)], 5)
            until = time.monotonic() + 2
            while time.monotonic() < until:
                assert not asker.try_lock("a")
            locks.unlock("a")
            assert asker.try_lock("a")
        finally:
            locks.close()
            asker.close()


class _Cutting:
    """A way to a server that swallows the answer to one message and then hangs up."""

    def __init__(self, server_port: int, word: bytes, *, tells_server: bool = True) -> None:
        self._server_port = server_port
        self._tells_server = tells_server
        self._made: list[socket.socket] = []
        self._word = word
        self.armed = False
        self.cuts = 0

    def __enter__(self) -> "_Cutting":
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = str(self._socket.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        for each in (self._socket, *self._made):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            self._made += (client, server)
            cut = threading.Event()
            threading.Thread(target=self._there, args=(client, server, cut), daemon=True).start()
            threading.Thread(target=self._back, args=(client, server, cut), daemon=True).start()

    def _there(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        while data := _received(client):
            if self.armed and self._word in data:
                self.armed = False
                cut.set()
            with suppress(OSError):
                server.sendall(data)
        if self._tells_server:
            server.close()

    def _back(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        while data := _received(server):
            if cut.is_set():
                self.cuts += 1
                break
            with suppress(OSError):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        client.close()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except OSError:
        return b""


@pytest.mark.soak
@pytest.mark.skipif(shutil.which("iptables") is None or os.geteuid() != 0, reason="needs iptables, and root")
def test_a_machine_that_falls_silent_is_dead_within_30_seconds_and_has_its_locks_again_when_it_wakes(
    server: Postgres, url: str
) -> None:
    """Whether its power is gone or its lid is closed looks the same from afar: no packet comes any more."""
    holder = start("-c", HOLDER, url)
    asker = AdvisoryLocks(url)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert asker.holder_alive("run:1")
        locked = "SELECT client_port FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory'"
        ((port,),) = server.ask(locked)
        rule = ["INPUT", "-i", "lo", "-p", "tcp", "--sport", str(port), "--dport", str(server.port), "-j", "DROP"]
        subprocess.run(["iptables", "-I", *rule], check=True)
        try:
            began = time.monotonic()
            wait_until(lambda: not asker.holder_alive("run:1"), 35)
            noticed = time.monotonic() - began
        finally:
            subprocess.run(["iptables", "-D", *rule], check=True)
        wait_until(lambda: asker.holder_alive("run:1"), 60)
        soak.record("a silent machine is seen as dead, PostgreSQL", f"after {noticed:.0f} s")
        assert noticed < 30
    finally:
        holder.kill()
        holder.communicate()
        asker.close()
