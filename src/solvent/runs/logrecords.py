"""Log records of the running step: each is captured once, whatever handlers the user has, and none is added."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logging import Logger, LogRecord

Take = Callable[[Callable[[], None], Callable[[], str]], None]
"""Gets what lets the user's handlers work, and what puts the record into words; must call the first."""


class RecordHook:
    """Stands before the handlers of `logging`, if and when that is loaded; `find` gives who takes the records.

    A handler on the root logger would be simpler, but changes what the user's code does: `basicConfig` does nothing any
    more, and warnings of unconfigured loggers are no longer printed.
    """

    def __init__(self, find: Callable[[], Take | None]) -> None:
        self._find = find
        self._original: Any = None
        self._hooked: Any = None

    def install(self) -> None:
        if "logging" in sys.modules:
            self._hook(sys.modules["logging"])
        else:
            sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        if self._original is not None:
            logger = sys.modules["logging"].Logger
            if logger.callHandlers is self._hooked:
                logger.callHandlers = self._original
            self._original = None

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Load `logging` as usual, then hook it."""
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                load(module)
                self._hook(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _hook(self, logging: Any) -> None:
        original = logging.Logger.callHandlers
        find = self._find

        def callHandlers(self: Logger, record: LogRecord) -> None:
            take = find()
            if take is None:
                original(self, record)
            else:
                take(lambda: original(self, record), lambda: in_words(self, record))

        self._original, self._hooked = original, callHandlers
        logging.Logger.callHandlers = callHandlers


def in_words(logger: Logger, record: LogRecord) -> str:
    """Format a record as the user's own stream handler does, or plainly if there is none."""
    import logging

    formatter: Any = next((each for each in _stream_handlers(logger) if each.level <= record.levelno), None)
    try:
        return str((formatter or logging.Formatter(logging.BASIC_FORMAT)).format(record))
    except Exception:
        return f"{record.levelname}:{record.name}:{record.msg!r} {record.args!r}"


def _stream_handlers(logger: Logger) -> list[Any]:
    import logging

    found: list[Any] = []
    here: Logger | None = logger
    while here is not None:
        found += [
            each
            for each in here.handlers
            if isinstance(each, logging.StreamHandler) and not isinstance(each, logging.FileHandler)
        ]
        here = here.parent if here.propagate else None
    return found
