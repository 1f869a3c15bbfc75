"""The checks of values, column by column: one set for every protocol and every form of a request."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from solvent.serving import times
from solvent.serving.refusals import MOST_PROBLEMS, Problem, near, shown
from solvent.serving.schema import (
    BOOLEAN,
    CLOCK,
    DATE,
    DECIMAL,
    DURATION,
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    Column,
)

FLOAT32_MOST = 3.4028235677973366e38
"""From here on a number becomes infinity as a float32 (half a step above its largest)."""
FLOAT16_MOST = 65520.0
_INTEGER = re.compile(r"(u?)int(8|16|32|64|128)", re.IGNORECASE)
_LISTED = 8


class Unfit(Exception):
    """A value is not what its column holds; the text says what was expected."""


ABSENT = object()
"""Stands for a value that is not there, where that was told already."""

Take = Callable[[Any], Any]
"""Gives what a column is built from for one value that is not null: a number, a text, a count of units of time."""


class Cells:
    """Takes the values of one column; `bounds` are the least and most integer that its type holds."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.bounds = integer_bounds(column) if column.kind == INTEGER else None
        self.take: Take = _category(column) if column.categories else _takers(column)

    def check(self, values: Sequence[Any]) -> tuple[list[Any], list[Problem]]:
        """Give what the column is built from, None for null, and what is wrong: the first 20 of it."""
        column, take = self.column, self.take
        found: list[Any] = []
        problems: list[Problem] = []
        for row, value in enumerate(values):
            taken = None
            try:
                if value is not None and value is not ABSENT:
                    taken = take(value)
                elif value is None and not column.nullable:
                    raise Unfit(f"null, and no value was missing in training; expected {expected(column)}")
            except Unfit as unfit:
                problems.append(Problem(str(unfit), row, column.name))
                if len(problems) >= MOST_PROBLEMS:
                    break
            found.append(taken)
        return found, problems

    def holds_all(self, values: Any) -> bool:
        """Whether all values of an array of NumPy are right, as one look at it tells; if not, each has to be looked at."""
        column, kind = self.column, values.dtype.kind
        if column.categories or not _ARRAYS.fullmatch(column.type):
            return False
        if column.kind == BOOLEAN or not len(values):
            return bool(kind == "b")
        low, high = values.min(), values.max()
        if column.kind == INTEGER:
            return (
                kind in "iu" and self.bounds is not None and self.bounds[0] <= int(low) and int(high) <= self.bounds[1]
            )
        most = number_limit(column) or math.inf
        return kind in "fiu" and -most < low and high < most


_ARRAYS = re.compile(r"(bool|u?int\d+|float\d+)")


def expected(column: Column) -> str:
    """Say what a column holds."""
    if column.categories and not column.sensitive:
        more = f" and {len(column.categories) - _LISTED} more" if len(column.categories) > _LISTED else ""
        return f"one of {', '.join(shown(each) for each in column.categories[:_LISTED])}{more}"
    words = _EXPECTED.get(column.kind)
    return words(column) if words else "a value"


def _time_words(column: Column) -> str:
    zoned = times.is_zoned(column.type + column.of)
    return f"a time like {'2026-01-31T12:00:00Z, with its offset' if zoned else '2026-01-31T12:00:00, without offset'}"


_EXPECTED: dict[str, Callable[[Column], str]] = {
    NUMBER: lambda column: "a number",
    INTEGER: lambda column: f"an integer{_range_words(integer_bounds(column))}",
    BOOLEAN: lambda column: "true or false",
    TEXT: lambda column: "a text",
    TIME: _time_words,
    DATE: lambda column: "a date like 2026-01-31",
    CLOCK: lambda column: "a time of day like 12:30:00",
    DURATION: lambda column: "an ISO 8601 duration like PT1.5S",
    DECIMAL: lambda column: 'a decimal number, best as text like "1.10"',
}


def integer_bounds(column: Column) -> tuple[int, int] | None:
    """Give the least and the most that an integer type holds; None if it has no bounds."""
    found = _INTEGER.search(column.type)
    if found is None:
        return None
    bits = int(found[2])
    return (0, 2**bits - 1) if found[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _range_words(bounds: tuple[int, int] | None) -> str:
    return f" from {bounds[0]} to {bounds[1]}" if bounds else ""


def number_limit(column: Column) -> float | None:
    """Give the number from which on a float type has no value but infinity; None for those of 64 bits."""
    kind = column.type.lower()
    if kind.startswith(("float32", "float[pyarrow]")) or kind == "float":
        return None if column.type == "float" else FLOAT32_MOST
    return FLOAT16_MOST if kind.startswith(("float16", "halffloat")) else None


def _refuse(column: Column, value: Any) -> Unfit:
    return Unfit(f"expected {expected(column)}, found {_told(column, value)}")


def _told(column: Column, value: Any) -> str:
    """Tell a value that was found; of a sensitive column only its type."""
    return f"a value of type {type(value).__name__}" if column.sensitive else shown(value)


def _takers(column: Column) -> Take:
    make = _KINDS.get(column.kind)
    return make(column) if make else _any


def _any(value: Any) -> Any:
    return value


def _number(column: Column) -> Take:
    limit = number_limit(column)
    keeps_integers = column.type == "object"

    def take(value: Any) -> Any:
        kind = type(value)
        if kind is not float:
            if kind is not int:
                raise _refuse(column, value)
            if keeps_integers:
                return value
            try:
                value = float(value)
            except OverflowError:
                raise _refuse(column, value) from None
        if not math.isfinite(value):
            raise Unfit(f"expected {expected(column)}, found {value}, which JSON has not")
        if limit is not None and abs(value) >= limit:
            raise Unfit(f"expected a number that fits {column.type}, found {_told(column, value)}")
        return value

    return take


def _integer(column: Column) -> Take:
    bounds = integer_bounds(column)

    def take(value: Any) -> Any:
        # 3.0 is an integer: many clients write numbers so as soon as one of their column is missing.
        if type(value) is float and value.is_integer() and abs(value) <= 2**53:
            value = int(value)
        if type(value) is not int or (bounds and not bounds[0] <= value <= bounds[1]):
            raise _refuse(column, value)
        return value

    return take


def _boolean(column: Column) -> Take:
    def take(value: Any) -> Any:
        if type(value) is not bool:
            raise _refuse(column, value)
        return value

    return take


def _text(column: Column) -> Take:
    def take(value: Any) -> Any:
        if type(value) is not str:
            raise _refuse(column, value)
        return value

    return take


def _category(column: Column) -> Take:
    known: dict[Any, Any] = {(type(each), each): each for each in column.categories}

    def take(value: Any) -> Any:
        if type(value) is float and value.is_integer() and (int, int(value)) in known:
            value = int(value)
        if type(value) is int and (float, float(value)) in known:
            value = float(value)
        try:
            return known[(type(value), value)]
        except (KeyError, TypeError, OverflowError):
            told = "" if column.sensitive else near(value, map(str, column.categories))
            raise Unfit(
                f"{_told(column, value)} is no category of training; expected {expected(column)}{told}"
            ) from None

    return take


def _timed(column: Column) -> Take:
    unit, zoned, objects = times.unit_of(column.type), times.is_zoned(column.type + column.of), _is_object(column)

    def take(value: Any) -> Any:
        if objects and isinstance(value, datetime):
            return value
        try:
            nanoseconds, offset = times.to_instant(_as_text(value, datetime))
            if offset != zoned:
                raise ValueError
            return times.instant_object(nanoseconds, zoned) if objects else times.in_unit(nanoseconds, unit)
        except (ValueError, OverflowError):
            raise _refuse(column, value) from None

    return take


def _date(column: Column) -> Take:
    objects = _is_object(column)

    def take(value: Any) -> Any:
        try:
            days = times.to_date(_as_text(value, date))
        except ValueError:
            raise _refuse(column, value) from None
        return date.fromordinal(days + date(1970, 1, 1).toordinal()) if objects else days

    return take


def _clock(column: Column) -> Take:
    # The times of day of polars have one unit, which their type does not name.
    unit, objects = "ns" if column.type == "Time" else times.unit_of(column.type), _is_object(column)

    def take(value: Any) -> Any:
        try:
            nanoseconds = times.to_clock(_as_text(value, time))
            return times.clock_object(nanoseconds) if objects else times.in_unit(nanoseconds, unit)
        except ValueError:
            raise _refuse(column, value) from None

    return take


def _duration(column: Column) -> Take:
    unit, objects = times.unit_of(column.type), _is_object(column)

    def take(value: Any) -> Any:
        try:
            nanoseconds = times.to_duration(_as_text(value, timedelta))
            if objects:
                return timedelta(microseconds=times.in_unit(nanoseconds, "us"))
            return times.in_unit(nanoseconds, unit)
        except (ValueError, OverflowError):
            raise _refuse(column, value) from None

    return take


_PRECISION = re.compile(r"(\d+), ?(-?\d+)[\])]")


def _decimal(column: Column) -> Take:
    found = _PRECISION.search(column.type)
    digits, scale = (int(found[1]), int(found[2])) if found else (10_000, None)

    def take(value: Any) -> Any:
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
                raise ValueError
            number = Decimal(str(value))
            if not number.is_finite() or abs(number.adjusted()) > 10_000:
                raise ValueError
            _, places, exponent = number.as_tuple()
            if (
                scale is not None
                and number
                and (number.adjusted() + 1 > digits - scale or int(exponent) + _zeros(places) < -scale)
            ):
                raise Unfit(
                    f"expected a decimal of {digits} digits, {scale} after the point, found {_told(column, value)}"
                )
            return number
        except (ValueError, InvalidOperation):
            raise _refuse(column, value) from None

    return take


def _zeros(places: tuple[int, ...]) -> int:
    return next((at for at, each in enumerate(reversed(places)) if each), 0)


def _as_text(value: Any, kind: type) -> str:
    if type(value) is str:
        return value
    if isinstance(value, kind) and not (kind is date and isinstance(value, datetime)):
        return times.time_text(value)
    raise ValueError


def _is_object(column: Column) -> bool:
    """Whether the column holds objects of Python for its values."""
    return column.type in ("object", "datetime", "datetime, UTC", "date", "time", "timedelta")


_KINDS: dict[str, Callable[[Column], Take]] = {
    NUMBER: _number,
    INTEGER: _integer,
    BOOLEAN: _boolean,
    TEXT: _text,
    TIME: _timed,
    DATE: _date,
    CLOCK: _clock,
    DURATION: _duration,
    DECIMAL: _decimal,
}
