"""What a step prints and logs: kept for its record, and shown live."""

from __future__ import annotations

import os
import sys
import threading
from _thread import allocate_lock, get_ident
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from solvent.runs import boundedlog
from solvent.runs.logrecords import RecordHook, Take
from solvent.runs.streams import Tap, Write, can_be_tapped, deafness

if TYPE_CHECKING:
    from solvent.runs.livelines import LiveLines

_WAITING_CHARACTERS = 1 << 16

_active: list[StepOutput] = []
_taps: dict[int, Tap] = {}
_step_threads: WeakSet[threading.Thread] = WeakSet()
_installed = 0
_lock = allocate_lock()


def install() -> None:
    """Begin to hear Python's streams and `logging`; once for each run, ended by as many calls of `uninstall`."""
    global _installed
    with _lock:
        _installed += 1
        if _installed == 1:
            _records.install()
    _tap_streams()


def uninstall() -> None:
    """Leave streams and `logging` as they were, when the last run of this process has ended."""
    global _installed
    with _lock:
        _installed -= 1
        if _installed:
            return
        for tap in _taps.values():
            tap.remove()
        _taps.clear()
        _records.uninstall()


def _tap_streams() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if id(stream) not in _taps and can_be_tapped(stream):
            with _lock:
                _taps[id(stream)] = Tap(stream, _listener)


def _listener() -> StepOutput | None:
    """Find the step that the current thread works for: its own, or the one that started the thread."""
    if not _active:
        return None
    thread = get_ident()
    for step in reversed(_active):
        if step.thread == thread:
            return step
    current = threading.current_thread()
    for step in reversed(_active):
        if current not in step.strangers:
            return step
    return None


class StepOutput:
    """Hears what a step writes in this process while the `with` block lasts.

    `log` holds it afterwards (at most 8 MiB: the beginning and the end), `log_bytes` is the size of all of it. `show`
    gets whole lines live, as many as it has time for, and then the real streams get nothing unless `pass_through`;
    without `show` they get everything. A debugger in the step keeps its streams, ends `show` (after one call of
    `on_debugger`), and is not part of the log.
    """

    __slots__ = (
        "_kept",
        "_live",
        "_lock",
        "_muted",
        "_on_debugger",
        "_pass",
        "_texts",
        "_waiting",
        "strangers",
        "thread",
    )

    def __init__(
        self,
        show: Callable[[str], object] | None = None,
        *,
        pass_through: bool | None = None,
        on_debugger: Callable[[], object] | None = None,
    ) -> None:
        self._live = None if show is None else _live_lines(show)
        self._pass = show is None if pass_through is None else pass_through
        self._on_debugger = on_debugger
        self._kept = boundedlog.BoundedLog()
        self._lock = allocate_lock()
        self._muted: set[int] = set()
        self._texts: list[str] = []
        self._waiting = 0
        self.thread = 0
        self.strangers: set[threading.Thread] = set()

    @property
    def log(self) -> bytes:
        with self._lock:
            self._encode()
            return self._kept.bytes()

    @property
    def log_bytes(self) -> int:
        with self._lock:
            self._encode()
            return self._kept.count

    def __enter__(self) -> StepOutput:
        install()
        self.thread = get_ident()
        # Threads that were there before belong to the runner, a display or a notebook, unless a step began them.
        self.strangers = {each for each in threading.enumerate() if each not in _step_threads}
        _active.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _active.remove(self)
        _step_threads.update(each for each in threading.enumerate() if each not in self.strangers)
        if self._live is not None:
            self._live.end()
        uninstall()

    def note(self, text: str) -> None:
        """Add text to the log without showing it."""
        self._keep(text if text.endswith("\n") else text + "\n")

    def hear(self, data: Any, write: Write) -> Any:
        """Take what was written, show it, and give what the real `write` would."""
        if not self._muted or get_ident() not in self._muted:
            self._keep(data)
        if self._live is not None:
            with deafness:
                self._live.add(data if isinstance(data, (str, bytes)) else bytes(data))
        if not self._pass:
            return len(data)
        with deafness:
            return write(data)

    def debugged(self) -> None:
        """Hold nothing back any more: a debugger talks to its user."""
        self._live, self._pass = None, True
        if self._on_debugger is not None:
            call, self._on_debugger = self._on_debugger, None
            with deafness:
                call()

    def take_record(self, handle: Callable[[], None], in_words: Callable[[], str]) -> None:
        """Let the user's handlers show a log record, and keep it once, however many of them write it."""
        thread = get_ident()
        if thread in self._muted or deafness.deaf:
            handle()
            return
        self._muted.add(thread)
        try:
            handle()
        finally:
            self._muted.discard(thread)
        self._keep(in_words() + "\n")

    def _keep(self, data: Any) -> None:
        with self._lock:
            if isinstance(data, str):
                self._texts.append(data)
                self._waiting += len(data)
                if self._waiting > _WAITING_CHARACTERS:
                    self._encode()
            else:
                self._encode()
                self._kept.add(bytes(data))

    def _encode(self) -> None:
        if self._texts:
            self._kept.add("".join(self._texts).encode("utf-8", "backslashreplace"))
            self._texts.clear()
            self._waiting = 0


def _taker() -> Take | None:
    step = _listener()
    return None if step is None else step.take_record


_records = RecordHook(_taker)


class WorkerOutput:
    """Sends what a step writes in this worker process, native code and child processes included, to a file.

    `log` holds it afterwards (at most 8 MiB: the beginning and the end), `log_bytes` is the size of all of it. An empty
    file is removed; else it stays for who shows it live. An empty path captures nothing.
    """

    def __init__(self, log_path: str) -> None:
        self._path = log_path
        self._fd = -1
        self._notes = b""
        self.log = b""
        self.log_bytes = 0

    def __enter__(self) -> WorkerOutput:
        global _worker_output
        if self._path:
            _use_worker_streams()
            self._fd = self._open()
            os.dup2(self._fd, 1)
            os.dup2(self._fd, 2)
            _worker_output = self
        return self

    def __exit__(self, *error: object) -> None:
        global _worker_output
        if self._fd >= 0:
            _worker_output = None
            _flush()
            os.dup2(_outside[0], 1)
            os.dup2(_outside[1], 2)
            self.log, self.log_bytes = boundedlog.read(self._fd)
            os.close(self._fd)
            self._fd = -1
            if not self.log_bytes:
                with suppress(OSError):  # the step may have removed it itself
                    os.unlink(self._path)
        self.log += self._notes
        self.log_bytes += len(self._notes)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            from solvent.artifacts.store import store_error

            raise store_error("write the log", self._path, error) from error

    def note(self, text: str) -> None:
        """Add text to the end of the log without showing it."""
        self._notes += (text if text.endswith("\n") else text + "\n").encode("utf-8", "backslashreplace")

    def take_record(self, handle: Callable[[], None], in_words: Callable[[], str]) -> None:
        """Let the user's handlers show a log record; if none of them wrote anything, write it for them."""
        before = os.fstat(self._fd).st_size
        handle()
        if os.fstat(self._fd).st_size == before:
            os.write(self._fd, (in_words() + "\n").encode("utf-8", "backslashreplace"))


_worker_output: WorkerOutput | None = None
_outside: tuple[int, int] = (-1, -1)


def _worker_taker() -> Take | None:
    return None if _worker_output is None else _worker_output.take_record


def _use_worker_streams() -> None:
    """Once for each worker: remember where its streams went, and write through to the descriptors line by line."""
    global _outside
    if _outside[0] >= 0:
        return
    for old in (sys.__stdout__, sys.__stderr__):
        if isinstance(old, TextIOWrapper):
            old.reconfigure(line_buffering=True)  # handlers may be bound to it
    sys.stdout, sys.stderr = _stream(1, sys.stdout), _stream(2, sys.stderr)
    _outside = (os.dup(1), os.dup(2))
    RecordHook(_worker_taker).install()


def _stream(fd: int, old: Any) -> Any:
    """Give a text stream over a descriptor: the one that is there, if it is one, in UTF-8."""
    try:
        if old.fileno() == fd:
            old.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
            return old
    except (AttributeError, OSError, ValueError):
        pass
    return open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _flush() -> None:
    """Write out what Python and C code still hold."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            continue
    if (ctypes := sys.modules.get("ctypes")) is not None:
        ctypes.pythonapi.fflush(None)


def _live_lines(show: Callable[[str], object]) -> LiveLines:
    from solvent.runs.livelines import LiveLines

    return LiveLines(show)
