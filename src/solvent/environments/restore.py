"""A snapshot as it is needed to run its code again: the text of each file, under the path that it had."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from solvent.artifacts.store import UNKNOWN_BYTES
from solvent.errors import BlobError
from solvent.model import Blob, Blobs

OUTSIDE, CELLS = "@outside/", "@cells/"


class Restored(NamedTuple):
    """Source text by absolute path, and the folders outside the project that have to be on the import path."""

    sources: dict[str, bytes]
    folders: tuple[str, ...]


def read_manifest(digest: str, blobs: Blobs) -> dict[str, Blob]:
    """Read which files a snapshot has, by their path in it; BlobError if its manifest is missing or damaged."""
    return listed(blobs.read(Blob(digest, UNKNOWN_BYTES)))


def listed(manifest: str | bytes) -> dict[str, Blob]:
    """Give the blobs of the files that the text of a manifest names."""
    return {path: Blob(content, size_bytes, path) for path, (content, size_bytes) in json.loads(manifest).items()}


def read_snapshot(digest: str | None, root: str, blobs: Blobs, files: Iterable[str]) -> Restored:
    """Read a snapshot for a project that lies at `root` now; what is missing of it is not restored.

    `files` are the absolute paths that the files had: by them those outside the project find their place. Cells of
    notebooks have none.
    """
    sources: dict[str, bytes] = {}
    folders: dict[str, None] = {}
    known = sorted(files)
    for path, blob in _listed(digest, blobs).items():
        place = os.path.join(root, *path.split("/"))
        if path.startswith(OUTSIDE):
            below = path.removeprefix(OUTSIDE).replace("/", os.sep)
            place = next((each for each in known if each.endswith(os.sep + below)), "")
            folders[place.removesuffix(below)] = None
        if place and not path.startswith(CELLS):
            with suppress(BlobError):
                sources[place] = blobs.read(blob)
    return Restored(sources, tuple(folder.rstrip(os.sep) for folder in folders if folder))


def _listed(digest: str | None, blobs: Blobs) -> dict[str, Blob]:
    try:
        return read_manifest(digest, blobs) if digest else {}
    except BlobError:
        return {}
