"""What running steps write to their log files, line by line while it is written."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress

from solvent.model import Execution

_AT_ONCE_BYTES = 1 << 20
_KEPT_LINES = 10_000


class LogTail:
    """Follows the log files of running tickets; lines that nobody asks for are dropped, oldest first."""

    def __init__(self) -> None:
        self._files: dict[int, tuple[str, int | None, int, bytes]] = {}
        self._lines: deque[tuple[int, str]] = deque(maxlen=_KEPT_LINES)

    def follow(self, ticket_id: int, path: str) -> None:
        """Begin with what is written from now on: an earlier attempt may have left its own in the file."""
        if path:
            try:
                size = os.stat(path).st_size
            except OSError:
                size = 0
            self._files[ticket_id] = (path, None, size, b"")

    def finish(self, ticket_id: int, execution: Execution | None) -> None:
        """Take the rest of a log. The file goes if the execution holds its text; after a crash it stays."""
        if ticket_id not in self._files:
            return
        if execution is None or execution.log_bytes or self._files[ticket_id][1] is not None:
            self._read(ticket_id, limit=1 << 62)
        path, fd, _, rest = self._files.pop(ticket_id)
        if rest:
            self._lines.append((ticket_id, _text(rest)))
        if fd is not None:
            os.close(fd)
            if execution is not None:
                with suppress(OSError):
                    os.unlink(path)

    def lines(self) -> list[tuple[int, str]]:
        """Give the whole lines that are new since the last call."""
        for ticket_id in self._files:
            self._read(ticket_id, limit=_AT_ONCE_BYTES)
        found = list(self._lines)
        self._lines.clear()
        return found

    def _read(self, ticket_id: int, limit: int) -> None:
        path, fd, read, rest = self._files[ticket_id]
        if fd is None:
            try:
                fd = os.open(path, os.O_RDONLY)
            except OSError:
                return
        while data := os.pread(fd, min(limit, _AT_ONCE_BYTES), read):
            read += len(data)
            limit -= len(data)
            *whole, rest = (rest + data).split(b"\n")
            self._lines.extend((ticket_id, _text(line)) for line in whole)
            if limit <= 0:
                break
        self._files[ticket_id] = (path, fd, read, rest)

    def close(self) -> None:
        for _, fd, _, _ in self._files.values():
            if fd is not None:
                os.close(fd)
        self._files.clear()


def _text(line: bytes) -> str:
    # A progress bar rewrites its line again and again: only its last state is of interest.
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")
