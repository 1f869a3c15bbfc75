"""The user's source files that a run reaches, by content: what is needed to run the same code again."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple


class Snapshot(NamedTuple):
    """Source text by content. `manifest` is JSON of path to [digest, size_bytes], `digest` its SHA-256.

    `contents` maps each digest to its bytes. Paths are relative to the project; files from elsewhere are under
    `@outside/`, cells of a notebook or typed code under `@cells/`. `missing` names files with no source to be had.
    """

    digest: str
    manifest: str
    contents: dict[str, bytes]
    missing: tuple[str, ...]


def take_snapshot(files: Iterable[str], root: str | os.PathLike[str]) -> Snapshot:
    """Collect these source files, and the `__init__.py` of each package around them, for storing."""
    root, files = os.path.realpath(root), set(files)
    listing: dict[str, tuple[str, int]] = {}
    contents: dict[str, bytes] = {}
    missing: list[str] = []
    for file in sorted({*files, *_packages_around(files)}):
        name, text = _read(file, root)
        if text is None:
            missing.append(file)
            continue
        digest = sha256(text).hexdigest()
        contents[digest] = text
        listing[_free_name(name, digest, listing)] = (digest, len(text))
    manifest = json.dumps(listing, sort_keys=True)
    return Snapshot(sha256(manifest.encode()).hexdigest(), manifest, contents, tuple(missing))


def _packages_around(files: Iterable[str]) -> Iterator[str]:
    for file in files:
        folder = os.path.dirname(file)
        while os.path.isabs(folder):
            init = os.path.join(folder, "__init__.py")
            if not os.path.exists(init):
                break
            yield init
            folder = os.path.dirname(folder)


def _read(file: str, root: str) -> tuple[str, bytes | None]:
    try:
        with open(file, "rb") as source:
            return _place(os.path.realpath(file), root), source.read()
    except OSError:
        return f"@cells/{os.path.basename(file).strip('<>')}", _typed_source(file)


def _typed_source(name: str) -> bytes | None:
    """Source that exists only in this process: cells of a notebook, code typed at a prompt."""
    import linecache

    lines = linecache.getlines(name)
    return "".join(lines).encode() if lines else None


def _place(file: str, root: str) -> str:
    inside = _below(file, root)
    if inside:
        return inside
    found = [below for below in (_below(file, os.path.realpath(path)) for path in sys.path if path) if below]
    return f"@outside/{min(found, key=len) if found else os.path.basename(file)}"


def _below(file: str, folder: str) -> str | None:
    prefix = folder.rstrip(os.sep) + os.sep
    return file[len(prefix) :].replace(os.sep, "/") if file.startswith(prefix) else None


def _free_name(name: str, digest: str, taken: dict[str, tuple[str, int]]) -> str:
    if taken.get(name, (digest, 0))[0] == digest:
        return name
    stem, suffix = os.path.splitext(name)
    return f"{stem}-{digest[:8]}{suffix}"
