"""Hearing what is written to Python's streams, without taking their place."""

from __future__ import annotations

import sys
from _thread import _local
from collections.abc import Callable
from typing import Any, Protocol

_DEBUGGERS = frozenset({"pdb", "bdb", "cmd", "code", "ipdb", "IPython.core.debugger", "IPython.terminal.debugger"})
_DEBUGGER_FOLDERS = ("prompt_toolkit", "pudb", "_pydev", "pydevd", "debugpy")

Write = Callable[[Any], Any]


class Listener(Protocol):
    """Takes what a step writes."""

    def hear(self, data: Any, write: Write) -> Any:
        """Take text or bytes; `write` passes them on to the real stream, to be called while this thread is deaf."""
        ...

    def debugged(self) -> None:
        """A debugger speaks: from now on nothing may be held back."""
        ...


class Deafness(_local):
    """Whether the current thread's writes are no output of a step: nested writes, and what shows the output live."""

    deaf = False

    def __enter__(self) -> None:
        self.deaf = True

    def __exit__(self, *error: object) -> None:
        self.deaf = False


deafness = Deafness()


class Tap:
    """Hears one stream in place: the stream stays the object it is, for everyone who holds it.

    So handlers that were bound to it long ago are heard too, and a debugger, `input` and `fileno` find the real one.
    Text and bytes written to `.buffer` are each heard once.
    """

    def __init__(self, stream: Any, find: Callable[[], Listener | None]) -> None:
        self._find = find
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self.stream = stream
        stream.flush()  # what was written before is not heard
        self._replace(stream, "write", self._hearing(stream.write, str))
        self._replace(stream, "flush", _deaf(stream.flush))
        buffer = getattr(stream, "buffer", None)
        if buffer is not None and hasattr(buffer, "__dict__"):
            self._replace(buffer, "write", self._hearing(buffer.write, (bytes, bytearray, memoryview)))

    def remove(self) -> None:
        """Leave the stream as it was, unless someone else has changed it since."""
        for place, name, ours, before in reversed(self._undo):
            if place.__dict__.get(name) is not ours:
                continue
            if before is None:
                delattr(place, name)
            else:
                setattr(place, name, before)

    def _replace(self, place: Any, name: str, ours: Any) -> None:
        before = place.__dict__.get(name)
        setattr(place, name, ours)
        self._undo.append((place, name, ours, before))

    def _hearing(self, real: Write, kinds: type | tuple[type, ...]) -> Write:
        find = self._find

        def write(data: Any) -> Any:
            if deafness.deaf or not isinstance(data, kinds) or (listener := find()) is None:
                return real(data)
            module = sys._getframe(1).f_globals.get("__name__") or ""
            speaks = _debuggers.get(module)
            if speaks if speaks is not None else _is_debugger(module):
                listener.debugged()
                with deafness:
                    return real(data)
            return listener.hear(data, real)

        return write


def _deaf(real: Callable[[], Any]) -> Callable[[], Any]:
    """Make a flush whose writes to the buffer are not heard a second time."""

    def flush() -> Any:
        if deafness.deaf:
            return real()
        with deafness:
            return real()

    return flush


_debuggers: dict[str, bool] = {}


def _is_debugger(module: str) -> bool:
    found = _debuggers[module] = module in _DEBUGGERS or module.startswith(_DEBUGGER_FOLDERS)
    return found


def can_be_tapped(stream: Any) -> bool:
    return stream is not None and hasattr(stream, "__dict__") and not getattr(stream, "closed", False)
