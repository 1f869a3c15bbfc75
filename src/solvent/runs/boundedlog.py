"""A log of bounded size: its beginning and its end are kept, what was cut is said, and everything is counted."""

from __future__ import annotations

import os

KEPT_BYTES = 8 << 20


class BoundedLog:
    """Bytes of any number, of which at most `limit` are kept: the first half and the last half."""

    __slots__ = ("_half", "_head", "_tail", "count")

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.count = 0

    def add(self, data: bytes) -> None:
        self.count += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail += data[-self._half :]
            if len(self._tail) > 2 * self._half:
                del self._tail[: -self._half]

    def bytes(self) -> bytes:
        """Give what is kept, with a line in the middle where something was cut."""
        return join(bytes(self._head), bytes(self._tail[-self._half :]), self.count)


def join(head: bytes, tail: bytes, count: int) -> bytes:
    """Put the beginning and the end of a log of `count` bytes together, saying how much is missing between them."""
    cut = count - len(head) - len(tail)
    if cut <= 0:
        return head + tail
    return head + b"\n[... %d bytes of output were cut here ...]\n" % cut + tail


def read(fd: int, limit: int = KEPT_BYTES) -> tuple[bytes, int]:
    """Read at most `limit` bytes of a log file, the beginning and the end, and its whole size."""
    size = os.fstat(fd).st_size
    if size <= limit:
        return os.pread(fd, size, 0) if size else b"", size
    half = limit // 2
    return join(os.pread(fd, half, 0), os.pread(fd, half, size - half), size), size
