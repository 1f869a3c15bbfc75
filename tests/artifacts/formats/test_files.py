"""Files and folders are kept as their bytes and come back as read-only files of the same class."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from solvent.artifacts.formats import files
from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.errors import BlobError, FormatError
from solvent.fingerprint.files import folder_state, process_memo, scan_folder
from solvent.fingerprint.values import identify
from solvent.model import ArtifactRef
from solvent.pipelines.files import File, Folder


def save_folder(root: Path, blobs: LocalBlobs) -> ArtifactRef:
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "a é.txt").write_bytes(b"a" * 20_000)
    (root / "sub" / "b").write_bytes(b"")
    return save(Folder(root), identify(Folder(root)), blobs)


def test_a_file_comes_back_under_its_name_read_only(blobs: LocalBlobs, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\x00" * 100_000)
    ref = save(File(tmp_path / "model.bin"), identify(File(tmp_path / "model.bin")), blobs)
    again = load(ref, blobs)
    assert type(again) is File
    assert again.name == "model.bin"
    assert again.read_bytes() == b"\x00" * 100_000
    assert os.stat(again).st_mode & 0o222 == 0
    assert identify(again)[:2] == ref.identity[:2]


def test_a_folder_is_a_manifest_and_comes_back_whole(blobs: LocalBlobs, tmp_path: Path) -> None:
    ref = save_folder(tmp_path / "in", blobs)
    assert {blob.role for blob in ref.blobs} == {"a é.txt", "sub/b"}
    again = load(ref, blobs)
    assert type(again) is Folder
    found = sorted(path.relative_to(again).as_posix() for path in again.rglob("*"))
    assert found == ["a é.txt", "sub", "sub/b", "sub/empty"]
    assert (again / "a é.txt").read_bytes() == b"a" * 20_000
    assert load(ref, blobs) == again


@pytest.mark.skipif(os.name == "nt", reason="names have other rules there")
def test_names_of_full_length_come_back(blobs: LocalBlobs, tmp_path: Path) -> None:
    file, folder = tmp_path / ("x" * 255), tmp_path / ("y" * 255)
    file.write_bytes(b"f")
    folder.mkdir()
    (folder / ("z" * 255)).write_bytes(b"z")
    assert load(save(File(file), identify(File(file)), blobs), blobs).read_bytes() == b"f"
    again = load(save(Folder(folder), identify(Folder(folder)), blobs), blobs)
    assert [path.name for path in again.iterdir()] == ["z" * 255]


def test_an_empty_folder_comes_back(blobs: LocalBlobs, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    ref = save(Folder(tmp_path / "in"), identify(Folder(tmp_path / "in")), blobs)
    assert list(load(ref, blobs).iterdir()) == []


def test_a_file_that_someone_changed_in_the_store_is_not_given_out(blobs: LocalBlobs, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"right")
    ref = save(File(tmp_path / "x"), identify(File(tmp_path / "x")), blobs)
    place = load(ref, blobs)
    place.unlink()
    place.write_bytes(b"wrong")
    assert load(ref, blobs).read_bytes() == b"right"
    place.chmod(0o644)
    place.write_bytes(b"wrong")
    assert load(ref, blobs).read_bytes() == b"right", "what is given out is a copy, never the blob itself"
    assert blobs.read(ref.blobs[0]) == b"right"
    os.chmod(blobs.path(ref.blobs[0]), 0o644)
    Path(blobs.path(ref.blobs[0])).write_bytes(b"wrong")
    place.unlink()
    with pytest.raises(BlobError):
        load(ref, blobs)


@pytest.mark.parametrize("kind", [File, Folder])
def test_what_does_not_exist_is_refused_by_name(kind: type[Path], blobs: LocalBlobs, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nowhere does not exist"):
        save(kind(tmp_path / "nowhere"), identify(1), blobs)


def test_a_link_to_a_folder_is_refused(blobs: LocalBlobs, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    with pytest.raises(FormatError, match="loop is a link to a folder"):
        save(Folder(tmp_path / "in"), identify(1), blobs)


def test_a_manifest_never_leads_out_of_its_folder(blobs: LocalBlobs, tmp_path: Path) -> None:
    ref = save_folder(tmp_path / "in", blobs)
    bad = ref.blobs[0]._replace(role="../../outside")
    with pytest.raises(FormatError, match="leads out of its folder"):
        load(ArtifactRef(ref.identity, "folder", 1, None, (bad,), ref.meta), blobs)


def test_reading_what_was_just_checked_again_is_saved(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = save_folder(tmp_path / "in", blobs)
    monkeypatch.setattr(files, "SETTLED_NS", -(10**12))  # as if the clock stood far ahead
    place = load(ref, blobs)
    known = folder_state(str(place), scan_folder(place))
    assert process_memo.get(known) == ref.digest == identify(place).digest
    (place / "sub" / "b").chmod(0o644)
    (place / "sub" / "b").write_bytes(b"wrong")
    assert identify(place).digest != ref.digest
