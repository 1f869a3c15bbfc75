"""The log of what an endpoint was asked and answered: sampled, bounded, and never in the way of an answer."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from zlib import crc32

from solvent.config.private import make_folder
from solvent.errors import ConfigError

PREFIX, ENDING = "requests-", ".jsonl"
ROWS = 1000
"""Of one request no more rows are logged: a bulk request would push all others out."""
WAITING_ROWS = 20_000
"""More rows do not wait to be written; what comes then is counted as lost."""
FLUSH_SECONDS = 0.5
COUNT_SECONDS = 10.0
"""So often it is written how many requests there were, whether they were in the sample or not."""
SEGMENT_SECONDS = 3600.0
SEGMENTS = 16
"""A full log has about so many segments: dropping the oldest takes a small part of it."""
LEAST_BYTES = 64 << 10
REFUSED = "requests"
"""Under this name stands the number of refused requests, beside the numbers of those with each kind of problem."""
ANSWERED = "answered"
"""And under this one that of the answered requests."""


class Logged(NamedTuple):
    """One answered request.

    `model` and `bundle` are the model version and the digest that answered; `columns` and `answer` give the values by
    column, and are called by the thread that writes. `left_out` are columns whose values are not to be written. `at` is in
    seconds since the epoch.
    """

    at: float
    id: str
    model: str
    bundle: str
    rows: int
    columns: Callable[[], Mapping[str, Sequence[Any]]]
    answer: Callable[[], Mapping[str, Sequence[Any]]]
    seconds: float
    status: int = 200
    left_out: Collection[str] = ()


class RequestLog:
    """Appends to segments in a folder, one process to its own, as JSON Lines.

    A `share` of the requests is logged, told by their key: the same key is always in, or always out. All segments of the
    folder together take at most `limit_bytes` and what is written within half a second; the oldest go. `add` takes
    microseconds, and nothing that happens to the log fails a request: what could not be written is counted as `lost`.
    """

    def __init__(
        self,
        folder: str,
        *,
        share: float = 1.0,
        limit_bytes: int = 512 << 20,
        segment_seconds: float = SEGMENT_SECONDS,
    ) -> None:
        if not 0 <= share <= 1:
            raise ConfigError(f"the share of the requests to log is {share}", hint="give a number from 0 to 1")
        if limit_bytes < LEAST_BYTES:
            raise ConfigError(f"a log of {limit_bytes} bytes holds no requests", hint=f"give at least {LEAST_BYTES}")
        try:
            make_folder(folder)
        except OSError as error:
            raise ConfigError(f"no log can be written to {folder}: {error.strerror}", where=folder) from error
        self.folder = folder
        self.share = share
        self.written = 0
        self.lost = 0
        self._below = int(share * 2**32)
        self._segments = _Segments(folder, limit_bytes, segment_seconds)
        self._waiting: deque[Logged] = deque()
        self._taken_rows = self._done_rows = 0
        self._counts: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._counted_at = time.monotonic()
        self._called = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="solvent-requests", daemon=True)
        self._thread.start()

    def wants(self, key: str | bytes) -> bool:
        """Count an answered request of this key (its id, or what the caller chose); tell whether it is in the sample."""
        with self._counting:
            self._counts[ANSWERED] += 1
        self._call()
        return crc32(key.encode() if isinstance(key, str) else key) < self._below

    def add(self, request: Logged) -> None:
        """Take an answered request that is in the sample; it is written soon, by another thread."""
        if self._taken_rows - self._done_rows >= WAITING_ROWS:
            self.lost += 1
            return
        self._taken_rows += request.rows
        self._waiting.append(request)
        self._call()

    def refuse(self, kinds: Iterable[str]) -> None:
        """Count a request that was refused, by the kinds of its problems. Nothing of what it held is written."""
        with self._counting:
            self._counts.update({REFUSED, *kinds})
        self._call()

    def close(self) -> None:
        """Write what waits and end the thread."""
        self._closing.set()
        self._called.set()
        self._thread.join(5)

    def _call(self) -> None:
        # Asking is cheaper than setting what is set.
        if not self._called.is_set():
            self._called.set()

    def _work(self) -> None:
        while True:
            self._called.wait(COUNT_SECONDS if self._counts else None)
            self._called.clear()
            closing = self._closing.is_set()  # Asked before writing: what was added until then is written.
            self._write_all(closing)
            if closing:
                self._segments.close()
                return
            # Requests that come meanwhile are written together.
            self._closing.wait(FLUSH_SECONDS)

    def _write_all(self, closing: bool) -> None:
        try:
            while self._waiting:
                request = self._waiting.popleft()
                self._done_rows += request.rows
                self._write(request)
            self._write_counts(closing)
            self._segments.flush()
        except Exception:
            # A full disk, or a folder that is gone: the next requests try again.
            self.lost += 1
            self._segments.give_up()

    def _write_counts(self, closing: bool) -> None:
        now = time.monotonic()
        if not self._counts or not (closing or now - self._counted_at >= COUNT_SECONDS):
            return
        with self._counting:
            counts, self._counts = self._counts, Counter()
        self._counted_at = now
        self._segments.write(_line({"at": time.time(), "counts": counts}))

    def _write(self, request: Logged) -> None:
        try:
            line = _line(_record(request))
        except Exception:
            # What can't be written as JSON is the business of no request.
            self.lost += 1
            return
        self._segments.write(line)
        self.written += 1


def _record(request: Logged) -> dict[str, Any]:
    return {
        "at": request.at,
        "id": request.id,
        "model": request.model,
        "bundle": request.bundle,
        "status": request.status,
        "rows": request.rows,
        "seconds": round(request.seconds, 6),
        "columns": _kept(request.columns(), request.left_out),
        "answer": _kept(request.answer(), request.left_out),
    }


def _kept(columns: Mapping[str, Sequence[Any]], left_out: Collection[str]) -> dict[str, Sequence[Any]]:
    return {name: values[:ROWS] for name, values in columns.items() if name not in left_out}


def _line(record: Mapping[str, Any]) -> bytes:
    """Write a record as one line; a number that is none becomes null, as in an answer."""
    import msgspec

    return msgspec.json.encode(record, enc_hook=str) + b"\n"


class _Segments:
    """The files of the log that this process writes, and the bound over all of the folder."""

    def __init__(self, folder: str, limit_bytes: int, segment_seconds: float) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._segment_bytes = limit_bytes // SEGMENTS
        self._segment_seconds = segment_seconds
        self._file: Any = None
        self._path = ""
        self._size = 0
        self._begun = 0.0
        self._count = 0

    def write(self, line: bytes) -> None:
        file = self._file
        if file is None or self._size + len(line) > self._segment_bytes or self._is_old():
            file = self._begin()
        file.write(line)
        self._size += len(line)

    def flush(self) -> None:
        """Hand what was written to the system, and drop the oldest segments if there is too much."""
        if self._file is not None:
            self._file.flush()
            self._drop()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def give_up(self) -> None:
        """After an error: leave the segment, whose last line may be torn, and make room."""
        self.close()
        self._drop()

    def _is_old(self) -> bool:
        return time.monotonic() - self._begun >= self._segment_seconds

    def _begin(self) -> Any:
        self.close()
        self._drop()
        self._count += 1
        name = f"{PREFIX}{time.time_ns() // 1_000_000:014d}-{os.getpid()}-{self._count}{ENDING}"
        self._path = os.path.join(self._folder, name)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
        self._file = open(descriptor, "ab", buffering=1 << 16)  # noqa: SIM115 (a segment stays open for an hour)
        self._size, self._begun = 0, time.monotonic()
        return self._file

    def _drop(self) -> None:
        """Remove the oldest segments until one more of this process has room."""
        found = list_segments(self._folder)
        room = self._limit_bytes - (self._segment_bytes if self._file is None else 0)
        total = sum(each.size_bytes for each in found)
        for each in found:
            if total <= room or each.path == self._path:
                return
            # Where another process was faster, or may not, what is left over is tried again.
            with suppress(OSError):
                os.unlink(each.path)
            total -= each.size_bytes


class Segment(NamedTuple):
    """One file of a log."""

    path: str
    size_bytes: int


def list_segments(folder: str) -> list[Segment]:
    """Give the segments of a log, oldest first."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(PREFIX) and entry.name.endswith(ENDING):
                    with suppress(FileNotFoundError):
                        found.append(Segment(entry.path, entry.stat().st_size))
    except OSError:
        return []
    return sorted(found)
