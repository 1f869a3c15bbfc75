"""A File as its bytes; a Folder as a manifest of blobs, one for each file in it, never an archive.

Read back, they lie read-only under `files/<digest>/<name>` of the store and keep their class.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from solvent.artifacts.sink import Sink, Source
from solvent.artifacts.store import state_of, store_error
from solvent.artifacts.tags import find_class
from solvent.config.private import make_folder
from solvent.errors import FormatError
from solvent.fingerprint.files import SETTLED_NS, FileState, folder_state, make_state, process_memo
from solvent.model import ArtifactRef, Blob, Blobs

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_READ_BYTES = 1 << 20

_known_good: dict[str, dict[str, tuple[int, ...] | None]] = {}
"""For each place that this process filled or checked: the state of every file in it."""


class _File:
    def accepts(self, value: Any) -> bool:
        return getattr(type(value), "__solvent_kind__", None) == "file"

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        if not os.path.isfile(value):
            raise FormatError(f"the file {os.fspath(value)} does not exist", where=sink.path, hint="write it first")
        sink.file(os.fspath(value))
        return {"name": os.path.basename(os.path.abspath(value))}

    def read(self, source: Source) -> Any:
        return _materialise(source, {"": source.blob()}, [])


class _Folder:
    def accepts(self, value: Any) -> bool:
        return getattr(type(value), "__solvent_kind__", None) == "folder"

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        root = os.path.abspath(value)
        if not os.path.isdir(root):
            raise FormatError(f"the folder {os.fspath(value)} does not exist", where=sink.path, hint="make it first")
        files, empty = [], []
        for path, is_file in _walk(root):
            if is_file:
                files.append((path, _role(path, root)))
            else:
                empty.append(_role(path, root))
        sink.files(files)
        return {"name": os.path.basename(root), "empty": empty}

    def read(self, source: Source) -> Any:
        return _materialise(source, {blob.role: blob for blob in source.ref.blobs}, source.meta["empty"])


FILE = _File()
FOLDER = _Folder()


def _role(path: str, root: str) -> str:
    return path[len(root) :].strip(os.sep).replace(os.sep, "/")


def _walk(root: str) -> Iterator[tuple[str, bool]]:
    """Go through the files of a folder, and the folders without any, in a fixed order."""
    with os.scandir(root) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            if entry.is_symlink():
                raise FormatError(f"{entry.path} is a link to a folder", hint="copy what it points at, or leave it out")
            below = list(_walk(entry.path))
            yield from below or [(entry.path, False)]
        elif entry.is_file():
            yield entry.path, True
        else:
            raise FormatError(f"{entry.path} is neither a file nor a folder", hint="leave it out of the folder")


def _materialise(source: Source, blobs: dict[str, Blob], empty: list[str]) -> Any:
    """Give the place where the files lie, filling it when they are not there or were changed."""
    ref = source.ref
    place = os.path.join(source.blobs.root, "files", ref.digest, source.meta["name"])
    with suppress(OSError):
        # A place that was not used for long may be swept from a cache.
        os.utime(os.path.dirname(place))
    states = _known_good.get(place)
    if states is None or any(state_of(path) != state for path, state in states.items()):
        try:
            if not _is_whole(place, blobs, empty):
                _fill(source, place, blobs, empty)
        except OSError as error:
            raise store_error("write", place, error) from error
        _known_good[place] = {path: state_of(path) for path in (_inside(place, role) for role in blobs)}
        _remember(place, ref, blobs)
    return find_class(ref.type)(place)


def _remember(place: str, ref: ArtifactRef, blobs: dict[str, Blob]) -> None:
    """Save identities the reading of what was just checked, once it has rested."""
    now = time.time_ns()
    found: dict[str, FileState] = {}
    for role, blob in blobs.items():
        path = _inside(place, role)
        state = found[role] = make_state(path, os.stat(path))
        if now - max(state[4], state[5]) <= SETTLED_NS:
            return
        process_memo.put(state, blob.digest)
    if ref.format == "folder":
        process_memo.put(folder_state(place, found), ref.digest)


def _is_whole(place: str, blobs: dict[str, Blob], empty: list[str]) -> bool:
    """Whether the right files lie there, and nothing else."""
    if not os.path.exists(place):
        return False
    if os.path.isdir(place):
        found = {_role(path, place) for path, _ in _walk(place)}
        if found != {*blobs, *empty}:
            return False
    return all(_digest(_inside(place, role)) == blob.digest for role, blob in blobs.items())


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fill(source: Source, place: str, blobs: dict[str, Blob], empty: list[str]) -> None:
    """Build the files aside, then give them their name at once, so that nobody sees half of a folder."""
    # Not the place's own name and more: that may have the full length already.
    aside = os.path.join(os.path.dirname(place), f".{os.getpid()}-{threading.get_ident()}")
    try:
        make_folder(os.path.dirname(place))
        source.blobs.fetch(blobs.values())
        for role in empty:
            make_folder(_inside(aside, role))
        if not blobs and not empty:
            make_folder(aside)
        for role, blob in blobs.items():
            path = _inside(aside, role)
            make_folder(os.path.dirname(path))
            _place(source.blobs, blob, path)
        if os.path.lexists(place) and not _is_whole(place, blobs, empty):
            os.rename(place, f"{aside}.old")
        try:
            os.rename(aside, place)
        except OSError:
            # Another process that was first has the same files there, and a step may be reading them.
            if not _is_whole(place, blobs, empty):
                raise
    finally:
        _remove(aside)
        _remove(f"{aside}.old")


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        os.unlink(path)


def _inside(place: str, role: str) -> str:
    """Name a file inside a place; a role never leads out of it."""
    if not role:
        return place
    if role.startswith("/") or ".." in role.split("/") or os.path.isabs(role):
        raise FormatError(f"the stored path {role!r} leads out of its folder")
    return os.path.join(place, *role.split("/"))


def _place(blobs: Blobs, blob: Blob, path: str) -> None:
    """Write the very bytes that were checked; never a link, through which a step that may do all could change the blob."""
    data = blobs.read(blob) if blob.size_bytes <= _READ_BYTES else blobs.map(blob)
    file = os.open(path, _CREATE, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view[: 1 << 30]) :]
    finally:
        os.close(file)
    os.chmod(path, 0o444)
