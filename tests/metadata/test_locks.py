"""What the byte locks promise beyond the contract that every set of locks is held to."""

import subprocess
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


def test_the_locks_of_a_killed_process_are_free_at_once(path: Path, other: Other) -> None:
    assert other.ask("try_lock", "a") == "True"
    assert ByteLocks(path).holder_alive("a")
    other.kill()
    assert not ByteLocks(path).holder_alive("a")
    assert ByteLocks(path).try_lock("a")


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
