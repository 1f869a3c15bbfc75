"""What running steps write to their log files, line by line while it is written."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress

from solvent.model import Execution

KEPT_BYTES = 4 << 20
"""At each end of a log file: as much as a record takes of it. What lies between is given back to the disk."""

_AT_ONCE_BYTES = 1 << 17
_BEHIND_BYTES = 1 << 20
_CUT_BYTES = 16 << 20
_LINE_BYTES = 8192
_KEPT_LINES = 10_000


class _Log:
    """One file that is followed: how far it was read, and the beginning of a line that has no end yet."""

    __slots__ = ("cut", "fd", "inside", "path", "read", "rest")

    def __init__(self, path: str, read: int) -> None:
        self.path = path
        self.fd = -1
        self.read = read
        self.rest = b""
        self.inside = False
        self.cut = KEPT_BYTES

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


class LogTail:
    """Follows the log files of running tickets.

    Of what is written faster than it is read, the newest megabyte is shown and the rest is skipped with a word; lines
    that nobody asks for are dropped, oldest first. A file never holds much more than its beginning and its end.
    """

    def __init__(self) -> None:
        self._files: dict[int, _Log] = {}
        self._lines: deque[tuple[int, str]] = deque(maxlen=_KEPT_LINES)

    def follow(self, ticket_id: int, path: str) -> None:
        """Begin with what is written from now on: an earlier attempt may have left its own in the file."""
        if path:
            try:
                size = os.stat(path).st_size
            except OSError:
                size = 0
            self._files[ticket_id] = _Log(path, size)

    def finish(self, ticket_id: int, execution: Execution | None) -> None:
        """Take the rest of a log. The file goes if the execution holds its text; after a crash it stays."""
        log = self._files.get(ticket_id)
        if log is None:
            return
        if execution is None or execution.log_bytes or log.fd >= 0:
            self._read(ticket_id, log, limit=_BEHIND_BYTES)
        del self._files[ticket_id]
        if log.rest:
            self._lines.append((ticket_id, _text(log.rest)))
        log.close()
        if log.fd >= 0 and execution is not None:
            with suppress(OSError):
                os.unlink(log.path)

    def lines(self) -> list[tuple[int, str]]:
        """Give the whole lines that are new since the last call."""
        for ticket_id, log in self._files.items():
            self._read(ticket_id, log, limit=_AT_ONCE_BYTES)
        found = list(self._lines)
        self._lines.clear()
        return found

    def close(self) -> None:
        for log in self._files.values():
            log.close()
        self._files.clear()

    def _read(self, ticket_id: int, log: _Log, limit: int) -> None:
        if log.fd < 0:
            try:
                log.fd = os.open(log.path, os.O_RDWR)
            except OSError:
                return
        size = os.fstat(log.fd).st_size
        if size - KEPT_BYTES - log.cut > _CUT_BYTES:
            from solvent.engines.holes import punch_hole

            punch_hole(log.fd, log.cut, size - KEPT_BYTES - log.cut)
            log.cut = size - KEPT_BYTES
        if size - log.read > _BEHIND_BYTES:
            skipped = size - limit - log.read
            self._lines.append((ticket_id, f"[... {skipped} bytes came too fast to be shown ...]"))
            log.read, log.rest, log.inside = size - limit, b"", True
        while limit > 0 and (data := os.pread(log.fd, min(limit, _AT_ONCE_BYTES), log.read)):
            log.read += len(data)
            limit -= len(data)
            self._take(ticket_id, log, data)

    def _take(self, ticket_id: int, log: _Log, data: bytes) -> None:
        if log.inside:  # of a line whose beginning was skipped
            _, end, data = data.partition(b"\n")
            log.inside = not end
        *whole, rest = (log.rest + data).split(b"\n")
        self._lines.extend((ticket_id, _text(line)) for line in whole)
        log.rest = rest.rpartition(b"\r")[2][-_LINE_BYTES:] if len(rest) > _LINE_BYTES else rest


def _text(line: bytes) -> str:
    # A progress bar rewrites its line again and again: only its last state is of interest.
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")
