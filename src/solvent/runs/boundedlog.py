"""A log of bounded size: its beginning and its end are kept, what was cut is said, and everything is counted."""

from __future__ import annotations

from collections import deque

KEPT_BYTES = 8 << 20


class BoundedLog:
    """Bytes of any number, of which at most `limit` are kept: the first half and the last half."""

    __slots__ = ("_half", "_head", "_head_bytes", "_tail", "_tail_bytes", "count")

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._half = limit // 2
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self.count = 0

    def add(self, data: bytes) -> None:
        self.count += len(data)
        room = self._half - self._head_bytes
        if room > 0:
            self._head.append(data[:room])
            self._head_bytes += len(self._head[-1])
            data = data[room:]
        if data:
            self._tail.append(data[-self._half :])
            self._tail_bytes += len(self._tail[-1])
            while self._tail_bytes - len(self._tail[0]) >= self._half:
                self._tail_bytes -= len(self._tail.popleft())

    def bytes(self) -> bytes:
        """Give what is kept, with a line in the middle where something was cut."""
        head, tail = b"".join(self._head), b"".join(self._tail)[-self._half :]
        return join(head, tail, self.count)


def join(head: bytes, tail: bytes, count: int) -> bytes:
    """Put the beginning and the end of a log of `count` bytes together, saying how much is missing between them."""
    cut = count - len(head) - len(tail)
    if cut <= 0:
        return head + tail
    return head + b"\n[... %d bytes of output were cut here ...]\n" % cut + tail


def read(fd: int, limit: int = KEPT_BYTES) -> tuple[bytes, int]:
    """Read at most `limit` bytes of a log file, the beginning and the end, and its whole size."""
    import os

    size = os.fstat(fd).st_size
    if size <= limit:
        return os.pread(fd, size, 0) if size else b"", size
    half = limit // 2
    return join(os.pread(fd, half, 0), os.pread(fd, half, size - half), size), size
