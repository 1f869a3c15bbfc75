"""Blobs in a local folder, addressed by the SHA-256 of their bytes, durable once `sync` has returned."""

from __future__ import annotations

import errno
import hashlib
import io
import itertools
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from solvent.config.private import make_folder
from solvent.errors import BlobError, StoreError, way_out
from solvent.model import Blob, StoredBlob

if TYPE_CHECKING:
    from types import TracebackType

CHUNK_BYTES = 1 << 20
EARLY_BYTES = 4 << 20
"""How much of a blob is written before the system is asked to bring it to the disk while more is made."""

UNKNOWN_BYTES = -1
"""The size of a blob of which only the digest is known; it can be read."""
CLAIM_SECONDS = 60.0
"""How old the time of a file may be before `put` renews it; no clean-up beside writers may take younger ones."""
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_serial = itertools.count()


class LocalBlobs:
    """Bytes under `root`/objects. A blob that is there is whole: it gets its name only after its bytes are on disk."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.abspath(root)
        self._objects = os.path.join(self.root, "objects")
        self._unsynced: set[str] = set()
        self._named: set[str] = set()
        self._root = _identity(self.root)
        self._lock = threading.Lock()
        self._checked: dict[str, tuple[int, ...]] = {}

    def put(self, data: bytes | Iterable[bytes], role: str = "") -> Blob:
        """Store bytes; those that are there already are not written again."""
        if isinstance(data, bytes):
            blob = Blob(hashlib.sha256(data).hexdigest(), len(data), role)
            if self.claim(blob):
                return blob
            data = (data,)
        with self.writer(role) as out:
            for piece in data:
                out.write(piece)
        return out.blob

    def put_file(self, path: str | os.PathLike[str], role: str = "") -> Blob:
        """Store a copy of a file's bytes."""
        with open(path, "rb", buffering=0) as source:
            return self.put(iter(lambda: source.read(CHUNK_BYTES), b""), role)

    def put_files(self, files: Iterable[tuple[str, str]]) -> list[Blob]:
        """Store copies of many files, given as (path, role); faster than one by one."""
        from solvent.artifacts.batch import Batch

        return Batch(self).put(files)

    def writer(self, role: str = "") -> BlobWriter:
        """Give a file to stream bytes into; its `blob` is known when the `with` block ends."""
        return BlobWriter(self, role)

    def has(self, blob: Blob) -> bool:
        """Tell whether the blob is there with its full size."""
        try:
            return os.stat(self.path(blob)).st_size == blob.size_bytes
        except OSError:
            return False

    def missing(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Tell which blobs are not there with their full size."""
        return [blob for blob in blobs if not self.has(blob)]

    def renew(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Tell which blobs are gone: there is no other place to store them again from."""
        return self.missing(blobs)

    def listing(self) -> Iterator[StoredBlob]:
        """Give all that is in the store, in no order; what other processes add or remove meanwhile may be in it or not."""
        for folder in scan(self._objects):
            if len(folder.name) == 2:
                for entry in scan(folder.path):
                    if len(entry.name) == 62:
                        with suppress(FileNotFoundError):
                            state = entry.stat()
                            yield StoredBlob(folder.name + entry.name, state.st_size, state.st_mtime)

    def remove(self, digests: Iterable[str], *, before: float | None = None) -> list[str]:
        """Remove blobs and tell which; with `before`, leave those that were stored or asked for since that time."""
        from solvent.artifacts.removal import remove_files

        return remove_files(self.root, digests, before)

    def path(self, blob: Blob) -> str:
        """Name the file that holds a blob, whether it is there or not."""
        return os.path.join(self._objects, blob.digest[:2], blob.digest[2:])

    def read(self, blob: Blob) -> bytes:
        """Give the bytes of a blob, checked against its digest."""
        try:
            with open(self.path(blob), "rb", buffering=0) as source:
                data = source.read()
        except FileNotFoundError:
            raise self._missing(blob) from None
        except OSError as error:
            raise store_error("read", self.path(blob), error) from error
        if hashlib.sha256(data).hexdigest() != blob.digest:
            raise self._damaged(blob)
        return data

    def map(self, blob: Blob) -> memoryview:
        """Give the bytes of a blob as mapped memory, checked against its digest."""
        import mmap

        try:
            with open(self.path(blob), "rb", buffering=0) as source:
                size = os.fstat(source.fileno()).st_size
                view = memoryview(mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) if size else b"")
        except FileNotFoundError:
            raise self._missing(blob) from None
        except OSError as error:
            raise store_error("read", self.path(blob), error) from error
        if hashlib.sha256(view).hexdigest() != blob.digest:
            raise self._damaged(blob)
        return view

    def checked_path(self, blob: Blob) -> str:
        """Name the file of a blob whose bytes were checked; an unchanged file is checked once in a process."""
        path = self.path(blob)
        state = state_of(path)
        if state is None:
            raise self._missing(blob)
        if self._checked.get(blob.digest) != state:
            self._check(blob)
            self._checked[blob.digest] = state
        return path

    def _check(self, blob: Blob) -> None:
        """Read a blob through a small buffer: mapped, a large one would count as memory of this process."""
        try:
            with open(self.path(blob), "rb", buffering=0) as source:
                found = hashlib.file_digest(source, "sha256").hexdigest()
        except FileNotFoundError:
            raise self._missing(blob) from None
        except OSError as error:
            raise store_error("read", self.path(blob), error) from error
        if found != blob.digest:
            raise self._damaged(blob)

    def fetch(self, blobs: Iterable[Blob]) -> None:
        """Do nothing: all blobs are near."""

    def sync(self) -> None:
        """Make every blob stored since the last call survive a power cut."""
        with self._lock:
            folders, self._unsynced = self._unsynced, set()
        try:
            if folders:
                self._refuse_moved()
            for folder in folders:
                sync_folder(folder)
        except OSError as error:
            with self._lock:
                self._unsynced |= folders
            raise store_error("sync", self.root, error) from error

    def _refuse_moved(self) -> None:
        """Refuse a root that is another folder than it was: what was stored went with the former."""
        root = _identity(self.root)
        self._root = self._root or root
        if self._root != root:
            raise FileNotFoundError(errno.ENOENT, "it was moved or removed while it was in use", self.root)

    def close(self) -> None:
        """Do nothing: a folder is not kept open."""

    def begin(self) -> tuple[int, str]:
        """Open a new file for bytes that may become a blob; give its descriptor and its temporary name."""
        folder = os.path.join(self._objects, "new")
        temporary = os.path.join(folder, f"{os.getpid()}-{threading.get_ident()}-{next(_serial)}")
        try:
            if folder not in self._named:
                self._make_folder(folder)
            try:
                return os.open(temporary, _CREATE, 0o600), temporary
            except FileNotFoundError:
                self._make_folder(folder)
                return os.open(temporary, _CREATE, 0o600), temporary
        except OSError as error:
            raise store_error("write", temporary, error) from error

    def give_name(self, temporary: str, path: str) -> None:
        """Give a file whose bytes are durable the name of its blob."""
        folder = os.path.dirname(path)
        if folder not in self._named:
            self._make_folder(folder)
        try:
            replace(temporary, path)
        except FileNotFoundError:
            self._make_folder(folder)
            replace(temporary, path)
        self._remember(path)

    def claim(self, blob: Blob) -> bool:
        """Tell whether the blob is there, and have its name synced if it is: who stored it may not have come to that.

        One that lay long is marked as wanted now, so that no clean-up takes it.
        """
        path = self.path(blob)
        try:
            state = os.stat(path)
            if state.st_size != blob.size_bytes:
                return False
            if abs(time.time() - state.st_mtime) > CLAIM_SECONDS:
                os.utime(path)
        except OSError:
            return False  # not there; or the file of another user, and then a new one takes its place
        self._remember(path)
        return True

    def _remember(self, path: str) -> None:
        """Have the name of a blob synced, and those of its folders."""
        folder = os.path.dirname(path)
        with self._lock:
            self._unsynced.add(folder)
            self._sync_name_of(folder)

    def _make_folder(self, folder: str) -> None:
        """Make a folder below the root; the folders that name it are synced too.

        Also when it is there: another process may have made it a moment ago and not synced it yet.
        """
        if folder in self._named and os.path.isdir(folder):
            return
        make_folder(folder)
        with self._lock:
            self._named.discard(folder)
            self._sync_name_of(folder)

    def _sync_name_of(self, folder: str) -> None:
        """Have a folder's name synced when it is first met, and once the root and what holds it."""
        if folder not in self._named:
            self._named.add(folder)
            self._unsynced.add(os.path.dirname(folder))
        if self.root not in self._named:
            self._named.add(self.root)
            self._unsynced.update((self.root, os.path.dirname(self.root)))

    def _missing(self, blob: Blob) -> BlobError:
        return BlobError(
            f"the bytes {blob.digest[:12]} ({blob.size_bytes} bytes) are not in the store", where=self.path(blob)
        )

    def _damaged(self, blob: Blob) -> BlobError:
        """Take a damaged blob out of the way, so that the step that made it can store it again."""
        path = self.path(blob)
        try:
            os.replace(path, f"{path}.damaged")
            moved = "they were moved aside, so the step that made them makes them again"
        except OSError:
            moved = "they could not be moved aside"
        return BlobError(
            f"the bytes {blob.digest[:12]} are damaged: they no longer have that digest",
            where=path,
            hint=f"run again, or `solvent verify --repair`; {moved}",
        )


class BlobWriter(io.RawIOBase):
    """A file that becomes a blob when its `with` block ends well, and nothing when it does not."""

    blob: Blob

    def __init__(self, blobs: LocalBlobs, role: str) -> None:
        self._blobs = blobs
        self._role = role
        self._hash = hashlib.sha256()
        self._size = self._asked = 0
        self._descriptor, self._temporary = blobs.begin()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B") if not isinstance(data, bytes) else memoryview(data)
        done = 0
        try:
            while done < len(view):
                piece = view[done : done + EARLY_BYTES]
                written = os.write(self._descriptor, piece)
                done, self._size = done + written, self._size + written
                if self._size - self._asked >= EARLY_BYTES:
                    self._write_early()
                self._hash.update(piece[:written])  # the disk is at work meanwhile
        except OSError as error:
            raise store_error("write", self._temporary, error) from error
        return len(view)

    def _write_early(self) -> None:
        """Have the system begin to write what came so far, so that there is little left to wait for at the end."""
        if sys.platform == "linux":
            # Nothing is dropped: pages that are on their way to the disk stay in memory.
            os.posix_fadvise(self._descriptor, self._asked, self._size - self._asked, os.POSIX_FADV_DONTNEED)
        self._asked = self._size

    def tell(self) -> int:
        return self._size

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._keep()
        except OSError as failure:
            raise store_error("write", self._temporary, failure) from failure
        finally:
            self._discard()

    def _keep(self) -> None:
        blob = Blob(self._hash.hexdigest(), self._size, self._role)
        path = self._blobs.path(blob)
        if not self._blobs.claim(blob):
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
            os.chmod(self._temporary, 0o444)
            self._blobs.give_name(self._temporary, path)
        self.blob = blob

    def _discard(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):
            os.unlink(self._temporary)
        self.close()


def scan(folder: str) -> list[os.DirEntry[str]]:
    """List a folder; one that is not there, or is none, has nothing in it."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []


def unlink(path: str) -> None:
    """Remove a file, a read-only one too."""
    try:
        os.unlink(path)
    except PermissionError:
        if os.name != "nt":
            raise
        # Windows does not remove a read-only file.
        os.chmod(path, 0o600)
        os.unlink(path)


def replace(source: str, target: str) -> None:
    """Give a file its final name, over a damaged one if need be."""
    try:
        os.replace(source, target)
    except PermissionError:
        if os.name != "nt":
            raise
        # Windows does not replace a read-only file.
        os.chmod(target, 0o600)
        os.replace(source, target)


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        state = os.stat(folder)
    except OSError:
        return None
    return state.st_dev, state.st_ino


def sync_folder(folder: str) -> None:
    """Make the names in a folder survive a power cut; a folder that is gone needs nothing."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def state_of(path: str) -> tuple[int, ...] | None:
    """Give what changes whenever a file's bytes may have changed, or None for no file."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def store_error(verb: str, path: str, error: OSError) -> StoreError:
    """Say in words why the store can't be used."""
    reason = error.strerror or str(error)
    return StoreError(f"the store can't {verb} {os.path.basename(path)}: {reason}", where=path, hint=way_out(error))
