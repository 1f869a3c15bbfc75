"""What every set of named locks must hold to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from solvent.model import Locks

OpenLocks = Callable[[], Locks]


class LocksContract:
    """Give a fixture `open_locks`: a function that opens the same, empty set of locks however often it is called."""

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
