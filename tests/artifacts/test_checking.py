"""What stands in the place of a blob is named, and taken out of the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from solvent.artifacts.checking import check_blob, entries, leftovers, make_own, set_aside
from solvent.artifacts.store import LocalBlobs
from solvent.model import Blob


@pytest.fixture
def blob(blobs: LocalBlobs) -> Blob:
    return blobs.put(b"twelve bytes")


def path_of(blobs: LocalBlobs, blob: Blob) -> Path:
    return Path(blobs.path(blob))


def kind(blobs: LocalBlobs, blob: Blob) -> str:
    fault = check_blob(blobs, blob)
    return fault.kind if fault else "sound"


def test_a_sound_blob_has_no_fault_whatever_size_is_expected_of_it(blobs: LocalBlobs, blob: Blob) -> None:
    assert kind(blobs, blob) == "sound"
    assert kind(blobs, blob._replace(size_bytes=-1)) == "sound"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b"twelve", "6 bytes instead of 12"),
        (b"Twelve bytes", "its bytes have another digest"),
        (b"twelve bytes and more", "21 bytes instead of 12"),
    ],
)
def test_other_bytes_are_damage(blobs: LocalBlobs, blob: Blob, data: bytes, told: str) -> None:
    path_of(blobs, blob).chmod(0o644)
    path_of(blobs, blob).write_bytes(data)
    fault = check_blob(blobs, blob)
    assert fault is not None
    assert (fault.kind, fault.detail) == ("damaged", told)


@pytest.mark.skipif(os.name == "nt", reason="links and modes are those of POSIX")
def test_links_folders_pipes_and_modes_are_told_apart(blobs: LocalBlobs, blob: Blob, tmp_path: Path) -> None:
    path, away = path_of(blobs, blob), tmp_path / "away"
    path.chmod(0o664)
    assert kind(blobs, blob) == "loose"
    path.rename(away)
    assert kind(blobs, blob) == "missing"
    path.symlink_to(away)
    assert kind(blobs, blob) == "link"
    away.write_bytes(b"other bytes!")
    assert kind(blobs, blob) == "misplaced"
    path.unlink()
    path.mkdir()
    assert kind(blobs, blob) == "misplaced"
    path.rmdir()
    os.mkfifo(path)
    assert kind(blobs, blob) == "misplaced"
    path.unlink()
    path.symlink_to(away)
    away.unlink()
    os.mkfifo(away)  # nobody waits for a writer
    assert kind(blobs, blob) == "misplaced"


def test_what_is_set_aside_makes_room_for_the_blob(blobs: LocalBlobs, blob: Blob) -> None:
    path = path_of(blobs, blob)
    for _ in range(2):
        path.unlink()
        path.mkdir()
        set_aside(blobs, blob)
        assert blobs.missing([blob]) == [blob]
        blobs.put(b"twelve bytes")
        assert kind(blobs, blob) == "sound"
    assert len(list(leftovers(blobs))) == 2


def test_a_file_in_the_place_of_a_folder_of_blobs_is_set_aside(blobs: LocalBlobs, blob: Blob) -> None:
    folder = path_of(blobs, blob).parent
    path_of(blobs, blob).unlink()
    folder.rmdir()
    folder.write_text("a file")
    assert kind(blobs, blob) == "missing"
    set_aside(blobs, blob)
    blobs.put(b"twelve bytes")
    assert kind(blobs, blob) == "sound"


@pytest.mark.skipif(os.name == "nt", reason="links are those of POSIX")
def test_a_link_to_the_right_bytes_becomes_a_file_of_its_own(blobs: LocalBlobs, blob: Blob, tmp_path: Path) -> None:
    path = path_of(blobs, blob)
    path.rename(tmp_path / "away")
    path.symlink_to(tmp_path / "away")
    make_own(blobs, blob)
    assert kind(blobs, blob) == "sound"
    assert (tmp_path / "away").read_bytes() == b"twelve bytes"
    assert list(leftovers(blobs)) == []


@pytest.mark.skipif(os.name == "nt", reason="links are those of POSIX")
def test_a_folder_of_blobs_may_lie_on_another_disk(blobs: LocalBlobs, blob: Blob, tmp_path: Path) -> None:
    folder = path_of(blobs, blob).parent
    folder.rename(tmp_path / "away")
    folder.symlink_to(tmp_path / "away")
    assert [each.digest for each in entries(blobs)] == [blob.digest]
    assert kind(blobs, blob) == "sound"


def test_entries_and_leftovers_are_all_that_is_there(blobs: LocalBlobs, blob: Blob) -> None:
    path_of(blobs, blob).with_name("half").write_bytes(b"1")
    assert [each.digest for each in entries(blobs)] == [blob.digest]
    assert [os.path.basename(each.path) for each in leftovers(blobs)] == ["half"]
