import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from solvent.errors import BlobError, BundleError
from solvent.model import Blob
from solvent.serving.folder import MANIFEST, FolderBlobs, open_bundle
from tests.serving.folders import WEIGHTS, make_folder

BLOB = f"blobs/{sha256(WEIGHTS).hexdigest()}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "b")


def listing(folder: Path, **files: str) -> None:
    tree = json.loads((folder / MANIFEST).read_bytes())
    tree["files"] |= files
    (folder / MANIFEST).write_text(json.dumps(tree))


def test_a_bundle_is_named_by_the_digest_of_its_manifest(folder: Path) -> None:
    bundle = open_bundle(str(folder))
    assert bundle.digest == sha256((folder / MANIFEST).read_bytes()).hexdigest() == bundle.manifest.digest
    assert bundle.blobs.read(bundle.manifest.frozen[0].blobs[0]) == WEIGHTS


@pytest.mark.parametrize("name", [BLOB, "code/one.py", "requirements.txt"])
def test_a_file_that_is_missing_or_altered_is_named_before_anything_is_loaded(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b"#")
    with pytest.raises(BundleError, match=f"file {name} was altered: expected"):
        open_bundle(str(folder))
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"lacks its file {name}"):
        open_bundle(str(folder))


@pytest.mark.parametrize("name", ["code/two.py", "code/kit/more.py", "code/numpy/__init__.py", "code/data.txt"])
def test_a_file_that_was_put_into_the_code_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    with pytest.raises(BundleError, match=f"{name} is not of this bundle"):
        open_bundle(str(folder))


def test_a_link_to_a_folder_in_the_code_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "json").mkdir()
    os.symlink(tmp_path / "json", folder / "code" / "json")
    with pytest.raises(BundleError, match="code/json is not of this bundle"):
        open_bundle(str(folder))


def test_what_python_compiled_is_never_loaded_and_does_no_harm(folder: Path) -> None:
    (folder / "code" / "__pycache__").mkdir()
    (folder / "code" / "__pycache__" / "one.cpython-311.pyc").write_bytes(b"")
    assert open_bundle(str(folder)).manifest.endpoint == "thing"


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "code/../../x", "C:/x", "code\\x.py", "", ".", "a//b", "code/./x", "a\0b"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    listing(folder, **{name: "0" * 64})
    with pytest.raises(BundleError, match="names a file outside of the bundle"):
        open_bundle(str(folder))


def test_a_blob_that_the_manifest_does_not_list_is_refused(folder: Path) -> None:
    tree = json.loads((folder / MANIFEST).read_bytes())
    del tree["files"][BLOB]
    (folder / MANIFEST).write_text(json.dumps(tree))
    with pytest.raises(BundleError, match="lists no file for the blob"):
        open_bundle(str(folder))


def test_a_folder_that_is_no_bundle_is_told_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle at") as told:
        open_bundle(str(tmp_path))
    assert told.value.hint is not None
    assert "solvent bundle" in told.value.hint


def test_a_blob_that_is_not_there_is_an_error_of_its_own(folder: Path) -> None:
    with pytest.raises(BlobError, match="lacks the blob"):
        FolderBlobs(str(folder / "blobs")).read(Blob("0" * 64, 1, ""))


def test_blobs_are_written_by_their_digest(tmp_path: Path) -> None:
    blobs = FolderBlobs(str(tmp_path / "blobs"))
    with blobs.writer("role") as stream:
        stream.write(b"a")
        stream.write(b"b")
    assert blobs.put([b"a", b"b"], "role") == stream.blob
    assert bytes(blobs.map(stream.blob)) == b"ab"
    assert blobs.missing([stream.blob, Blob("0" * 64, 1, "")]) == [Blob("0" * 64, 1, "")]
    assert bytes(blobs.map(blobs.put(b""))) == b""
