"""The local folder of blobs that belong to a store elsewhere: written here first, read from here, swept when it is full.

The folder is only a cache: nothing in it is waited for to be on disk, and all of it may be deleted between two runs.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from solvent.artifacts.removal import own_bytes
from solvent.artifacts.store import UNKNOWN_BYTES, BlobWriter, LocalBlobs, replace, scan, unlink
from solvent.config.private import make_folder
from solvent.errors import BlobError
from solvent.model import Blob

_IN_USE_SECONDS = 60.0
_SWEEP_SECONDS = 3600.0
_ABANDONED_SECONDS = 24 * 3600.0
_ROOM = 0.9
_serial = itertools.count()
"""Two stores of one process may share the folder: each has names of its own for what it still has to upload."""


class NearbyBlobs(LocalBlobs):
    """Blobs kept in a folder of at most `limit_bytes`; what is not uploaded yet has a second name under `pending`.

    A file with a second name is never swept, in whichever process: another one still needs it.
    """

    def __init__(self, root: str, limit_bytes: int) -> None:
        super().__init__(root)
        self._limit_bytes = limit_bytes
        self._pending = os.path.join(self.root, "pending")
        self._added = 0
        self._holding = threading.Lock()
        self.held: dict[str, str] = {}
        """The second names of blobs that this process has to upload, by digest."""

    def writer(self, role: str = "") -> BlobWriter:
        return _HeldWriter(self, role)

    def has(self, blob: Blob) -> bool:
        """Tell whether the blob is near with its full size; a size of -1 is not compared."""
        return super().has(blob) or (blob.size_bytes == UNKNOWN_BYTES and os.path.isfile(self.path(blob)))

    def hold(self, blob: Blob, source: str) -> None:
        """Give a blob's file a second name, so that it stays until it is uploaded."""
        with self._holding:
            if blob.digest in self.held:
                return
            self._make_folder(self._pending)
            path = os.path.join(self._pending, f"{os.getpid()}-{next(_serial)}-{blob.digest}")
            with suppress(FileNotFoundError):
                unlink(path)
            try:
                os.link(source, path)
            except FileNotFoundError:
                raise
            except OSError:
                import shutil

                shutil.copyfile(source, path)
            self.held[blob.digest] = path

    def release(self, digest: str) -> None:
        """Forget the second name of a blob that is uploaded."""
        with self._holding:
            path = self.held.pop(digest, None)
        if path is not None:
            with suppress(FileNotFoundError):
                unlink(path)

    def new_path(self) -> str:
        """Name a file beside the blobs, for bytes that are on their way here."""
        folder = os.path.join(self.root, "objects", "new")
        self._make_folder(folder)
        return os.path.join(folder, f"{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}")

    def take_in(self, blob: Blob, arrived: str) -> None:
        """Give bytes that have arrived their name. They are checked by whoever reads them."""
        path = self.path(blob)
        self._make_folder(os.path.dirname(path))
        os.chmod(arrived, 0o444)
        replace(arrived, path)
        self._added += max(0, blob.size_bytes)

    def touch(self, blob: Blob) -> None:
        """Note that a blob is used, at most twice a minute: the note changes the file's state."""
        with suppress(OSError):
            now, path = time.time(), self.path(blob)
            if os.stat(path).st_mtime < now - _IN_USE_SECONDS / 2:
                os.utime(path, (now, now))

    def drop(self, blob: Blob) -> None:
        """Remove a blob from the folder, to be fetched again."""
        with suppress(FileNotFoundError):
            unlink(self.path(blob))
        self._checked.pop(blob.digest, None)

    def sweep_if_due(self) -> None:
        """Sweep when this process has added much, or when nobody has swept for an hour."""
        if self._added <= self._limit_bytes // 20 and self._swept_at() > time.time() - _SWEEP_SECONDS:
            return
        self._added = 0
        self.sweep()

    def sweep(self) -> None:
        """Remove what was used longest ago until a tenth of the limit is free; what is in use stays."""
        with suppress(OSError):
            make_folder(self.root)
            with open(os.path.join(self.root, "swept"), "wb"):
                pass
        self._forget_abandoned()
        total, places = 0, []
        for place in self._places():
            total += place.size_bytes
            if place.idle:
                places.append(place)
        if total <= self._limit_bytes:
            return
        for place in sorted(places, key=lambda each: each.used_at):
            if total <= self._limit_bytes * _ROOM:
                return
            if _remove(place):
                total -= place.size_bytes

    def _swept_at(self) -> float:
        try:
            return os.stat(os.path.join(self.root, "swept")).st_mtime
        except OSError:
            return 0.0

    def _forget_abandoned(self) -> None:
        """Remove what processes that were killed left behind."""
        late = time.time() - _ABANDONED_SECONDS
        for folder in (self._pending, os.path.join(self.root, "objects", "new")):
            with suppress(FileNotFoundError), os.scandir(folder) as found:
                for entry in found:
                    with suppress(OSError):
                        if entry.stat().st_ctime < late:
                            unlink(entry.path)

    def _damaged(self, blob: Blob) -> BlobError:
        """Drop damaged bytes: the store has better ones."""
        self.drop(blob)
        return BlobError(f"the bytes {blob.digest[:12]} are damaged in the cache", where=self.path(blob))

    def _places(self) -> Iterator[_Place]:
        """Go through the blobs, and the folders made of blobs for steps to open."""
        now = time.time()
        for folder in scan(os.path.join(self.root, "objects")):
            for entry in scan(folder.path) if len(folder.name) == 2 else ():
                with suppress(OSError):
                    state = entry.stat()
                    idle = state.st_nlink == 1 and state.st_mtime < now - _IN_USE_SECONDS
                    yield _Place(entry.path, state.st_size, state.st_mtime, idle)
        for entry in scan(os.path.join(self.root, "files")):
            with suppress(OSError):
                used = entry.stat().st_mtime
                yield _Place(entry.path, own_bytes(entry.path), used, used < now - _ABANDONED_SECONDS)


class _Place(NamedTuple):
    path: str
    size_bytes: int
    used_at: float
    idle: bool


class _HeldWriter(BlobWriter):
    """Writes a blob into the cache. It gets its second name before its first, so that no sweep comes between."""

    _blobs: NearbyBlobs

    def _keep(self) -> None:
        blob = Blob(self._hash.hexdigest(), self._size, self._role)
        path = self._blobs.path(blob)
        os.close(self._descriptor)
        self._descriptor = -1
        os.chmod(self._temporary, 0o444)
        self._blobs.hold(blob, self._temporary)
        if not self._blobs.has(blob):
            self._blobs._make_folder(os.path.dirname(path))
            replace(self._temporary, path)
            self._blobs._added += blob.size_bytes
        self.blob = blob


def _remove(place: _Place) -> bool:
    try:
        if os.path.isdir(place.path):
            import shutil

            aside = f"{place.path}.{os.getpid()}.old"
            os.rename(place.path, aside)
            shutil.rmtree(aside, ignore_errors=True)
        else:
            unlink(place.path)
    except OSError:
        return False  # it is in use, or another process was first
    return True
