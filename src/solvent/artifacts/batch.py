"""Many files on their way into a local store: written one after the other, made durable and named in bunches."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO

from solvent.artifacts.filesystems import begin_sync
from solvent.artifacts.store import LocalBlobs, store_error
from solvent.errors import FormatError
from solvent.fingerprint.files import FileState, file_state, process_memo
from solvent.model import Blob

_BUNCH_FILES = 128
"""So many descriptors are open at once; a disk makes their files durable in a few commits of its journal."""

_FEW_FILES = 16

_BUFFER_BYTES = 1 << 20


class Batch:
    """Copies files into a store. A blob gets its name only after its bytes are on disk, as with every other writer."""

    def __init__(self, blobs: LocalBlobs) -> None:
        self._blobs = blobs
        self._view = memoryview(bytearray(_BUFFER_BYTES))
        self._written: dict[str, tuple[int, str]] = {}

    def put(self, files: Iterable[tuple[str, str]]) -> list[Blob]:
        """Store copies of files, given as (path, role); those that are there already are not written again."""
        given = list(files)
        states = [_state(path) for path, _ in given]
        known = process_memo.get_many(states)
        stored: list[Blob] = []
        try:
            for (path, role), state in zip(given, states, strict=True):
                stored.append(self._there(known.get(state), state[3], role) or self._write(path, role))
                if len(self._written) >= _BUNCH_FILES:
                    self._keep()
            self._keep()
        finally:
            self._discard()
        return stored

    def _there(self, digest: str | None, size_bytes: int, role: str) -> Blob | None:
        """Give the blob of a file whose content is known by its state, if it is in the store."""
        if digest is None:
            return None
        blob = Blob(digest, size_bytes, role)
        return blob if self._blobs.claim(blob) else None

    def _write(self, path: str, role: str) -> Blob:
        with _opened(path) as source:
            descriptor, temporary = self._blobs.begin()
            try:
                blob = self._copy(source, descriptor, temporary, role)
                if blob.digest not in self._written and not self._blobs.claim(blob):
                    self._written[blob.digest] = (descriptor, temporary)
                    return blob
            except OSError as error:
                _drop(descriptor, temporary)
                raise store_error("write", temporary, error) from error
            except BaseException:
                _drop(descriptor, temporary)
                raise
        _drop(descriptor, temporary)
        return blob

    def _copy(self, source: FileIO, descriptor: int, temporary: str, role: str) -> Blob:
        view, hashed, size = self._view, hashlib.sha256(), 0
        while count := _read(source, view):
            hashed.update(view[:count])
            done = 0
            while done < count:
                done += os.write(descriptor, view[done:count])
            size += count
        os.chmod(descriptor if os.chmod in os.supports_fd else temporary, 0o444)
        return Blob(hashed.hexdigest(), size, role)

    def _keep(self) -> None:
        """Make the bytes of the bunch durable, and only then give them their names."""
        blobs = self._blobs
        try:
            if len(self._written) > _FEW_FILES:
                begin_sync(next(iter(self._written.values()))[0])
            for descriptor, _ in self._written.values():
                os.fsync(descriptor)
            for digest, (descriptor, temporary) in list(self._written.items()):
                self._written[digest] = (-1, temporary)
                os.close(descriptor)
                blobs.give_name(temporary, blobs.path(Blob(digest, 0)))
                del self._written[digest]
        except OSError as error:
            raise store_error("write", blobs.root, error) from error

    def _discard(self) -> None:
        for descriptor, temporary in self._written.values():
            _drop(descriptor, temporary)
        self._written.clear()


def _state(path: str) -> FileState:
    try:
        return file_state(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _opened(path: str) -> FileIO:
    try:
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise _unreadable(path, error) from error


def _read(source: FileIO, view: memoryview) -> int:
    try:
        return source.readinto(view) or 0
    except OSError as error:
        raise _unreadable(source.name, error) from error


def _unreadable(path: str, error: OSError) -> FormatError:
    return FormatError(f"the file {path} can't be read: {error.strerror or error}", hint="make it readable")


def _drop(descriptor: int, temporary: str) -> None:
    with suppress(OSError):
        if descriptor >= 0:
            os.close(descriptor)
        os.unlink(temporary)
