"""What moved between two columns, in words: the category or the range whose share changed most."""

from __future__ import annotations

import time
from typing import NamedTuple

from solvent.profiles.categories import Shares
from solvent.profiles.cumulative import Cumulative
from solvent.profiles.measures import Curve
from solvent.profiles.records import ColumnProfile

_SLACK = 0.005
"""How much of the rows a rounded end of a range may take in or leave out."""
_LEAST = 0.0005
"""A smaller change is not told."""
_NOISE = 1e-9
_MORE = 0.9
"""Where rows moved from one range to another, the one that gained is told."""
_DAY_SECONDS = 86_400


def percent(share: float) -> str:
    """Write a share as people read it: "3.1 %", "12 %"."""
    shown = f"{share * 100:.1f}".removesuffix(".0")
    return f"{shown} %" if shown != "0" or share <= 0 else "under 0.1 %"


def change(before: float, after: float) -> str:
    """Write how a share changed: "3.1 % -> 9.4 %"."""
    return f"{percent(before)} -> {percent(after)}"


def moved_category(shares: Shares) -> str:
    """Name the category whose share changed most, of several that changed as much the rarest: "WN 3.1 % -> 9.4 %"."""
    then, now, name = max(
        zip(shares.reference, shares.current, shares.names, strict=True),
        key=lambda each: (round(abs(each[1] - each[0]), 3), -each[0]),
    )
    return f"{name} {change(then, now)}"


def moved_range(curve: Curve, reference: Cumulative, current: Cumulative, column: ColumnProfile) -> str:
    """Name the range whose share of rows changed most: "12 % more rows between 15 and 60 (20 % -> 32 %)"."""
    if len(reference.values) == len(current.values) == 1:
        constants = [written(each.values[0], column) for each in (reference, current)]
        return f"{constants[0]} -> {constants[1]}" if constants[0] != constants[1] else ""
    sides = reference, current
    low, high, more = _moved(curve)
    if low == high and low is not None:
        before, after = (each.share_upto(low) - each.share_below(low) for each in sides)
        where = f"at {written(low, column)}"
    else:
        low, high = (None if end is None else _rounded(end, sides, column) for end in (low, high))
        before, after = (_share(low, high, each) for each in sides)
        where = _place(low, high, sides, column)
    if abs(after - before) < _LEAST:
        return ""
    return f"{percent(abs(after - before))} {'more' if more else 'fewer'} rows {where} ({change(before, after)})"


def _share(low: float | None, high: float | None, side: Cumulative) -> float:
    return (1.0 if high is None else side.share_upto(high)) - (0.0 if low is None else side.share_upto(low))


def _place(low: float | None, high: float | None, sides: tuple[Cumulative, Cumulative], column: ColumnProfile) -> str:
    """Name a range; an end beyond which there is next to nothing is left out."""
    if high is None or all(each.share_upto(high) >= 1 - _SLACK for each in sides):
        return f"above {written(low, column)}" if low is not None else "at all values"
    if low is None or all(each.share_upto(low) <= _SLACK for each in sides):
        return f"up to {written(high, column)}"
    return f"between {written(low, column)} and {written(high, column)}"


def _moved(curve: Curve) -> tuple[float | None, float | None, bool]:
    """Find between which two points the curve of gaps rises most, which means more rows now; or falls, if by far more.

    A range that nearly reaches an end of the curve reaches it: that end is None.
    """
    least = most = _Turn(curve[0][0], curve[0][0], 0.0)
    rise = fall = (0.0, least, (curve[0][0], 0.0))
    for point, gap in curve:
        least = least.after(point, gap, gap - least.gap)
        most = most.after(point, gap, most.gap - gap)
        rise = max(rise, (gap - least.gap, least, (point, gap)), key=lambda each: each[0])
        fall = max(fall, (most.gap - gap, most, (point, gap)), key=lambda each: each[0])
    more = rise[0] >= _MORE * fall[0]
    _, low, high = rise if more else fall
    if low.last == high[0]:
        return high[0], high[0], more
    return (None if abs(low.gap) <= _SLACK else low.first), (None if abs(high[1]) <= _SLACK else high[0]), more


class _Turn(NamedTuple):
    """Where the curve was lowest, or highest, so far: from the first to the last point."""

    first: float
    last: float
    gap: float

    def after(self, point: float, gap: float, inside: float) -> _Turn:
        if inside > _NOISE:
            return self
        return _Turn(self.first if inside > -_NOISE else point, point, gap)


def _rounded(end: float, sides: tuple[Cumulative, Cumulative], column: ColumnProfile) -> float:
    """Give the shortest number that has nearly the same rows below it."""
    if column.kind == "time":
        return end
    for digits in range(1, 15):
        short = float(f"{end:.{digits}g}")
        if all(abs(each.share_upto(short) - each.share_upto(end)) <= _SLACK for each in sides):
            return short
    return end


def written(value: float, column: ColumnProfile) -> str:
    """Write a value of a column of numbers or times as people do."""
    if column.kind == "time" and not column.type.startswith("duration"):
        return _moment(value)
    text = f"{value:.12g}"
    return f"{text} s" if column.kind == "time" else text


def _moment(seconds: float) -> str:
    form = "%Y-%m-%d" if seconds % _DAY_SECONDS == 0 else "%Y-%m-%d %H:%M"
    try:
        return time.strftime(form, time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g}"
