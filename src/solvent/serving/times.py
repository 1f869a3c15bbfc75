"""Times as text: exact to the nanosecond, which `datetime` is not."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SPAN = 2**63
_NANOSECONDS = 1_000_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_UNIT = re.compile(r"\[(ns|us|ms|s)\b")
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?", re.ASCII)
_DURATION = re.compile(
    r"([+-])?P(?:(\d{1,12})W)?(?:(\d{1,12})D)?(?:T(?:(\d{1,14})H)?(?:(\d{1,15})M)?(?:(\d{1,18})(?:[.,](\d{1,9}))?S)?)?",
    re.ASCII,
)


def unit_of(type_name: str) -> str:
    """Read the unit off a type: "us" of "datetime64[us, UTC]"; "us" for one that names none."""
    found = _UNIT.search(type_name)
    return found[1] if found else "us"


def is_zoned(type_name: str) -> bool:
    """Whether times of this type are instants, which need an offset or Z."""
    return "," in type_name


def to_instant(text: str) -> tuple[int, bool]:
    """Read a time as nanoseconds since 1970, and whether it had an offset; ValueError if it is none."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    if offset and hour is None:
        raise ValueError
    days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    seconds = _seconds(hour, minute, second) - _offset_seconds(offset)
    return (days * 86_400 + seconds) * _NANOSECONDS + _fraction(fraction), bool(offset)


def _seconds(hour: str | None, minute: str | None, second: str | None) -> int:
    parts = int(hour or 0), int(minute or 0), int(second or 0)
    if parts[0] > 23 or parts[1] > 59 or parts[2] > 59:
        raise ValueError
    return parts[0] * 3_600 + parts[1] * 60 + parts[2]


def _fraction(digits: str | None) -> int:
    return int(digits.ljust(9, "0")) if digits else 0


def _offset_seconds(offset: str | None) -> int:
    if not offset or offset in "Zz":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError
    return (-1 if offset[0] == "-" else 1) * (hours * 3_600 + minutes * 60)


def to_clock(text: str) -> int:
    """Read a time of day as nanoseconds since midnight; ValueError if it is none."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError
    return _seconds(found[1], found[2], found[3]) * _NANOSECONDS + _fraction(found[4])


def to_duration(text: str) -> int:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds as nanoseconds; ValueError if it is none."""
    found = _DURATION.fullmatch(text)
    if found is None or text[-1] in "PT":
        raise ValueError
    sign, weeks, days, hours, minutes, seconds, fraction = found.groups()
    whole = int(weeks or 0) * 7 + int(days or 0)
    whole = whole * 86_400 + int(hours or 0) * 3_600 + int(minutes or 0) * 60 + int(seconds or 0)
    return (-1 if sign == "-" else 1) * (whole * _NANOSECONDS + _fraction(fraction))


def to_date(text: str) -> int:
    """Read a date as days since 1970; ValueError if it is none."""
    if len(text) != 10:
        raise ValueError
    return date.fromisoformat(text).toordinal() - _EPOCH


def in_unit(nanoseconds: int, unit: str) -> int:
    """Give nanoseconds in a coarser unit; ValueError if that would lose something or does not fit 64 bits."""
    found, lost = divmod(nanoseconds, _NANOSECONDS // PER_SECOND[unit])
    if lost or not -_SPAN < found < _SPAN:
        raise ValueError
    return found


def instant_text(count: int, unit: str, zoned: bool) -> str:
    """Write an instant, counted in `unit` since 1970, as ISO 8601; with Z if it is one of UTC."""
    seconds, rest = divmod(count, PER_SECOND[unit])
    days, seconds = divmod(seconds, 86_400)
    day = days + _EPOCH
    if not 1 <= day <= date.max.toordinal():
        raise ValueError(f"a time outside the years 1 to 9999: {count} {unit}")
    return f"{date.fromordinal(day).isoformat()}T{_clock(seconds, rest, unit)}{'Z' if zoned else ''}"


def clock_text(count: int, unit: str) -> str:
    """Write a time of day, counted in `unit` since midnight."""
    return _clock(*divmod(count, PER_SECOND[unit]), unit)


def _clock(seconds: int, rest: int, unit: str) -> str:
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}{_decimals(rest, unit)}"


def _decimals(rest: int, unit: str) -> str:
    return f".{str(rest).zfill(len(str(PER_SECOND[unit])) - 1).rstrip('0')}" if rest else ""


def duration_text(count: int, unit: str) -> str:
    """Write a duration, counted in `unit`, as ISO 8601 in seconds."""
    seconds, rest = divmod(abs(count), PER_SECOND[unit])
    return f"{'-' if count < 0 else ''}PT{seconds}{_decimals(rest, unit)}S"


def instant_object(nanoseconds: int, zoned: bool) -> datetime:
    """Give the object of Python for an instant; nanoseconds below a microsecond raise ValueError."""
    start = datetime(1970, 1, 1, tzinfo=UTC if zoned else None)
    try:
        return start + timedelta(microseconds=in_unit(nanoseconds, "us"))
    except OverflowError:
        raise ValueError from None


def clock_object(nanoseconds: int) -> time:
    return (datetime(1970, 1, 1) + timedelta(microseconds=in_unit(nanoseconds, "us"))).time()


def time_text(value: Any) -> str:
    """Write an object of Python that is a time, a date, a time of day or a duration, as this module reads it."""
    if isinstance(value, timedelta):
        nanoseconds = getattr(value, "nanoseconds", 0)
        whole = (value.days * 86_400 + value.seconds) * _NANOSECONDS + value.microseconds * 1_000 + nanoseconds
        return duration_text(whole, "ns")
    if isinstance(value, datetime):
        zoned = value.utcoffset() is not None
        naive = value.astimezone(UTC).replace(tzinfo=None) if zoned else value
        days, seconds = naive.toordinal() - _EPOCH, naive.hour * 3_600 + naive.minute * 60 + naive.second
        rest = naive.microsecond * 1_000 + getattr(naive, "nanosecond", 0)
        return instant_text((days * 86_400 + seconds) * _NANOSECONDS + rest, "ns", zoned)
    return str(value.isoformat())
