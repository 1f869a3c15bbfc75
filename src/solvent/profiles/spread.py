"""The statistics of a column of numbers: exact from the sorted column up to two million rows, from sketches beyond."""

from __future__ import annotations

from typing import Any, NamedTuple

from solvent.profiles.hashing import hash_numbers
from solvent.profiles.moments import Moments
from solvent.profiles.records import BINS, CDF_ERROR, DOMAIN, QUANTILES, TOP, VALUES
from solvent.profiles.sketches import QUANTILE_ERROR, DistinctSketch, FrequentNumbers, QuantileSketch, ordered_set

EXACT_ROWS = 1 << 21
GRID = 4096
"""So many ranks of a sorted column are looked at: between two of them lies 1 / GRID of the rows, or one value."""
_BLOCK = 1 << 16
_CDF_POINTS = 1024
_FIRST_KNOTS = 17


class Numbers:
    """What is known of the numbers that were added so far, as NumPy arrays of one kind; parts merge.

    Up to two million of them, or `held_bytes`, are kept as they are and sorted at the end, which costs less than anything
    approximate. More are sorted in blocks, and sketches keep what is needed of each.
    """

    def __init__(self, held_bytes: int | None = None) -> None:
        self.nan = self.infinite = self.zeros = self.negatives = 0
        self.least: Any = None
        self.most: Any = None
        self.moments = Moments()
        self._exact_rows = EXACT_ROWS if held_bytes is None else min(held_bytes // 8, EXACT_ROWS)
        # A batch would stay in memory as a whole for one column of it.
        self._copied = held_bytes is not None
        self._raw: list[Any] = []
        self._raw_rows = 0
        self._fresh = False
        self._sketch: QuantileSketch | None = None
        self._frequent = FrequentNumbers()
        self._distinct = DistinctSketch()
        self._ends: list[Any] = []

    def add(self, values: Any, *, fresh: bool = False) -> None:
        """Take numbers as a NumPy array, which must not change before the result; a `fresh` one is given away."""
        if len(values):
            self._fresh = fresh
            self._raw.append(values.copy() if self._copied and not fresh else values)
            self._raw_rows += len(values)
        if self._raw_rows > (self._exact_rows if self._sketch is None else _BLOCK):
            self._spill(whole_blocks=True)

    def merge(self, other: Numbers) -> None:
        """Take in what another has seen."""
        for values in other._raw:
            self.add(values)
        if other._sketch is None:
            return
        self._spill(whole_blocks=True)
        assert self._sketch is not None
        self._sketch.merge(other._sketch)
        self._frequent.merge(other._frequent)
        self._distinct.merge(other._distinct)
        self._ends = _both_ends([*self._ends, *other._ends])
        self.nan += other.nan
        self.infinite += other.infinite
        self.zeros += other.zeros
        self.negatives += other.negatives
        self._widen(other.least, other.most)
        self.moments.merge(other.moments)

    def _spill(self, *, whole_blocks: bool) -> None:
        """Sort what is waiting in blocks and keep sketches of it."""
        import numpy as np

        if self._sketch is None:
            self._sketch = QuantileSketch()
        waiting = np.concatenate(self._raw) if len(self._raw) > 1 else self._raw[0] if self._raw else np.empty(0)
        stop = len(waiting) // _BLOCK * _BLOCK if whole_blocks else len(waiting)
        for start in range(0, stop, _BLOCK):
            finite = self._count(np.sort(waiting[start : min(start + _BLOCK, stop)]))
            if len(finite):
                starts = starts_of(finite)
                values = finite[starts]
                self._sketch.add(finite)
                self._frequent.add(values, np.diff(starts, append=len(finite)))
                self._distinct.add(hash_numbers(values))
                self._ends = _both_ends([*self._ends, finite[0], finite[-1]])
        self._raw = [waiting[stop:].copy()] if stop < len(waiting) else []
        self._raw_rows = len(waiting) - stop

    def _count(self, ordered: Any) -> Any:
        """Count what a sorted array tells exactly, and give its finite part."""
        import numpy as np

        low, high = 0, len(ordered)
        if ordered.dtype.kind == "f":
            numbers = int(np.searchsorted(ordered, np.nan))
            self.nan += high - numbers
            low = int(np.searchsorted(ordered[:numbers], -np.inf, "right"))
            high = int(np.searchsorted(ordered[:numbers], np.inf, "left"))
            self.infinite += low + numbers - high
            ordered = ordered[:numbers]
        finite = ordered[low:high]
        if len(ordered):
            self._widen(ordered[0].item(), ordered[-1].item())
        zero = finite.dtype.type(0)
        below, upto = int(np.searchsorted(finite, zero, "left")), int(np.searchsorted(finite, zero, "right"))
        finite[below:upto] = 0  # the zero below zero is the same number
        self.zeros += upto - below
        self.negatives += low + below
        self.moments.add(finite)
        return finite

    def _widen(self, least: Any, most: Any) -> None:
        if least is not None:
            self.least = least if self.least is None else min(self.least, least)
            self.most = most if self.most is None else max(self.most, most)

    def result(self, *, whole: bool, unit: float = 1.0) -> Spread:
        """Give how the finite numbers are spread; whole ones have whole bins, and one value alone fills one `unit`.

        Nothing may be added afterwards.
        """
        import numpy as np

        if self._sketch is None:
            raw, self._raw = self._raw, []
            whole_column = np.concatenate(raw) if len(raw) > 1 else raw[0] if raw else np.empty(0)
            finite = self._count(_ordered(whole_column, fresh=self._fresh or len(raw) > 1))
            quantiles = _quantiles(finite)
            edges = _edges(quantiles, unit, whole=whole)
            return Spread(marks_of(finite), quantiles, edges, _counts_between(finite, edges), 0.0, None)
        self._spill(whole_blocks=False)
        frequent = self._frequent
        if frequent.values is None or not frequent.short:
            nothing = np.empty(0)
            marks = _weighted_marks(nothing if frequent.values is None else frequent.values, frequent.counts)
        else:
            marks = _weighted_marks(*self._sketch.points())
        quantiles = _weighted_quantiles(marks)
        if len(quantiles):
            quantiles[0], quantiles[-1] = self._ends
        edges = _edges(quantiles, unit, whole=whole)
        spread = Spread(marks, quantiles, edges, _weights_between(marks, edges), 0.0, None)
        if not frequent.short:
            return spread
        assert frequent.values is not None
        distinct, distinct_error = self._distinct.estimate()
        return spread._replace(
            marks=marks._replace(distinct=distinct),
            error=QUANTILE_ERROR,
            frequent=list(zip(frequent.values, frequent.counts.tolist(), strict=True)),
            distinct_error=distinct_error,
        )


def _ordered(values: Any, *, fresh: bool) -> Any:
    """Sort numbers, `fresh` ones in place; many integers of a small range by counting them."""
    import numpy as np

    if values.dtype.kind == "i" and len(values) > _BLOCK:
        least, most = int(values.min()), int(values.max())
        if most - least < len(values) // 8:
            counts = np.bincount(values.astype(np.int64, copy=False) - least)
            return np.repeat(np.arange(least, most + 1), counts)
    if not fresh:
        return np.sort(values)
    values.sort()
    return values


def _both_ends(values: list[Any]) -> list[Any]:
    return [min(values), max(values)] if values else []


class Marks(NamedTuple):
    """Different numbers in order, with how many rows have less and how many have no more; of many those near 4,096 ranks."""

    values: Any
    below: Any
    upto: Any
    rows: int
    distinct: int

    @property
    def complete(self) -> bool:
        return len(self.values) == self.distinct

    def top(self, count: int) -> list[tuple[Any, int]]:
        """Give the most frequent numbers with their rows, the smaller first among equals.

        Of many, those that have at least one row in 4,096, and two.
        """
        import numpy as np

        counts = self.upto - self.below
        order = np.argsort(-counts, kind="stable")[:count]
        least = 1 if self.distinct <= count else 2 if self.complete else max(2, self.rows / GRID)
        return [(self.values[at].item(), round(counts[at])) for at in order.tolist() if counts[at] >= least]


class Spread(NamedTuple):
    """How finite numbers are spread: marks, quantiles and a histogram, within the share `error` of the rows."""

    marks: Marks
    quantiles: Any
    edges: Any
    counts: list[int]
    error: float
    frequent: list[tuple[Any, int]] | None
    distinct_error: float = 0.0

    def top(self) -> list[tuple[Any, int]]:
        """Give the most frequent numbers with their rows: all, if they are few."""
        count = DOMAIN if self.marks.distinct <= DOMAIN else TOP
        if self.frequent is None:
            return self.marks.top(count)
        ranked = sorted(self.frequent, key=lambda each: -each[1])[:count]
        return [(value.item(), number) for value, number in ranked if number >= self.marks.rows / GRID]

    def all_values(self) -> list[tuple[Any, int]]:
        """Give all distinct numbers with their rows, if they are few and exactly known."""
        if self.error or self.marks.distinct > VALUES:
            return []
        counts = (self.marks.upto - self.marks.below).tolist()
        return list(zip(self.marks.values.tolist(), map(round, counts), strict=True))


def starts_of(ordered: Any) -> Any:
    """Give where each run of equal values begins."""
    import numpy as np

    starts = np.flatnonzero(ordered[1:] != ordered[:-1])
    starts += 1
    return np.concatenate([[0], starts]) if len(ordered) else starts


def marks_of(ordered: Any) -> Marks:
    """Give the marks of sorted numbers."""
    import numpy as np

    rows = len(ordered)
    changes = ordered[1:] != ordered[:-1]
    distinct = int(np.count_nonzero(changes)) + (rows > 0)
    if distinct <= 2 * GRID:
        starts = np.concatenate([np.zeros(min(rows, 1), np.int64), np.flatnonzero(changes) + 1])
        return Marks(ordered[starts], starts, np.append(starts[1:], [rows] * min(rows, 1)), rows, distinct)
    values = ordered_set(ordered[np.linspace(0, rows - 1, GRID + 1).astype(np.int64)])
    below, upto = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return Marks(values, below, upto, rows, distinct)


def _weighted_marks(points: Any, weights: Any) -> Marks:
    """Give the marks of sorted points, each of which stands for some rows."""
    import numpy as np

    if not len(points):
        return marks_of(points)
    starts = starts_of(points)
    values, upto = points[starts], np.cumsum(np.add.reduceat(weights, starts))
    below = np.concatenate([[0], upto[:-1]])
    if len(values) > 2 * GRID:
        at = np.searchsorted(upto, np.linspace(0, 1, GRID + 1) * upto[-1])
        kept = ordered_set(np.minimum(np.concatenate([[0], at]), len(upto) - 1))
        return Marks(values[kept], below[kept], upto[kept], round(float(upto[-1])), len(values))
    return Marks(values, below, upto, round(float(upto[-1])), len(values))


def _quantiles(ordered: Any) -> Any:
    """Give 201 quantiles, each linear between the two nearest of the sorted numbers."""
    import numpy as np

    if not len(ordered):
        return np.empty(0)
    ranks = np.linspace(0, len(ordered) - 1, QUANTILES)
    low = np.floor(ranks).astype(np.int64)
    below, above = (ordered[at].astype(np.float64) for at in (low, np.minimum(low + 1, len(ordered) - 1)))
    part = ranks - low
    return below * (1 - part) + above * part


def _weighted_quantiles(marks: Marks) -> Any:
    import numpy as np

    if not len(marks.values):
        return np.empty(0)
    at = np.searchsorted(marks.upto, np.linspace(0, 1, QUANTILES) * marks.upto[-1])
    return marks.values[np.minimum(at, len(marks.values) - 1)].astype(np.float64)


def _edges(quantiles: Any, unit: float, *, whole: bool) -> Any:
    """Choose the edges of at most 32 bins of one width; whole numbers have as many in each bin."""
    import numpy as np

    if not len(quantiles):
        return np.empty(0)
    low, high = float(quantiles[0]), float(quantiles[-1])
    if high / 2 - low / 2 > 2.0**1000:
        return np.linspace(low / 4, high / 4, BINS + 1) * 4
    middle = float(quantiles[190]) - float(quantiles[10])
    if middle > 0:
        low, high = max(low, float(quantiles[10]) - middle), min(high, float(quantiles[190]) + middle)
    if whole and high - low < 2.0**50:
        low, high = np.floor(low), np.ceil(high)
        width = np.ceil((high - low + 1) / BINS)
        return low - 0.5 + width * np.arange(np.ceil((high - low + 1) / width) + 1)
    size = max(abs(low), abs(high))
    resolved = 64 * (size - float(np.nextafter(size, 0)))
    if high - low <= resolved:
        half = max(unit / 2, resolved)
        largest = float(np.finfo(np.float64).max)
        low, high = max(low - half, -largest), min(high + half, largest)
    return np.linspace(low, high, BINS + 1)


def _counts_between(ordered: Any, edges: Any) -> list[int]:
    """Count sorted numbers between edges; the first and last bin have what is farther out, too."""
    import numpy as np

    inner = edges[1:-1]
    if ordered.dtype.kind in "iu" and len(inner) and max(abs(inner[0]), abs(inner[-1])) < 2.0**62:
        inner = np.ceil(inner).astype(np.int64)  # as a float, each number would be converted
    upto = np.searchsorted(ordered, inner)
    return np.diff(np.concatenate([[0], upto, [len(ordered)]])).tolist() if len(edges) else []  # type: ignore[no-any-return]


def _weights_between(marks: Marks, edges: Any) -> list[int]:
    import numpy as np

    if not len(edges):
        return []
    ends = np.concatenate([marks.below, [marks.rows]])
    upto = np.round(ends[np.searchsorted(marks.values, edges[1:-1])]).astype(np.int64)
    return np.diff(np.concatenate([[0], upto, [marks.rows]])).tolist()  # type: ignore[no-any-return]


def cumulative_points(marks: Marks) -> tuple[list[float], list[float], float]:
    """Give values and shares of the points of the cumulative distribution, and how far it may be from that of the marks."""
    import numpy as np

    if not len(marks.values):
        return [], [], 0.0
    unseen = 0.0 if marks.complete else 1 / GRID
    xs = np.repeat(marks.values.astype(np.float64), 2)
    shares = np.empty(len(xs))
    shares[0::2] = marks.below / marks.rows
    shares[1::2] = marks.upto / marks.rows
    tolerance = CDF_ERROR - unseen
    knots = _bent(xs, shares, tolerance)
    while len(knots) > _CDF_POINTS:
        tolerance *= 2
        knots = _bent(xs, shares, tolerance)
    return xs[knots].tolist(), shares[knots].tolist(), tolerance + unseen


def _bent(xs: Any, shares: Any, tolerance: float) -> Any:
    """Choose points so that straight lines between them pass within a tolerance of all.

    Where a line misses by more, the point that it misses most is added (Ramer 1972; Douglas and Peucker 1973), in all lines
    at once.
    """
    import numpy as np

    xs = xs / max(1.0, float(np.abs(xs).max()) / 2.0**500)
    knots = ordered_set(np.linspace(0, len(xs) - 1, _FIRST_KNOTS).astype(np.int64))
    while True:
        start, end = knots[:-1], knots[1:]
        long = np.diff(knots)
        wide = xs[end] - xs[start]
        slope = np.divide(shares[end] - shares[start], wide, out=np.zeros(len(wide)), where=wide > 0)
        line = xs[:-1] - np.repeat(xs[start], long)
        line *= np.repeat(slope, long)
        line += np.repeat(shares[start], long)
        line -= shares[:-1]
        missed = np.abs(line, out=line)
        missed[np.repeat(wide <= 0, long)] = 0
        worst = np.maximum.reduceat(missed, start)
        bad = np.flatnonzero(worst > tolerance)
        if not len(bad):
            return knots
        hits = np.flatnonzero(missed >= np.repeat(np.where(worst > tolerance, worst, 2.0), long))
        lines = np.searchsorted(start, hits, "right")
        knots = ordered_set(np.concatenate([knots, hits[np.concatenate([[True], lines[1:] != lines[:-1]])]]))
