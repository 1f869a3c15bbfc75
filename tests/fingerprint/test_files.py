"""Files and folders count by content; what is remembered of them is never trusted too early."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from solvent.errors import IdentityError
from solvent.fingerprint.externals import externals
from solvent.fingerprint.files import ProcessMemo, digest_file, digest_folder
from solvent.pipelines.files import File, Folder


class Counting(ProcessMemo):
    def __init__(self) -> None:
        super().__init__()
        self.puts = 0

    def put(self, state: tuple[Any, ...], digest: str) -> None:
        self.puts += 1
        super().put(state, digest)


def age(path: Path) -> None:
    """Make a file look as if it had rested for a minute; its change time can't be set, so that is waited for elsewhere."""
    past = os.stat(path).st_mtime_ns - 60 * 10**9
    os.utime(path, ns=(past, past))


def test_a_file_that_was_just_changed_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text("a")
    memo = Counting()
    first = digest_file(path, memo)
    assert memo.puts == 0
    state = os.stat(path)
    path.write_text("b")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert digest_file(path, memo) != first


def test_a_file_that_seems_old_but_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text("a")
    age(path)
    memo = Counting()
    digest_file(path, memo)
    assert memo.puts == 0, "its change time is of now"


def test_a_folder_counts_by_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("1")
    first = digest_folder(tmp_path, None)
    assert digest_folder(tmp_path, None) == first
    (tmp_path / "sub" / "a").rename(tmp_path / "sub" / "b")
    renamed = digest_folder(tmp_path, None)
    assert renamed != first
    (tmp_path / "sub" / "b").write_text("2")
    assert digest_folder(tmp_path, None) != renamed


def test_paths_are_found_wherever_they_are_in_the_arguments(project: Path) -> None:
    (project / "data").mkdir()
    for name in ("a.txt", "b.txt", "data/c.txt"):
        (project / name).write_text(name)
    found = externals({"x": [File("a.txt"), "b.txt"], "y": (Folder("data"), "no such file", 3)}, project)
    assert sorted(found) == ["a.txt", "b.txt", "data"]


def test_a_missing_file_names_the_nearest(project: Path) -> None:
    (project / "flights.csv").write_text("")
    with pytest.raises(IdentityError) as caught:
        externals(File("flihgts.csv"), project)
    assert "flihgts.csv" in str(caught.value)
    assert "flights.csv" in str(caught.value)
