"""Looking hard at stored blobs: read in full, past every cache, and what stands in the place of one is named."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from typing import NamedTuple

from solvent.artifacts.store import CHUNK_BYTES, UNKNOWN_BYTES, LocalBlobs, store_error
from solvent.errors import BlobError, StoreError
from solvent.model import Blob, Blobs, StoredBlob

MISSING, DAMAGED, LINK, MISPLACED, UNREADABLE, LOOSE = "missing", "damaged", "link", "misplaced", "unreadable", "loose"
MODE = 0o444


class Fault(NamedTuple):
    """What is wrong with a blob, and how that was seen.

    `missing`: nothing is there. `damaged`: other bytes. `link`: a link stands in its place, to the right bytes.
    `misplaced`: something that is no file. `unreadable`: the system refuses. `loose`: all is well, but others may write.
    """

    kind: str
    detail: str


class Leftover(NamedTuple):
    """A file of the store that is no blob: bytes that were moved aside, or what a killed writer left behind."""

    path: str
    size_bytes: int
    changed_at: float


def check_blob(blobs: Blobs, blob: Blob) -> Fault | None:
    """Read a blob in full and say what is wrong with it, if anything is; a size of -1 is not compared."""
    if isinstance(blobs, LocalBlobs):
        return _check_file(blobs.path(blob), blob)
    try:
        path = blobs.checked_path(blob)
    except BlobError as error:
        return Fault(DAMAGED if "damaged" in error.problem else MISSING, error.problem)
    except StoreError as error:
        return Fault(UNREADABLE, error.problem)
    size = os.path.getsize(path)
    os.unlink(path)  # the next blob needs the room
    return (
        None
        if blob.size_bytes in (UNKNOWN_BYTES, size)
        else Fault(DAMAGED, f"{size} bytes instead of {blob.size_bytes}")
    )


def _check_file(path: str, blob: Blob) -> Fault | None:
    try:
        state = os.lstat(path)
        if stat.S_ISLNK(state.st_mode):
            return _check_link(path, blob)
        if not stat.S_ISREG(state.st_mode):
            kind = "a folder" if stat.S_ISDIR(state.st_mode) else "a device, pipe or socket"
            return Fault(MISPLACED, f"{kind} is in its place")
        digest, size = _read(path)
    except (FileNotFoundError, NotADirectoryError):
        return Fault(MISSING, "no file has its name")
    except OSError as error:
        return Fault(UNREADABLE, f"it can't be read: {error.strerror or error}")
    if digest != blob.digest:
        return Fault(DAMAGED, _how(size, blob))
    if state.st_mode & 0o222 and os.name != "nt":
        return Fault(LOOSE, f"its mode is {stat.S_IMODE(state.st_mode):04o}, so it can be changed by mistake")
    return None


def _check_link(path: str, blob: Blob) -> Fault:
    target = os.readlink(path)
    try:
        digest, size = _read(path)
    except OSError as error:
        return Fault(MISPLACED, f"a link to {target} is in its place: {(error.strerror or str(error)).lower()}")
    if digest != blob.digest:
        return Fault(MISPLACED, f"a link to {target} is in its place, with other bytes: {_how(size, blob)}")
    return Fault(LINK, f"a link to {target} is in its place, which has the right bytes for now")


def _how(size: int, blob: Blob) -> str:
    if size == 0:
        return "the file is empty"
    if blob.size_bytes not in (UNKNOWN_BYTES, size):
        return f"{size} bytes instead of {blob.size_bytes}"
    return "its bytes have another digest"


def _read(path: str) -> tuple[str, int]:
    """Give the digest and size of a file; a pipe or device behind a link is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        found, size = hashlib.sha256(), 0
        while piece := file.read(CHUNK_BYTES):
            found.update(piece)
            size += len(piece)
    return found.hexdigest(), size


def set_aside(blobs: Blobs, blob: Blob) -> str | None:
    """Take what stands in the place of a blob out of the way, so that it counts as missing and can be stored again.

    Gives the path under which it is kept, if it is kept and not only removed.
    """
    if not isinstance(blobs, LocalBlobs):
        if not blobs.missing([blob]):
            blobs.remove([blob.digest])
        return None
    path = blobs.path(blob)
    folder = os.path.dirname(path)
    if os.path.lexists(folder) and not os.path.isdir(folder):
        return _rename(folder)
    return _rename(path) if os.path.lexists(path) else None


def _rename(path: str) -> str:
    aside = f"{path}.damaged"
    if os.path.lexists(aside):
        aside = f"{path}-{time.time_ns()}.damaged"
    try:
        os.rename(path, aside)
    except OSError as error:
        raise store_error("move aside", path, error) from error
    return aside


def make_own(blobs: LocalBlobs, blob: Blob) -> None:
    """Put a file of its own in the place of a link to the right bytes."""
    aside = set_aside(blobs, blob)
    if aside is not None:
        blobs.put_file(aside, blob.role)
        os.unlink(aside)


def make_firm(blobs: LocalBlobs, blob: Blob) -> None:
    """Let nobody write to a blob any more."""
    path = blobs.path(blob)
    try:
        os.chmod(path, MODE)
    except OSError as error:
        raise store_error("protect", path, error) from error


def entries(blobs: Blobs) -> Iterator[StoredBlob]:
    """Give all that is in the store under the name of a blob, whatever it is."""
    if not isinstance(blobs, LocalBlobs):
        yield from blobs.listing()
        return
    for _, name, state in _walk(blobs):
        if len(name) == 64 and _is_hex(name):
            yield StoredBlob(name, state.st_size, state.st_mtime)


def leftovers(blobs: Blobs) -> Iterator[Leftover]:
    """Give the files of a local store that are no blobs."""
    if isinstance(blobs, LocalBlobs):
        for path, name, state in _walk(blobs):
            if not (len(name) == 64 and _is_hex(name)):
                yield Leftover(path, state.st_size, state.st_mtime)


def _walk(blobs: LocalBlobs) -> Iterator[tuple[str, str, os.stat_result]]:
    top = os.path.join(blobs.root, "objects")
    for folder in _scan(top):
        if not folder.is_dir():
            yield folder.path, folder.name, folder.stat(follow_symlinks=False)
            continue
        for entry in _scan(folder.path):
            try:
                yield entry.path, folder.name + entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise store_error("read", folder, error) from error


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)
