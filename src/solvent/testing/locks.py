"""What every set of named locks must hold to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from solvent.model import Locks

OpenLocks = Callable[[], Locks]


class LocksContract:
    """What every set of named locks must hold to; two processes take part.

    Give two fixtures: `open_locks`, a function that opens the same, empty set of locks however often it is called, and
    `opening`, lines of Python that open it in another process and name it `locks`.
    """

    released_seconds = 5.0
    """How long the locks of a process that has died may still seem to be held."""

    def test_a_lock_is_taken_once_and_given_back(self, open_locks: OpenLocks) -> None:
        locks = open_locks()
        assert not locks.holder_alive("run r1")
        assert locks.try_lock("run r1")
        assert locks.holder_alive("run r1")
        assert not locks.try_lock("run r1")
        assert locks.try_lock("run r2")
        locks.unlock("run r1")
        assert not locks.holder_alive("run r1")
        assert locks.try_lock("run r1")

    def test_opened_twice_in_a_process_they_are_the_same_locks(self, open_locks: OpenLocks) -> None:
        assert open_locks().try_lock("a")
        assert not open_locks().try_lock("a")
        assert open_locks().holder_alive("a")
        open_locks().unlock("a")
        assert not open_locks().holder_alive("a")

    def test_giving_back_what_is_not_held_changes_nothing(self, open_locks: OpenLocks) -> None:
        locks = open_locks()
        locks.unlock("a")
        assert locks.try_lock("a")

    def test_any_text_is_a_name_of_its_own(self, open_locks: OpenLocks) -> None:
        locks = open_locks()
        names = ["", " ", "é", "\udc80", "\0", "a" * 10_000, "run:1", "run:2"]
        assert all(locks.try_lock(name) for name in names)
        assert not any(locks.try_lock(name) for name in names)
        for name in names:
            locks.unlock(name)
        assert not any(locks.holder_alive(name) for name in names)

    def test_threads_exclude_each_other(self, open_locks: OpenLocks) -> None:
        locks = open_locks()
        ready = threading.Barrier(8)
        won = []

        def take() -> None:
            ready.wait()
            for name in range(50):
                if locks.try_lock(str(name)):
                    won.append(name)

        threads = [threading.Thread(target=take) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == list(range(50))

    def test_many_names_are_as_many_locks(self, open_locks: OpenLocks) -> None:
        locks = open_locks()
        assert all(locks.try_lock(f"key_{number}") for number in range(300))
        assert not locks.holder_alive("key_300")
        for number in range(300):
            locks.unlock(f"key_{number}")
        assert not locks.holder_alive("key_299")

    def test_another_process_is_kept_out_and_let_in(self, open_locks: OpenLocks, opening: str) -> None:
        locks = open_locks()
        with _other(opening) as other:
            assert locks.try_lock("a")
            assert other.ask("holder_alive", "a")
            assert not other.ask("try_lock", "a")
            assert other.ask("try_lock", "b")
            assert not locks.try_lock("b")
            assert locks.holder_alive("b")
            locks.unlock("b")
            assert locks.holder_alive("b")
            locks.unlock("a")
            assert not other.ask("holder_alive", "a")
            assert other.ask("try_lock", "a")

    def test_asking_who_is_alive_never_keeps_a_process_out(self, open_locks: OpenLocks, opening: str) -> None:
        locks = open_locks()
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                locks.holder_alive("a")

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            with _other(opening) as other:
                for _ in range(100):
                    assert other.ask("try_lock", "a")
                    other.ask("unlock", "a")
        finally:
            stop.set()
            thread.join()

    def test_the_locks_of_a_killed_process_become_free(self, open_locks: OpenLocks, opening: str) -> None:
        locks = open_locks()
        with _other(opening) as other:
            assert other.ask("try_lock", "a")
            assert locks.holder_alive("a")
            other.kill()
            _wait_until(lambda: not locks.holder_alive("a"), self.released_seconds)
            assert locks.try_lock("a")

    def test_a_stopped_process_is_not_dead(self, open_locks: OpenLocks, opening: str) -> None:
        if not hasattr(signal, "SIGSTOP"):
            return
        locks = open_locks()
        with _other(opening) as other:
            assert other.ask("try_lock", "a")
            os.kill(other.process.pid, signal.SIGSTOP)
            until = time.monotonic() + 1.0
            while time.monotonic() < until:
                assert locks.holder_alive("a")
                assert not locks.try_lock("a")
            os.kill(other.process.pid, signal.SIGCONT)
            assert other.ask("holder_alive", "a")
            other.ask("unlock", "a")
            assert locks.try_lock("a")

    def test_a_forked_child_has_none_of_its_parents_locks_and_its_end_frees_none(
        self, open_locks: OpenLocks, opening: str
    ) -> None:
        if not hasattr(os, "fork"):
            return
        locks = open_locks()
        with _other(opening) as other:
            assert other.ask("try_lock", "a")
            assert other.ask("fork", "b")
            assert other.ask("holder_alive", "a")
            assert locks.holder_alive("a")
            assert not locks.try_lock("a")
            _wait_until(lambda: not locks.holder_alive("b"), self.released_seconds)

    def test_a_child_that_lives_on_does_not_hold_what_its_parent_held(
        self, open_locks: OpenLocks, opening: str
    ) -> None:
        if not hasattr(os, "fork"):
            return
        locks = open_locks()
        with _other(opening) as other:
            assert other.ask("try_lock", "a")
            assert other.ask("linger", "")
            other.kill()
            _wait_until(lambda: not locks.holder_alive("a"), self.released_seconds)


_PROGRAM = """
import os, sys, time

def fork(name):
    child = os.fork()
    if child == 0:
        locks.unlock("a")
        seen = locks.try_lock("a"), locks.holder_alive("a"), locks.try_lock(name)
        os._exit(seen != (False, True, True))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

def linger(name):
    if os.fork() == 0:
        for number in range(3):
            os.close(number)
        time.sleep(30)
        os._exit(0)
    return True

for line in sys.stdin:
    verb, _, name = line.rstrip("\\n").partition(" ")
    do = {"fork": fork, "linger": linger}.get(verb) or getattr(locks, verb)
    print(bool(do(name)), flush=True)
"""


class _Other:
    """Another process that does with the same locks what it is asked."""

    def __init__(self, opening: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{opening}\n{_PROGRAM}"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, verb: str, name: str) -> bool:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{verb} {name}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip() == "True"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def _other(opening: str) -> Iterator[_Other]:
    other = _Other(opening)
    try:
        yield other
    finally:
        other.kill()
        with suppress(ProcessLookupError):
            os.killpg(other.process.pid, signal.SIGKILL)  # its children, if any outlived it


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} seconds"
        time.sleep(0.01)
