"""What moved between two columns, in words: the category or the range whose share changed most."""

from __future__ import annotations

import time

from solvent.profiles.categories import Shares
from solvent.profiles.cumulative import Cumulative
from solvent.profiles.measures import Curve
from solvent.profiles.records import ColumnProfile

_SLACK = 0.005
"""How much of the rows a rounded end of a range may take in or leave out."""
_LEAST = 0.0005
"""A smaller change is not told."""
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
    """Name the category whose share changed most: "WN 3.1 % -> 9.4 %"."""
    then, now, name = max(
        zip(shares.reference, shares.current, shares.names, strict=True), key=lambda each: abs(each[1] - each[0])
    )
    return f"{name} {change(then, now)}"


def moved_range(curve: Curve, reference: Cumulative, current: Cumulative, column: ColumnProfile) -> str:
    """Name the range whose share of rows changed most: "12 % more rows between 15 and 60 (20 % -> 32 %)"."""
    if len(reference.values) == len(current.values) == 1:
        constants = [written(each.values[0], column) for each in (reference, current)]
        return f"{constants[0]} -> {constants[1]}" if constants[0] != constants[1] else ""
    low, high, more = _moved(curve)
    if low == high:
        before, after = (each.share_upto(high) - each.share_below(high) for each in (reference, current))
        where = f"at {written(high, column)}"
    else:
        low, high = (_rounded(end, reference, current, column) for end in (low, high))
        before, after = (each.share_upto(high) - each.share_upto(low) for each in (reference, current))
        where = _place(low, high, (reference, current), column)
    if abs(after - before) < _LEAST:
        return ""
    return f"{percent(abs(after - before))} {'more' if more else 'fewer'} rows {where} ({change(before, after)})"


def _place(low: float, high: float, sides: tuple[Cumulative, Cumulative], column: ColumnProfile) -> str:
    """Name a range; an end beyond which there is next to nothing is left out."""
    if all(each.share_upto(low) <= _SLACK for each in sides):
        return f"up to {written(high, column)}"
    if all(each.share_upto(high) >= 1 - _SLACK for each in sides):
        return f"above {written(low, column)}"
    return f"between {written(low, column)} and {written(high, column)}"


def _moved(curve: Curve) -> tuple[float, float, bool]:
    """Find between which two points the curve of gaps rises most, which means more rows now; or falls, if by far more.

    A range that nearly reaches an end of the curve reaches it.
    """
    start, end = (curve[0][0], 0.0), (curve[-1][0], 0.0)
    least = most = start
    rise = fall = (0.0, start, start)
    for point in curve:
        least = min(least, point, key=lambda each: each[1])
        most = max(most, point, key=lambda each: each[1])
        rise = max(rise, (point[1] - least[1], least, point), key=lambda each: each[0])
        fall = max(fall, (most[1] - point[1], most, point), key=lambda each: each[0])
    more = rise[0] >= _MORE * fall[0]
    _, low, high = rise if more else fall
    if low[0] == high[0]:
        return low[0], high[0], more
    low, high = start if abs(low[1]) <= _SLACK else low, end if abs(high[1]) <= _SLACK else high
    return low[0], high[0], more


def _rounded(end: float, reference: Cumulative, current: Cumulative, column: ColumnProfile) -> float:
    """Give the shortest number that has nearly the same rows below it."""
    if column.kind == "time":
        return end
    for digits in range(1, 15):
        short = float(f"{end:.{digits}g}")
        if all(abs(each.share_upto(short) - each.share_upto(end)) <= _SLACK for each in (reference, current)):
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
