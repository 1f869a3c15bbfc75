"""The cumulative distribution that a profile holds: read, and compared with another, without the data."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from solvent.profiles.records import ColumnProfile


class Cumulative(NamedTuple):
    """A cumulative distribution: at each of the rising `values` the share of rows `below` it and `upto` it.

    Between two values the share rises evenly from `upto` the first to `below` the second.
    """

    values: tuple[float, ...]
    below: tuple[float, ...]
    upto: tuple[float, ...]

    def share_below(self, value: float) -> float:
        """Give the share of rows with less than a value."""
        at = bisect_left(self.values, value)
        if at < len(self.values) and self.values[at] == value:
            return self.below[at]
        return self._between(at, value)

    def share_upto(self, value: float) -> float:
        """Give the share of rows with a value or less."""
        at = bisect_right(self.values, value)
        if at and self.values[at - 1] == value:
            return self.upto[at - 1]
        return self._between(at, value)

    def quantile(self, share: float) -> float:
        """Give the least value that so large a share of rows does not exceed."""
        at = min(bisect_left(self.upto, share), len(self.values) - 1)
        if at == 0 or share >= self.below[at] or self.below[at] == self.upto[at - 1]:
            return self.values[at]
        part = (share - self.upto[at - 1]) / (self.below[at] - self.upto[at - 1])
        return self.values[at - 1] + part * (self.values[at] - self.values[at - 1])

    def shares(self, edges: Sequence[float]) -> list[float]:
        """Give the share of rows in each bin between rising edges; a bin has its lower edge, the last one both."""
        ends = [self.share_below(edge) for edge in edges[:-1]] + [self.share_upto(edges[-1])]
        return [high - low for low, high in pairwise(ends)]

    def _between(self, at: int, value: float) -> float:
        if at == 0:
            return 0.0
        if at == len(self.values):
            return 1.0
        low, high = self.values[at - 1], self.values[at]
        part = value / 2 - low / 2
        return self.upto[at - 1] + (self.below[at] - self.upto[at - 1]) * (part / (high / 2 - low / 2))


def cumulative(column: ColumnProfile) -> Cumulative | None:
    """Give the distribution of the finite values of a column of numbers or times; None if it has none."""
    if column.values:
        counts: dict[float, int] = {}
        for value, number in column.values:
            # Values that differ by less than the digits of a record are one value when they are read back.
            counts[float(value)] = counts.get(float(value), 0) + number
        ends = list(accumulate(counts.values(), initial=0))
        return Cumulative(tuple(counts), tuple(e / ends[-1] for e in ends[:-1]), tuple(e / ends[-1] for e in ends[1:]))
    points = column.cdf or tuple((q, at / (len(column.quantiles) - 1)) for at, q in enumerate(column.quantiles))
    if not points:
        return None
    below: dict[float, float] = {}
    upto: dict[float, float] = {}
    for value, share in points:
        below.setdefault(value, share)
        upto[value] = share
    return Cumulative(tuple(upto), tuple(below.values()), tuple(upto.values()))


def largest_gap(one: Cumulative, other: Cumulative) -> tuple[float, float]:
    """Give the Kolmogorov-Smirnov distance of two distributions, and the value where they are so far apart."""
    best, where = 0.0, one.values[0]
    for value in sorted({*one.values, *other.values}):
        for share in (Cumulative.share_below, Cumulative.share_upto):
            gap = abs(share(one, value) - share(other, value))
            if gap > best:
                best, where = gap, value
    return best, where
