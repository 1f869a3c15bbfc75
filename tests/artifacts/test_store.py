"""Blobs: addressed by their bytes, whole or not there, and checked when they are read."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from solvent.artifacts.store import LocalBlobs
from solvent.errors import BlobError, StoreError
from solvent.model import Blob


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(str(tmp_path / "store"))


def files(blobs: LocalBlobs, tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_a_blob_has_the_digest_of_its_bytes_and_is_read_only(blobs: LocalBlobs) -> None:
    blob = blobs.put(b"hello", "role")
    blobs.sync()
    assert blob == Blob(sha256(b"hello").hexdigest(), 5, "role")
    assert blobs.has(blob)
    assert blobs.read(blob) == b"hello"
    assert os.stat(blobs.path(blob)).st_mode & 0o777 == 0o444


def test_equal_bytes_are_kept_once(blobs: LocalBlobs, tmp_path: Path) -> None:
    assert blobs.put(b"a" * 1000).digest == blobs.put([b"a" * 500, b"a" * 500]).digest
    assert len(files(blobs, tmp_path)) == 1


def test_a_stream_that_fails_leaves_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    def write() -> None:
        with blobs.writer("x") as out:
            out.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert files(blobs, tmp_path) == []


@pytest.mark.parametrize("bytes_now", [b"hellO", b"hel", b"", None])
def test_missing_truncated_and_changed_bytes_are_found(blobs: LocalBlobs, bytes_now: bytes | None) -> None:
    blob = blobs.put(b"hello")
    path = Path(blobs.path(blob))
    path.chmod(0o644)
    if bytes_now is None:
        path.unlink()
    else:
        path.write_bytes(bytes_now)
    with pytest.raises(BlobError):
        blobs.read(blob)
    assert not blobs.has(blob), "damaged bytes are set aside, so that they are made again"
    assert blobs.read(blobs.put(b"hello")) == b"hello"


def test_a_truncated_blob_is_written_again(blobs: LocalBlobs) -> None:
    blob = blobs.put(b"hello")
    path = Path(blobs.path(blob))
    path.chmod(0o644)
    path.write_bytes(b"")
    assert blobs.read(blobs.put(b"hello")) == b"hello"


def test_a_store_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError):
        LocalBlobs(str(tmp_path / "store")).put(b"x" * 100)
