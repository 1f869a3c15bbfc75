"""Two columns on common bins, from their profiles alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from solvent.profiles.cumulative import Cumulative, cumulative
from solvent.profiles.records import BINS, ColumnProfile

_SMALL = 50
_MOSTLY = 0.9
_ZOOM = 1.6
"""How much wider than the range where nearly all values lie the whole range may be before a chart leaves it."""


class Shared(NamedTuple):
    """Common bins of one or two columns: the share of each column's finite values in each bin.

    `zoomed` says that some values lie beyond the bins: far out, and few of them.
    """

    edges: tuple[float, ...]
    shares: tuple[tuple[float, ...], ...]
    zoomed: bool


def share_bins(columns: Sequence[ColumnProfile], bins: int = BINS) -> Shared | None:
    """Put the values of columns into common bins; None if none of them has finite values."""
    spread = [cumulative(each) for each in columns]
    known = [each for each in spread if each is not None]
    if not known:
        return None
    low, high = min(each.values[0] for each in known), max(each.values[-1] for each in known)
    near, far = _near_range(known)
    zoomed = far > near and high - low > _ZOOM * (far - near)
    if zoomed:
        low, high = near, far
    whole = all(_is_whole(each) for each in columns)
    edges = _whole_edges(low, high, bins) if whole else _even_edges(low, high, bins)
    empty = (0.0,) * (len(edges) - 1)
    return Shared(edges, tuple(tuple(each.shares(edges)) if each else empty for each in spread), zoomed)


def _near_range(known: Sequence[Cumulative]) -> tuple[float, float]:
    """Give the middle 90 % of the values with as much again on both sides, but no more than there is."""
    low, high = (min(each.quantile(0.05) for each in known), max(each.quantile(0.95) for each in known))
    least, most = min(each.values[0] for each in known), max(each.values[-1] for each in known)
    return max(least, 2 * low - high), min(most, 2 * high - low)


def _is_whole(column: ColumnProfile) -> bool:
    """Whether all numbers of a column are whole, as far as its profile tells."""
    if column.kind != "number":
        return False
    if column.type.startswith(("int", "uint")):
        return all(abs(each) < 2**53 for each in column.quantiles)
    # A quantile may lie between two values: a few that are not whole say nothing.
    told = [value for value, _ in column.values] or column.quantiles
    whole = sum(abs(each) < 2**53 and float(each).is_integer() for each in told)
    return whole == len(told) if column.values else whole >= _MOSTLY * len(told)


def _whole_edges(low: float, high: float, bins: int) -> tuple[float, ...]:
    """Give edges between whole numbers, with equally many of these in each bin, the last one too if that can be."""
    low, high = math.floor(low), math.ceil(high)
    span = high - low + 1
    width = max(1, math.ceil(span / bins))
    if width <= _SMALL:
        width = min(range(width, 2 * width + 1), key=lambda each: -span % each / each)
    number = max(1, math.ceil(span / width))
    return tuple(low - 0.5 + width * each for each in range(number + 1))


def _even_edges(low: float, high: float, bins: int) -> tuple[float, ...]:
    if high <= low:
        return (low - 0.5, low + 0.5)
    return tuple(low / bins * (bins - each) + high / bins * each for each in range(bins + 1))


class Category(NamedTuple):
    """One value of columns with its share in each of them; None where a column does not tell it among its most frequent."""

    value: str
    shares: tuple[float | None, ...]


def share_categories(columns: Sequence[ColumnProfile], limit: int) -> tuple[list[Category], tuple[float, ...]]:
    """Give the most frequent values of columns, those of the first one first, and the share that is left in each.

    A value that a column counted completely does not have is a share of 0.
    """
    known = [dict(each.top) for each in columns]
    totals = [each.top_rows or sum(dict(each.top).values()) for each in columns]
    names = list(dict.fromkeys(name for counts in known for name in counts))[:limit]
    found = [
        Category(name, tuple(_share(name, *each) for each in zip(columns, known, totals, strict=True)))
        for name in names
    ]
    rest = tuple(
        max(0.0, 1 - sum(each.shares[at] or 0.0 for each in found)) if total else 0.0 for at, total in enumerate(totals)
    )
    return found, tuple(each if each > 1e-9 else 0.0 for each in rest)


def _share(name: str, column: ColumnProfile, counts: dict[str, int], total: int) -> float | None:
    if name in counts:
        return counts[name] / total if total else 0.0
    told = sum(counts.values())
    return 0.0 if total and told >= total else None
