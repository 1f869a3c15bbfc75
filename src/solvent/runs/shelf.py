"""The live values of ended steps: the oldest large ones are given up when they take too much memory, the store has them."""

from __future__ import annotations

import sys
from typing import Any

from solvent.runs.state import CallState, Output

SHARE = 0.25
"""Of the machine's memory, for values that are at hand only to save the next step a look into the store."""

_LARGE_BYTES = 1 << 20
_OTHER_BYTES = 4 << 30


class Shelf:
    """Knows the large values that a run holds, oldest first, and keeps them within a limit."""

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._limit = int(_memory_bytes() * SHARE) if limit_bytes is None else limit_bytes
        self._held: dict[int, tuple[Output, int, bool]] = {}
        self._total = 0

    def take(self, state: CallState) -> None:
        """Note what is at hand of an ended call, and give up what is too much."""
        for path, output in state.outputs.items():
            if output.live and id(output) not in self._held and (size := size_bytes(output.value)) >= _LARGE_BYTES:
                # The whole of a step with declared fields is put together again from them.
                whole = path == () and bool(state.call.step.fields)
                self._held[id(output)] = (output, size, whole)
                self._total += size
        if self._total > self._limit:
            self._give_up()

    def _give_up(self) -> None:
        for key, (output, size, whole) in list(self._held.items()):
            if self._total <= self._limit:
                return
            if output.artifact is not None or whole:
                output.drop()
            if not output.live:
                del self._held[key]
                self._total -= size


def size_bytes(value: Any, deeper: int = 2) -> int:
    """Tell about how much memory a value takes; 0 if it does not say."""
    kind = type(value)
    if kind in (bytes, str, bytearray):
        return len(value)
    if kind in (list, tuple, dict):
        parts = value.values() if kind is dict else value
        inside = sum(size_bytes(part, deeper - 1) for part in parts) if deeper and len(value) < 100 else 0
        return sys.getsizeof(value) + inside
    for name in ("nbytes", "memory_usage", "estimated_size"):
        if (found := getattr(value, name, None)) is not None:
            try:
                said: Any = found() if callable(found) else found
                return int(said.sum() if hasattr(said, "sum") else said)
            except Exception:  # any class may have an attribute of that name
                continue
    return 0


def _memory_bytes() -> int:
    import os

    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _OTHER_BYTES
