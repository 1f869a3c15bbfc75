"""The folder of a bundle: its files, each checked against its digest before anything of it is loaded."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterable, Iterator
from hashlib import file_digest, sha256
from typing import Any, NamedTuple

from solvent.errors import BlobError, BundleError
from solvent.model import Blob
from solvent.serving.manifest import Manifest, read_manifest

MANIFEST, ANNOTATIONS, EXAMPLES, LOCK = "bundle.json", "annotations.json", "examples.json", "requirements.txt"
CODE, BLOBS = "code", "blobs"

_OUTSIDE = re.compile(r"^/|\\|:|(^|/)\.\.?(/|$)|//|\0")
_AGAIN = "copy the whole folder again, or make the bundle again"


class Bundle(NamedTuple):
    """An opened bundle: its folder, its manifest and the digest that names it."""

    folder: str
    manifest: Manifest
    digest: str

    @property
    def blobs(self) -> FolderBlobs:
        return FolderBlobs(os.path.join(self.folder, BLOBS))


def open_bundle(folder: str) -> Bundle:
    """Read a bundle's manifest and check every file against it; nothing of the bundle is loaded before.

    BundleError names what is missing, what was altered, and what is in `code/` without being of the bundle.
    """
    try:
        data = _read(os.path.join(folder, MANIFEST))
    except OSError as error:
        raise BundleError(
            f"no bundle at {folder}: {error.strerror}", hint="`solvent bundle NAME -o FOLDER` writes one"
        ) from error
    manifest = read_manifest(data)
    _check_names(manifest, folder)
    for name, digest in manifest.files.items():
        _check_file(folder, name, digest)
    for name in _files_below(folder, CODE):
        if name not in manifest.files:
            raise BundleError(
                f"{name} is not of this bundle, and would be loaded as if it were",
                where=folder,
                hint="remove it, or make the bundle again",
            )
    return Bundle(folder, manifest, sha256(data).hexdigest())


def _check_names(manifest: Manifest, folder: str) -> None:
    """Refuse names that lead out of the folder, and blobs that no file stands for."""
    for name in manifest.files:
        if _OUTSIDE.search(name) or not name:
            raise BundleError(f"the manifest names a file outside of the bundle: {name!r}", where=folder)
    for blob in manifest.blobs():
        if manifest.files.get(blob_place(blob.digest)) != blob.digest:
            raise BundleError(f"the manifest lists no file for the blob {blob.digest[:12]}", where=folder, hint=_AGAIN)


def _check_file(folder: str, name: str, digest: str) -> None:
    try:
        with open(os.path.join(folder, *name.split("/")), "rb") as file:
            found = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"the bundle lacks its file {name}: {error.strerror}", where=folder, hint=_AGAIN) from error
    if found != digest:
        raise BundleError(
            f"the bundle's file {name} was altered: expected {digest[:12]}, found {found[:12]}",
            where=folder,
            hint=_AGAIN,
        )


def _files_below(folder: str, inner: str) -> Iterator[str]:
    """Name all files below a folder, and links to folders; what Python compiled is left out, for it is never loaded."""
    for place, folders, names in os.walk(os.path.join(folder, inner)):
        folders[:] = [each for each in folders if each != "__pycache__"]
        links = [each for each in folders if os.path.islink(os.path.join(place, each))]
        for name in [*names, *links]:
            yield os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")


def blob_place(digest: str) -> str:
    """Name the file of a blob inside the bundle."""
    return f"{BLOBS}/{digest}"


class FolderBlobs:
    """The blobs of a bundle, for the formats to read from and, while it is made, to write to."""

    def __init__(self, root: str) -> None:
        self.root = root

    def read(self, blob: Blob) -> bytes:
        try:
            return _read(os.path.join(self.root, blob.digest))
        except OSError as error:
            raise BlobError(f"the bundle lacks the blob {blob.digest[:12]}: {error.strerror}") from error

    def map(self, blob: Blob) -> memoryview:
        with open(self.checked_path(blob), "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def checked_path(self, blob: Blob) -> str:
        """Name the file of a blob; it was checked when the bundle was opened."""
        return os.path.join(self.root, blob.digest)

    def fetch(self, blobs: Iterable[Blob]) -> None:
        """All of them are here already."""

    def put(self, data: bytes | Iterable[bytes], role: str = "") -> Blob:
        whole = bytes(data) if isinstance(data, bytes | bytearray | memoryview) else b"".join(data)
        digest = sha256(whole).hexdigest()
        os.makedirs(self.root, exist_ok=True)
        with open(os.path.join(self.root, digest), "wb") as file:
            file.write(whole)
        return Blob(digest, len(whole), role)

    def put_file(self, path: str, role: str = "") -> Blob:
        return self.put(_read(path), role)

    def put_files(self, files: Iterable[tuple[str, str]]) -> list[Blob]:
        return [self.put_file(path, role) for path, role in files]

    def writer(self, role: str = "") -> _Stream:
        return _Stream(self, role)

    def missing(self, blobs: Iterable[Blob]) -> list[Blob]:
        return [each for each in blobs if not os.path.isfile(os.path.join(self.root, each.digest))]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the blobs of a bundle have no {name!r}")


class _Stream:
    """Collects what a format streams, and becomes a blob when its `with` block ends well."""

    def __init__(self, blobs: FolderBlobs, role: str) -> None:
        self._blobs = blobs
        self._role = role
        self._data = bytearray()

    def write(self, data: Any) -> int:
        self._data += data
        return len(data)

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any, /) -> None:
        if kind is None:
            self.blob = self._blobs.put(bytes(self._data), self._role)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
