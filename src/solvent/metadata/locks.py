"""Named locks between processes and threads that die with the process that holds them.

All names share one file: a name is one byte of it, far beyond its end. The operating system frees the bytes of a
process however it ends, so there is nothing to clean up and no clock to trust.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading

from solvent.errors import StoreError, way_out

if sys.platform == "win32":
    from solvent.metadata.locks_windows import lock_byte, locked_elsewhere, unlock_byte
else:
    from solvent.metadata.locks_posix import lock_byte, locked_elsewhere, unlock_byte

_OFFSET_BITS = 62


class ByteLocks:
    """The locks in the file at `path`: one object for each path in a process.

    The file is opened once and never closed, and nothing else may open it: closing any of its descriptors would free
    every lock that this process holds in it.
    """

    def __new__(cls, path: str | os.PathLike[str]) -> ByteLocks:
        where = os.path.realpath(os.fspath(path))
        with _making:
            known = _by_path.get(where)
            if known is None:
                known = _by_path[where] = super().__new__(cls)
                known._set_up(where)
        return known

    def _set_up(self, path: str) -> None:
        self.path = path
        self._file: int | None = None
        self._asking: int | None = None
        self._held: set[int] = set()
        self._process = os.getpid()
        self._guard = threading.Lock()

    def try_lock(self, name: str) -> bool:
        """Take a lock if nobody has it, other threads and runs of this process included; never wait."""
        offset = _offset(name)
        with self._guard:
            if offset in self._held_here() or not lock_byte(self._opened(), offset):
                return False
            self._held.add(offset)
            return True

    def unlock(self, name: str) -> None:
        """Give back a lock that this process has; one that it does not have is left alone."""
        offset = _offset(name)
        with self._guard:
            if offset in self._held_here():
                self._held.discard(offset)
                unlock_byte(self._opened(), offset)

    def holder_alive(self, name: str) -> bool:
        """Tell whether a living process has this lock, this one included."""
        offset = _offset(name)
        with self._guard:
            if offset in self._held_here():
                return True
            file = self._opened_to_ask()
            return file is not None and locked_elsewhere(file, offset)

    def _held_here(self) -> set[int]:
        """Give the offsets that this process holds: a forked child begins with none."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._held.clear()
        return self._held

    def _opened_to_ask(self) -> int | None:
        """Open the file for asking alone where it can't be written; None if there is none, so that nobody holds a lock."""
        if self._file is not None or os.access(os.path.dirname(self.path), os.W_OK):
            return self._opened()
        if self._asking is None:
            try:
                self._asking = os.open(self.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            except OSError:
                return None
        return self._asking

    def _opened(self) -> int:
        if self._file is None:
            try:
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            except OSError as error:
                raise StoreError(
                    f"The lock file can't be opened: {(error.strerror or str(error)).lower()}.",
                    where=self.path,
                    hint=way_out(error),
                ) from error
        return self._file


def _offset(name: str) -> int:
    seen = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(seen[:8], "big") >> (64 - _OFFSET_BITS)


_by_path: dict[str, ByteLocks] = {}
_making = threading.Lock()
