import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from solvent.errors import StoreError
from solvent.metadata.locks import ByteLocks
from tests.metadata.programs import start

OTHER = """
import sys
from solvent.metadata.locks import ByteLocks
locks = ByteLocks(sys.argv[1])
for line in sys.stdin:
    verb, name = line.split()
    print(getattr(locks, verb)(name), flush=True)
"""


class Other:
    """Another process that does with the same locks what it is asked."""

    def __init__(self, path: Path) -> None:
        self.process: subprocess.Popen[str] = start("-c", OTHER, str(path))

    def ask(self, verb: str, name: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{verb} {name}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def other(path: Path) -> Iterator[Other]:
    process = Other(path)
    yield process
    process.kill()


def test_a_lock_is_taken_once_and_given_back(path: Path) -> None:
    locks = ByteLocks(path)
    assert not locks.holder_alive("run r1")
    assert locks.try_lock("run r1")
    assert locks.holder_alive("run r1")
    assert not locks.try_lock("run r1")
    assert locks.try_lock("run r2")
    locks.unlock("run r1")
    assert not locks.holder_alive("run r1")
    assert locks.try_lock("run r1")


def test_one_path_has_one_object_in_a_process_however_it_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    (path.parent / "link").symlink_to(path.parent)
    assert ByteLocks(path) is ByteLocks("locks") is ByteLocks(path.parent / "link" / "locks")
    assert ByteLocks(path) is not ByteLocks(path.parent / "others")


def test_giving_back_what_is_not_held_changes_nothing(path: Path, other: Other) -> None:
    assert other.ask("try_lock", "a") == "True"
    ByteLocks(path).unlock("a")
    assert ByteLocks(path).holder_alive("a")


def test_another_process_is_kept_out_and_let_in(path: Path, other: Other) -> None:
    locks = ByteLocks(path)
    assert locks.try_lock("a")
    assert other.ask("holder_alive", "a") == "True"
    assert other.ask("try_lock", "a") == "False"
    assert other.ask("try_lock", "b") == "True"
    assert not locks.try_lock("b")
    assert locks.holder_alive("b")
    locks.unlock("a")
    assert other.ask("holder_alive", "a") == "False"
    assert other.ask("try_lock", "a") == "True"


def test_the_locks_of_a_killed_process_are_free_at_once(path: Path, other: Other) -> None:
    assert other.ask("try_lock", "a") == "True"
    assert ByteLocks(path).holder_alive("a")
    other.kill()
    assert not ByteLocks(path).holder_alive("a")
    assert ByteLocks(path).try_lock("a")


def test_asking_who_is_alive_never_keeps_a_process_out(path: Path, other: Other) -> None:
    locks = ByteLocks(path)
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            locks.holder_alive("a")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(100):
            assert other.ask("try_lock", "a") == "True"
            other.ask("unlock", "a")
    finally:
        stop.set()
        thread.join()


def test_two_threads_exclude_each_other(path: Path) -> None:
    locks = ByteLocks(path)
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


FORKING = """
import os, sys
from solvent.metadata.locks import ByteLocks
locks = ByteLocks(sys.argv[1])
assert locks.try_lock("a")
if os.fork() == 0:
    locks.unlock("a")
    seen = locks.try_lock("a"), locks.holder_alive("a"), locks.try_lock("b")
    os._exit(seen != (False, True, True))
print(os.waitstatus_to_exitcode(os.wait()[1]), locks.holder_alive("a"), locks.holder_alive("b"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_none_of_its_parents_locks_and_its_end_frees_none(path: Path) -> None:
    output, _ = start("-c", FORKING, str(path)).communicate()
    assert output.split() == ["0", "True", "False"]


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_many_names_are_as_many_locks(path: Path, other: Other, count: int) -> None:
    locks = ByteLocks(path)
    assert all(locks.try_lock(f"key_{number}") for number in range(count))
    assert other.ask("try_lock", f"key_{count - 1}") == "False"
    assert other.ask("try_lock", f"key_{count}") == "True"
    for number in range(count):
        locks.unlock(f"key_{number}")
    assert other.ask("try_lock", f"key_{count - 1}") == "True"
    assert path.stat().st_size == 0


def test_a_lock_file_that_cannot_be_made_is_an_error_of_the_store(path: Path) -> None:
    with pytest.raises(StoreError, match="can't be opened") as raised:
        ByteLocks(path / "no" / "locks").try_lock("a")
    assert raised.value.where is not None
