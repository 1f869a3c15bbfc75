"""Layers of an image: tar archives that are the same bytes for the same files, whoever packs them and when."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_LEVEL = 4
"""Of zlib's levels; 9 takes four times as long for two percent of the size."""


class Layer(NamedTuple):
    """A layer in a layout: the digest and size of its file, and the digest of what it unpacks to."""

    digest: str
    size_bytes: int
    diff_id: str

    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": LAYER, "digest": self.digest, "size": self.size_bytes}


def write_layer(files: Mapping[str, str], blobs: str) -> Layer:
    """Pack files, given as the place in the image and where they are, into the folder `blobs` of a layout.

    All belong to root and may be read by everybody; times are those of the epoch.
    """
    part = os.path.join(blobs, "layer.part")
    with open(part, "wb") as file:
        outer = _Counted(file)
        with gzip.GzipFile("", "wb", _LEVEL, outer, mtime=0) as packed:  # type: ignore[arg-type]
            inner = _Counted(packed)
            with tarfile.open(fileobj=inner, mode="w", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
                for folder in _folders_of(files):
                    tar.addfile(_entry(folder, 0o755, tarfile.DIRTYPE))
                for name in sorted(files):
                    _add(tar, name, files[name])
    digest = outer.digest()
    os.replace(part, os.path.join(blobs, digest))
    return Layer(f"sha256:{digest}", outer.size_bytes, f"sha256:{inner.digest()}")


def files_below(folder: str, place: str) -> dict[str, str]:
    """List the files of a folder as they are to be placed in an image; what Python compiled is left out."""
    found: dict[str, str] = {}
    for here, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each != "__pycache__"]
        inner = os.path.relpath(here, folder).replace(os.sep, "/")
        for name in names:
            found["/".join([place, *([] if inner == "." else [inner]), name])] = os.path.join(here, name)
    return found


def _folders_of(files: Iterable[str]) -> list[str]:
    """Name all folders above these files, those above first; the first level is the base's own, or made for us."""
    return sorted({name[:at] for name in files for at, sign in enumerate(name) if sign == "/"})


def _add(tar: tarfile.TarFile, name: str, path: str) -> None:
    with open(path, "rb") as file:
        state = os.fstat(file.fileno())
        entry = _entry(name, 0o755 if state.st_mode & 0o100 else 0o644, tarfile.REGTYPE)
        entry.size = state.st_size
        tar.addfile(entry, file)


def _entry(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.type = mode, kind
    return entry


class _Counted(io.RawIOBase):
    """Passes on what is written, and knows its digest and size."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._hash = sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._hash.update(data)
        self.size_bytes += len(data)
        self._target.write(data)
        return len(data)

    def tell(self) -> int:
        return self.size_bytes

    def digest(self) -> str:
        return self._hash.hexdigest()
