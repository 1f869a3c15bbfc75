"""What is kept of more numbers than fit in memory: sketches that merge, with the errors that they state."""

from __future__ import annotations

from random import Random
from typing import Any

POINTS = 8192
"""The points of one summary of quantiles."""
QUANTILE_ERROR = 0.0005
"""Blocks are merged in pairs, each time to POINTS points: the rank of a value is wrong by a standard deviation of 1 / (1.4 *
POINTS) of the rows at most, however many they are (Agarwal and others, 2012, "Mergeable summaries"); this is about five."""

HASHES = 1 << 14
DISTINCT_ERROR = 0.03
"""Nearly four standard deviations of the estimate from the HASHES least hashes, 1 / sqrt(HASHES - 2) each (Beyer and others,
2007, "On synopses for distinct-value estimation under multiset operations")."""

COUNTERS = 4096
"""So many frequent values are counted; each count is short by at most the rows / COUNTERS (Misra and Gries, 1982)."""


class QuantileSketch:
    """Weighted points that stand for sorted numbers; two summaries of one level become one of the next."""

    def __init__(self) -> None:
        self._levels: list[tuple[Any, Any] | None] = []
        self._random = Random(0)

    def add(self, ordered: Any) -> None:
        """Take sorted finite numbers."""
        import numpy as np

        if len(ordered):
            self._place(*self._reduced(ordered, np.ones(len(ordered))), 0)

    def merge(self, other: QuantileSketch) -> None:
        for level, summary in enumerate(other._levels):
            if summary is not None:
                self._place(*summary, level)

    def _place(self, points: Any, weights: Any, level: int) -> None:
        while level < len(self._levels) and (found := self._levels[level]) is not None:
            self._levels[level] = None
            points, weights = self._reduced(*_joined([found, (points, weights)]))
            level += 1
        self._levels += [None] * (level + 1 - len(self._levels))
        self._levels[level] = (points, weights)

    def _reduced(self, points: Any, weights: Any) -> tuple[Any, Any]:
        """Give at most POINTS points, at even steps of the cumulative weight, the first one drawn."""
        import numpy as np

        if len(points) <= POINTS:
            return points, weights
        ends = np.cumsum(weights)
        step = ends[-1] / POINTS
        at = np.searchsorted(ends, (np.arange(POINTS) + self._random.random()) * step)
        return points[np.minimum(at, len(points) - 1)], np.full(POINTS, step)

    def points(self) -> tuple[Any, Any]:
        """Give all points in order, with their weights."""
        return _joined([each for each in self._levels if each is not None])


def _joined(summaries: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    import numpy as np

    points = np.concatenate([each for each, _ in summaries])
    weights = np.concatenate([each for _, each in summaries])
    order = np.argsort(points, kind="stable")
    return points[order], weights[order]


def ordered_set(values: Any) -> Any:
    """Give the different values in order; the array that was given is sorted."""
    import numpy as np

    values.sort()
    return values[np.concatenate([[True], values[1:] != values[:-1]])]


class DistinctSketch:
    """How many different 64-bit hashes were seen, told from the least of them."""

    def __init__(self) -> None:
        self._least: Any = None

    def add(self, hashes: Any) -> None:
        import numpy as np

        if self._least is None:
            self._least = np.empty(0, np.uint64)
        for start in range(0, len(hashes), 1 << 16):
            block = hashes[start : start + (1 << 16)]
            if len(self._least) == HASHES:
                block = block[block < self._least[-1]]
            if len(block):
                self._least = ordered_set(np.concatenate([self._least, block]))[:HASHES]

    def merge(self, other: DistinctSketch) -> None:
        if other._least is not None:
            self.add(other._least)

    def estimate(self) -> tuple[int, float]:
        """Give the number of different hashes, and the share that it may be wrong by."""
        if self._least is None or len(self._least) < HASHES:
            return 0 if self._least is None else len(self._least), 0.0
        return round((HASHES - 1) / (float(self._least[-1]) / 2.0**64)), DISTINCT_ERROR


class FrequentNumbers:
    """The counts of frequent numbers; `short` is the most that any of them may have missed."""

    values: Any = None
    counts: Any = None
    short = 0

    def add(self, values: Any, counts: Any, short: int = 0) -> None:
        """Take distinct values in order, with their counts."""
        import numpy as np

        self.short += short
        values, counts = self._cut(values, counts)
        if self.values is not None:
            both = np.concatenate([self.values, values])
            order = np.argsort(both, kind="stable")
            both, counts = both[order], np.concatenate([self.counts, counts])[order]
            starts = np.flatnonzero(np.concatenate([[True], both[1:] != both[:-1]])) if len(both) else order
            counts = np.add.reduceat(counts, starts) if len(both) else counts
            values, counts = self._cut(both[starts], counts)
        self.values, self.counts = values, counts

    def _cut(self, values: Any, counts: Any) -> tuple[Any, Any]:
        import numpy as np

        if len(values) <= COUNTERS:
            return values, counts
        place = len(counts) - COUNTERS - 1
        least = 1 if int(counts.max()) == 1 else int(np.partition(counts, place)[place])
        self.short += least
        kept = counts > least
        return values[kept], counts[kept] - least

    def merge(self, other: FrequentNumbers) -> None:
        if other.values is not None:
            self.add(other.values, other.counts, other.short)
