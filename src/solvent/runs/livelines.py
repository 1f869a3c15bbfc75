"""What a step prints, line by line to whoever watches, without holding the step up."""

from __future__ import annotations

import time
from _thread import allocate_lock
from collections.abc import Callable
from typing import Any

_PARTIAL_CHARACTERS = 8192
_AT_ONCE = 1 << 16
_AHEAD_SECONDS = 0.2
_SHARE = 0.2
_REST_SECONDS = 0.1


class LiveLines:
    """Shows whole lines as they come. Showing takes at most a fifth of the time, after 0.2 s of its own.

    A step that prints faster than that is not slowed down: lines are skipped, and how much is said in their place.
    """

    __slots__ = ("_allowed", "_asked_at", "_inside", "_lock", "_partial", "_resume_at", "_show", "_skipped")

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show = show
        self._lock = allocate_lock()
        self._partial = ""
        self._skipped = 0
        self._inside = False
        self._allowed = _AHEAD_SECONDS
        self._asked_at = time.perf_counter()
        self._resume_at = 0.0

    def add(self, data: Any) -> None:
        """Take text or bytes as they are written."""
        began = time.perf_counter()
        end: Any = "\n" if isinstance(data, str) else b"\n"
        if began < self._resume_at:
            self._skipped += len(data)
            self._inside = data[-1:] != end
            return
        if len(data) > _AT_ONCE:
            self._skipped += len(data) - _AT_ONCE + len(self._partial)
            self._inside, self._partial, data = True, "", data[-_AT_ONCE:]
        lines = self._lines(data if isinstance(data, str) else data.decode("utf-8", "replace"))
        for line in lines:
            self._tell(line)
        if lines:
            self._pay(began)

    def end(self) -> None:
        """Show what is left of the last line."""
        if self._partial:
            self._tell(self._partial)
            self._partial = ""
        self._tell_skipped()

    def _lines(self, text: str) -> list[str]:
        with self._lock:
            if self._inside:  # of a line whose beginning was skipped
                skipped, end, text = text.partition("\n")
                self._skipped += len(skipped + end)
                self._inside = not end
            *lines, self._partial = (self._partial + text).split("\n")
            if len(self._partial) > _PARTIAL_CHARACTERS:
                # A progress bar rewrites its line again and again: only its last state is of interest.
                self._partial = self._partial.rpartition("\r")[2][-_PARTIAL_CHARACTERS:]
        return lines

    def _pay(self, began: float) -> None:
        now = time.perf_counter()
        gained = (began - self._asked_at) * _SHARE
        self._allowed = min(_AHEAD_SECONDS, self._allowed + gained) - (now - began)
        self._asked_at = now
        if self._allowed <= 0:
            self._resume_at = now + max(_REST_SECONDS, -self._allowed / _SHARE)
            self._inside = bool(self._partial)
            self._skipped += len(self._partial)
            self._partial = ""

    def _tell(self, line: str) -> None:
        self._tell_skipped()
        self._show(line.rstrip("\r").rpartition("\r")[2])

    def _tell_skipped(self) -> None:
        if self._skipped:
            skipped, self._skipped = self._skipped, 0
            self._show(f"[... {skipped} characters came too fast to be shown ...]")
