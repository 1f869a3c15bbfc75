"""Blobs: addressed by their bytes, whole or not there, and checked when they are read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from solvent.artifacts.saving import save
from solvent.artifacts.store import LocalBlobs
from solvent.errors import BlobError, StoreError
from solvent.fingerprint.values import identify
from solvent.model import Blob


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True).returncode
    ):
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_named_and_leaves_nothing_half_written(small_disk: Path) -> None:
    blobs = LocalBlobs(small_disk / "store")
    kept = blobs.put(b"k" * 1000)
    with pytest.raises(StoreError, match="No space left") as caught:
        blobs.put(os.urandom(1 << 20))
    assert "make room" in str(caught.value.hint)
    assert [path.name for path in (small_disk / "store").rglob("*") if path.is_file()] == [kept.digest[2:]]
    assert blobs.read(kept) == b"k" * 1000
    assert blobs.read(blobs.put(b"room again")) == b"room again"


@pytest.mark.parametrize(
    "value", [np.zeros(100_000), pd.DataFrame({"a": np.random.default_rng(0).random(100_000)}), "x" * 10**6]
)
def test_a_full_disk_is_named_whatever_the_format(value: object, small_disk: Path) -> None:
    blobs = LocalBlobs(small_disk / "store")
    with pytest.raises(StoreError, match="No space left"):
        save(value, identify(value), blobs)
    assert not [path for path in (small_disk / "store").rglob("*") if path.is_file()]


def test_a_read_only_disk_is_read_and_not_written(small_disk: Path) -> None:
    blobs = LocalBlobs(small_disk / "store")
    kept, damaged = blobs.put(b"kept"), blobs.put(b"damaged")
    os.chmod(blobs.path(damaged), 0o600)
    Path(blobs.path(damaged)).write_bytes(b"dAmaged")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert blobs.read(kept) == b"kept"
    with pytest.raises(StoreError, match="Read-only") as caught:
        blobs.put(b"more")
    assert "SOLVENT_HOME" in str(caught.value.hint)
    with pytest.raises(BlobError, match="damaged"):
        blobs.read(damaged)


def test_threads_may_store_the_same_bytes_at_once(blobs: LocalBlobs, tmp_path: Path) -> None:
    data = os.urandom(50_000)
    with ThreadPoolExecutor(8) as pool:
        stored = set(pool.map(lambda _: blobs.put(data), range(40)))
    blobs.sync()
    assert len(stored) == 1
    assert len(files(blobs, tmp_path)) == 1


def test_a_store_that_was_deleted_meanwhile_is_made_again(blobs: LocalBlobs, tmp_path: Path) -> None:
    blobs.put(b"one")
    shutil.rmtree(tmp_path / "store")
    assert blobs.read(blobs.put(b"one")) == b"one"
    blobs.sync()


def test_a_changed_file_is_checked_again(blobs: LocalBlobs) -> None:
    blob = blobs.put(b"x" * 1000)
    path = Path(blobs.checked_path(blob))
    path.chmod(0o644)
    path.write_bytes(b"y" * 1000)
    with pytest.raises(BlobError):
        blobs.checked_path(blob)
