"""Another time of day for a step: what it reads of the clock is years later while a block runs."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from solvent.serving.code import private_modules

SHIFT = datetime.timedelta(days=3 * 365 + 100, hours=5, minutes=17, seconds=29)
_SECONDS = SHIFT.total_seconds()


_date, _datetime = datetime.date, datetime.datetime


class _LaterKind(type):
    """`isinstance` takes all dates for those of the later clock, as if it were the class that it stands for."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, _datetime if issubclass(cls, _datetime) else _date)


class _LaterDate(datetime.date, metaclass=_LaterKind):
    def __new__(cls, *given: Any, **named: Any) -> Any:
        return _date(*given, **named)

    @classmethod
    def today(cls) -> Any:
        # Not `today()`, which asks `time.time`, and that is the later one already.
        return (_datetime.now() + SHIFT).date()


class _LaterDatetime(datetime.datetime, metaclass=_LaterKind):
    def __new__(cls, *given: Any, **named: Any) -> Any:
        return _datetime(*given, **named)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return _datetime.now(tz) + SHIFT

    @classmethod
    def today(cls) -> Any:
        return _datetime.now() + SHIFT

    @classmethod
    def utcnow(cls) -> Any:
        return _datetime.now(datetime.UTC).replace(tzinfo=None) + SHIFT


@contextmanager
def other_clock() -> Iterator[None]:
    """Let the code of a step read another time: `time`, `datetime` and pandas in the modules that are not installed ones.

    What C code asks the system itself keeps the true time.
    """
    later = _later()
    changed: list[tuple[Any, str, Any]] = []
    for module in [time, datetime, *_user_modules()]:
        for name, value in list(vars(module).items()):
            new = later.get(id(value))
            if new is not None:
                changed.append((module, name, value))
                setattr(module, name, new)
    changed += _pandas_later()
    try:
        yield
    finally:
        for owner, name, value in reversed(changed):
            setattr(owner, name, value)


def _later() -> dict[int, Any]:
    """Give what stands for each function and class that tells the time."""
    seconds, nanoseconds, local, utc = time.time, time.time_ns, time.localtime, time.gmtime
    found = {
        seconds: lambda: seconds() + _SECONDS,
        nanoseconds: lambda: nanoseconds() + int(_SECONDS) * 10**9,
        local: lambda at=None: local(seconds() + _SECONDS if at is None else at),
        utc: lambda at=None: utc(seconds() + _SECONDS if at is None else at),
        _datetime: _LaterDatetime,
        _date: _LaterDate,
    }
    return {id(was): new for was, new in found.items()}


def _pandas_later() -> list[tuple[Any, str, Any]]:
    """Let pandas' timestamps tell the later time; give what was there before."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return []
    kind, changed = pandas.Timestamp, []
    for name in ("now", "today", "utcnow"):
        was = vars(kind).get(name)
        if was is not None:
            changed.append((kind, name, was))
            setattr(kind, name, classmethod(_shifted(was)))
    return changed


def _shifted(method: Any) -> Callable[..., Any]:
    return lambda kind, *given, **named: method.__func__(kind, *given, **named) + SHIFT


def _user_modules() -> list[Any]:
    """Give the loaded modules that are neither the interpreter's, nor installed, nor ours."""
    found = []
    for name, module in [*sys.modules.items(), *((each.__name__, each) for each in private_modules())]:
        file = getattr(module, "__file__", None) or ""
        if name.partition(".")[0] == "solvent" or not file.endswith(".py"):
            continue
        if "site-packages" not in file and "dist-packages" not in file and not file.startswith(sys.base_prefix):
            found.append(module)
    return found
