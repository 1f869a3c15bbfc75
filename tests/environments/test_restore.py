"""The text of a snapshot, under the paths that its files have in the project of now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from solvent.artifacts.store import LocalBlobs
from solvent.environments.restore import read_snapshot
from solvent.environments.snapshot import take_snapshot


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "store")


def store(blobs: LocalBlobs, files: list[Path], root: Path) -> str:
    snapshot = take_snapshot(map(str, files), root)
    for content in snapshot.contents.values():
        blobs.put(content)
    return blobs.put(snapshot.manifest.encode()).digest


def test_files_lie_in_the_project_of_now_and_those_outside_where_they_were(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = tmp_path / "project" / "a" / "b.py", tmp_path / "shared" / "tools.py"
    for path in (inside, outside):
        path.parent.mkdir(parents=True)
        path.write_text(path.name)
    monkeypatch.syspath_prepend(str(outside.parent))
    digest = store(blobs, [inside, outside], tmp_path / "project")
    found = read_snapshot(digest, "/moved", blobs, [str(inside), str(outside)])
    assert found.sources == {os.path.join("/moved", "a", "b.py"): b"b.py", str(outside): b"tools.py"}
    assert found.folders == (str(outside.parent),)


def test_what_is_missing_is_left_out(blobs: LocalBlobs, tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("1")
    two.write_text("2")
    digest = store(blobs, [one, two], tmp_path)
    blobs.remove([blobs.put(b"2").digest])
    assert list(read_snapshot(digest, str(tmp_path), blobs, [])[0].values()) == [b"1"]
    assert read_snapshot("0" * 64, str(tmp_path), blobs, []) == ({}, ())
    assert read_snapshot(None, str(tmp_path), blobs, []) == ({}, ())
