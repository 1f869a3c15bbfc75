"""Many files go into a store in bunches: each is whole once it has its name, equal ones are there once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from solvent.artifacts import batch
from solvent.artifacts.store import LocalBlobs
from solvent.errors import FormatError, StoreError
from solvent.model import Blob


def make_files(folder: Path, count: int) -> list[tuple[str, str]]:
    folder.mkdir()
    made = []
    for number in range(count):
        path = folder / f"{number}"
        path.write_bytes(b"%d" % (number % 20) * 1000)
        made.append((str(path), f"role {number}"))
    return made


def left_over(blobs: LocalBlobs) -> list[str]:
    new = Path(blobs.root, "objects", "new")
    return [path.name for path in new.iterdir()] if new.exists() else []


def test_blobs_come_in_the_order_of_the_files_and_equal_ones_are_there_once(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_BUNCH_FILES", 8)
    files = make_files(tmp_path / "in", 40)
    stored = blobs.put_files(files)
    assert [blob.role for blob in stored] == [role for _, role in files]
    for (path, _), blob in zip(files, stored, strict=True):
        assert blobs.read(blob) == Path(path).read_bytes()
        assert os.stat(blobs.path(blob)).st_mode & 0o777 == 0o444
    assert len({blob.digest for blob in stored}) == 20 == len(list(blobs.listing()))
    assert left_over(blobs) == []
    blobs.sync()


def test_files_that_are_there_are_not_written_again(blobs: LocalBlobs, tmp_path: Path) -> None:
    files = make_files(tmp_path / "in", 5)
    first = blobs.put_files(files)
    before = [os.stat(blobs.path(blob)) for blob in first]
    assert blobs.put_files(files) == first
    assert [os.stat(blobs.path(blob)) for blob in first] == before


@pytest.mark.parametrize("bad", ["nowhere", "/proc/self/mem"])
def test_a_file_that_can_not_be_read_is_named_and_leaves_nothing(blobs: LocalBlobs, tmp_path: Path, bad: str) -> None:
    files = make_files(tmp_path / "in", 3)
    if bad.startswith("/") and not os.path.exists(bad):
        pytest.skip("no file that even root can't read")
    with pytest.raises(FormatError, match=f"{bad} can't be read"):
        blobs.put_files([*files, (bad, "")])
    assert left_over(blobs) == []
    assert list(blobs.listing()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_is_named_and_leaves_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    class Full(LocalBlobs):
        def begin(self) -> tuple[int, str]:
            descriptor, temporary = super().begin()
            os.close(descriptor)
            return os.open("/dev/full", os.O_WRONLY), temporary

    with pytest.raises(StoreError, match="No space left"):
        Full(blobs.root).put_files(make_files(tmp_path / "in", 3))
    assert left_over(blobs) == []


def test_a_damaged_blob_is_written_again(blobs: LocalBlobs, tmp_path: Path) -> None:
    files = make_files(tmp_path / "in", 2)
    blob = blobs.put_files(files)[0]
    os.truncate(blobs.path(blob), 3)
    blobs.put_files(files)
    assert hashlib.sha256(blobs.read(blob)).hexdigest() == blob.digest


def test_a_store_deleted_meanwhile_is_made_again(blobs: LocalBlobs, tmp_path: Path) -> None:
    import shutil

    files = make_files(tmp_path / "in", 2)
    blobs.put_files(files)
    shutil.rmtree(blobs.root)
    assert isinstance(blobs.put_files(files)[0], Blob)
