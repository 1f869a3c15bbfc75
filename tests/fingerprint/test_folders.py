"""A folder that did not change costs a look at its files' states, and any change in it is seen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from solvent.errors import IdentityError
from solvent.fingerprint import files
from solvent.fingerprint.externals import externals
from solvent.fingerprint.files import ProcessMemo, digest_file, digest_folder, digest_manifest
from solvent.fingerprint.values import identify
from solvent.pipelines.files import Folder


class Counting(ProcessMemo):
    """Counts the files that it could not name."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown = 0

    def get_many(self, states: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
        found = super().get_many(states)
        self.unknown += len(states) - len(found)
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (root / name).write_text(name)
    return root


@pytest.fixture
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands a minute ahead of the files."""
    ahead = files.time.time_ns() + 60 * 10**9
    monkeypatch.setattr(files, "SETTLED_NS", files.time.time_ns() - ahead)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a changed byte": lambda root: (root / "a").write_text("x"),
    "a new file": lambda root: (root / "sub" / "d").write_text(""),
    "a deleted file": lambda root: (root / "b").unlink(),
    "a renamed file": lambda root: (root / "b").rename(root / "z"),
    "a renamed folder": lambda root: (root / "sub").rename(root / "top"),
    "swapped files": lambda root: (
        (root / "a").rename(root / "t"),
        (root / "b").rename(root / "a"),
        (root / "t").rename(root / "b"),
    ),
    "a link to another file": lambda root: ((root / "a").unlink(), (root / "a").symlink_to(root / "b")),
    "a linked folder": lambda root: (root / "more").symlink_to(root / "sub"),
}


@pytest.mark.usefixtures("rested")
@pytest.mark.parametrize("change", CHANGES)
def test_each_change_gives_the_digest_that_a_fresh_look_gives(folder: Path, change: str) -> None:
    memo = Counting()
    before = digest_folder(folder, memo)
    assert digest_folder(folder, memo) == before
    CHANGES[change](folder)
    after = digest_folder(folder, memo)
    assert after == digest_folder(folder, None) != before


@pytest.mark.usefixtures("rested")
def test_an_unchanged_folder_is_one_question_and_a_changed_file_is_read_alone(folder: Path) -> None:
    memo = Counting()
    digest_folder(folder, memo)
    memo.unknown = 0
    digest_folder(folder, memo)
    assert memo.unknown == 0
    (folder / "a").write_text("longer")
    digest_folder(folder, memo)
    assert memo.unknown == 2, "the folder as a whole, and the file"


@pytest.mark.usefixtures("rested")
@pytest.mark.parametrize("touch", [os.utime, lambda path: path.chmod(0o600), lambda path: os.link(path, f"{path}2")])
def test_a_touched_file_keeps_the_digest(folder: Path, touch: Callable[[Path], object]) -> None:
    memo = ProcessMemo()
    before = digest_file(folder / "a", memo)
    touch(folder / "a")
    assert digest_file(folder / "a", memo) == before


def test_a_folder_of_files_that_were_just_written_is_read_again(folder: Path) -> None:
    memo = Counting()
    before = digest_folder(folder, memo)
    state = os.stat(folder / "a")
    (folder / "a").write_text("A")
    os.utime(folder / "a", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert digest_folder(folder, memo) != before


def test_a_manifest_has_the_digest_of_its_folder(folder: Path, tmp_path: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    entries = [(path.relative_to(folder).as_posix(), str(path.stat().st_size), digest_file(path)) for path in files]
    assert digest_manifest(entries) == digest_manifest(reversed(entries)) == digest_folder(folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert digest_folder(tmp_path / "copy") == digest_folder(folder) == identify(Folder(folder)).digest


def test_a_link_into_itself_and_one_that_leads_nowhere_add_nothing(folder: Path) -> None:
    before = digest_folder(folder)
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "broken").symlink_to(folder / "nowhere")
    assert digest_folder(folder) == before


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="no file that even root can't read")
def test_a_file_that_can_not_be_read_is_named(folder: Path) -> None:
    (folder / "b").unlink()
    (folder / "b").symlink_to("/proc/self/mem")
    with pytest.raises(IdentityError, match=r"/b' in .*data' can't be read: Input/output error"):
        externals(Folder(folder), folder.parent)


@pytest.mark.parametrize("size", [0, 1, files._BUFFER_BYTES, files._BUFFER_BYTES + 1])
def test_small_and_large_files_are_read_alike(tmp_path: Path, size: int) -> None:
    import hashlib

    (tmp_path / "x").write_bytes(b"x" * size)
    assert digest_file(tmp_path / "x") == hashlib.sha256(b"x" * size).hexdigest()
