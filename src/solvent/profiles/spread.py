"""The statistics of a column of numbers: exact from the sorted column up to two million rows, from sketches beyond."""

from __future__ import annotations

from typing import Any, NamedTuple

from solvent.profiles.hashing import hash_numbers
from solvent.profiles.moments import Moments
from solvent.profiles.records import BINS, CDF_ERROR, QUANTILES, TOP, VALUES
from solvent.profiles.sketches import QUANTILE_ERROR, DistinctSketch, FrequentNumbers, QuantileSketch

EXACT_ROWS = 1 << 21
_BLOCK = 1 << 16
_GRID = 4096
_CDF_POINTS = 1024


class Numbers:
    """What is known of the numbers that were added so far, as NumPy arrays of one kind; parts merge.

    Up to `exact_rows` of them are kept as they are and sorted at the end, which costs less than anything approximate. More
    are sorted in blocks, and sketches keep what is needed of each.
    """

    def __init__(self, exact_rows: int = EXACT_ROWS) -> None:
        self.nan = self.infinite = self.zeros = self.negatives = 0
        self.least: Any = None
        self.most: Any = None
        self.moments = Moments()
        self._exact_rows = exact_rows
        # A batch would stay in memory as a whole for one column of it.
        self._copied = exact_rows < EXACT_ROWS
        self._raw: list[Any] = []
        self._raw_rows = 0
        self._sketch: QuantileSketch | None = None
        self._frequent = FrequentNumbers()
        self._distinct = DistinctSketch()
        self._ends: list[Any] = []

    def add(self, values: Any) -> None:
        """Take numbers as a NumPy array; it must not change until the result is asked for."""
        if len(values):
            self._raw.append(values.copy() if self._copied else values)
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
        self._ends += other._ends
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
                runs = runs_of(finite)
                self._sketch.add(finite)
                self._frequent.add(runs.values, runs.counts)
                self._distinct.add(hash_numbers(runs.values))
                self._ends += [finite[0], finite[-1]]
        self._raw = [waiting[stop:]] if stop < len(waiting) else []
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
        if ordered.dtype.kind == "f":
            finite += 0.0  # the zero below zero is zero
        if len(ordered):
            self._widen(ordered[0].item(), ordered[-1].item())
        zero = finite.dtype.type(0)
        below, upto = int(np.searchsorted(finite, zero, "left")), int(np.searchsorted(finite, zero, "right"))
        self.zeros += upto - below
        self.negatives += low + below
        self.moments.add(finite)
        return finite

    def _widen(self, least: Any, most: Any) -> None:
        if least is not None:
            self.least = least if self.least is None else min(self.least, least)
            self.most = most if self.most is None else max(self.most, most)

    def result(self) -> Spread:
        """Give how the finite numbers are spread; nothing may be added afterwards."""
        import numpy as np

        if self._sketch is None:
            raw, self._raw = self._raw, []
            finite = self._count(np.sort(raw[0] if len(raw) == 1 else np.concatenate(raw)) if raw else np.empty(0))
            runs = runs_of(finite)
            return Spread(runs, _quantiles(finite), len(runs.values), 0.0, runs, 0.0)
        self._spill(whole_blocks=False)
        if self._frequent.values is None:
            empty = np.empty(0)
            return Spread(runs_of(empty), empty, 0, 0.0, runs_of(empty), 0.0)
        frequent = Runs(self._frequent.values, self._frequent.counts)
        if not self._frequent.short:
            return Spread(frequent, _weighted_quantiles(frequent), len(frequent.values), 0.0, frequent, 0.0)
        points = _weighted_runs(*self._sketch.points())
        quantiles = _weighted_quantiles(points)
        quantiles[0], quantiles[-1] = min(self._ends), max(self._ends)
        return Spread(points, quantiles, *self._distinct.estimate(), frequent, QUANTILE_ERROR)


class Runs(NamedTuple):
    """Distinct numbers in order, with the rows (or the weight) of each."""

    values: Any
    counts: Any


class Spread(NamedTuple):
    """How finite numbers are spread: their `runs` within the share `error` of the rows, quantiles, and frequent numbers."""

    runs: Runs
    quantiles: Any
    distinct: int
    distinct_error: float
    frequent: Runs
    error: float

    def top(self, count: int = TOP) -> list[tuple[Any, int]]:
        """Give the most frequent numbers with their rows, the smaller first among equals; none if each occurs once."""
        values, counts = self.frequent
        few = most_frequent(counts, count)
        return [(values[at].item(), int(counts[at])) for at in few if counts[at] > 1 or len(values) <= VALUES]

    def all_values(self) -> list[tuple[Any, int]]:
        """Give all distinct numbers with their rows, if they are few and exactly known."""
        if self.error or self.distinct > VALUES:
            return []
        return list(zip(self.runs.values.tolist(), self.runs.counts.tolist(), strict=True))


def most_frequent(counts: Any, count: int) -> list[int]:
    """Give the places of the largest counts, largest first; among equals the first."""
    import numpy as np

    if not len(counts):
        return []
    least = int(counts.max())
    places = np.flatnonzero(counts >= least)
    while len(places) < count and least > 1:
        least = least * 3 // 4
        places = np.flatnonzero(counts >= max(least, 1))
    if len(places) > 8 * count + 1000:
        places = np.concatenate(
            [np.flatnonzero(counts > max(least, 1)), np.flatnonzero(counts == max(least, 1))[:count]]
        )
        places.sort()
    chosen: list[int] = places[np.argsort(-counts[places], kind="stable")[:count]].tolist()
    return chosen


def runs_of(ordered: Any) -> Runs:
    import numpy as np

    if not len(ordered):
        return Runs(ordered, np.empty(0, np.int64))
    starts = np.flatnonzero(ordered[1:] != ordered[:-1])
    starts += 1
    starts = np.concatenate([[0], starts])
    return Runs(ordered[starts], np.diff(starts, append=len(ordered)))


def _weighted_runs(points: Any, weights: Any) -> Runs:
    import numpy as np

    starts = np.concatenate([[0], np.flatnonzero(points[1:] != points[:-1]) + 1])
    return Runs(points[starts], np.add.reduceat(weights, starts))


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


def _weighted_quantiles(runs: Runs) -> Any:
    import numpy as np

    ends = np.cumsum(runs.counts)
    at = np.searchsorted(ends, np.linspace(0, 1, QUANTILES) * ends[-1])
    return runs.values[np.minimum(at, len(ends) - 1)].astype(np.float64)


# From how numbers are spread to what a profile keeps of it.


def histogram(spread: Spread, *, whole: bool) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Give edges and counts of at most 32 bins of one width; of whole numbers as many in each bin."""
    import numpy as np

    if not len(spread.quantiles):
        return (), ()
    edges = _edges(spread.quantiles, whole=whole)
    ends = np.concatenate([[0], np.cumsum(spread.runs.counts)])
    at = np.searchsorted(spread.runs.values, edges[1:-1], "left")
    upto = np.concatenate([[0], np.round(ends[at]).astype(np.int64), [round(float(ends[-1]))]])
    return tuple(edges.tolist()), tuple(np.diff(upto).tolist())


def _edges(quantiles: Any, *, whole: bool) -> Any:
    import numpy as np

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
    if high - low <= 64 * np.spacing(max(abs(low), abs(high))):
        half = max(0.5, 64 * float(np.spacing(max(abs(low), abs(high)))))
        low, high = low - half, high + half
    return np.linspace(low, high, BINS + 1)


def cumulative_points(spread: Spread) -> tuple[list[float], list[float], float]:
    """Give values and shares of the points of the cumulative distribution, and how far it may be wrong."""
    import numpy as np

    values, counts = spread.runs
    if not len(values):
        return [], [], 0.0
    upto = np.cumsum(counts)
    total = upto[-1]
    at = np.searchsorted(upto, np.linspace(0, 1, _GRID + 1) * total)
    kept = _ordered_set(np.minimum(np.concatenate([[0], at, [len(upto) - 1]]), len(upto) - 1))
    unseen = 0.0 if len(kept) == len(upto) else 1 / _GRID
    xs = np.repeat(values[kept].astype(np.float64), 2)
    shares = np.empty(len(xs))
    shares[0::2] = (upto[kept] - counts[kept]) / total
    shares[1::2] = upto[kept] / total
    tolerance = CDF_ERROR - unseen
    knots = _bent(xs, shares, tolerance)
    while len(knots) > _CDF_POINTS:
        tolerance *= 2
        knots = _bent(xs, shares, tolerance)
    return xs[knots].tolist(), shares[knots].tolist(), tolerance + unseen + spread.error


def _ordered_set(places: Any) -> Any:
    import numpy as np

    places.sort()
    return places[np.concatenate([[True], places[1:] != places[:-1]])]


def _bent(xs: Any, shares: Any, tolerance: float) -> Any:
    """Choose points so that straight lines between them pass within a tolerance of all.

    Where a line misses by more, the point that it misses most is added (Ramer 1972; Douglas and Peucker 1973), in all lines
    at once.
    """
    import numpy as np

    xs = xs / max(1.0, float(np.abs(xs).max()) / 2.0**500)
    knots = np.array([0, len(xs) - 1])
    places = np.arange(len(xs))
    while True:
        line = np.searchsorted(knots, places, "right") - 1
        line[-1] = max(len(knots) - 2, 0)
        start, end = knots[line], knots[np.minimum(line + 1, len(knots) - 1)]
        wide = xs[end] - xs[start]
        part = np.divide(xs - xs[start], wide, out=np.zeros(len(xs)), where=wide > 0)
        missed = np.abs(shares[start] + part * (shares[end] - shares[start]) - shares)
        missed[wide <= 0] = 0
        worst = np.maximum.reduceat(missed, knots[:-1])
        if not (worst > tolerance).any():
            return knots
        hits = np.flatnonzero((missed >= worst[line]) & (missed > tolerance))
        first = np.concatenate([[True], line[hits][1:] != line[hits][:-1]])
        knots = _ordered_set(np.concatenate([knots, hits[first]]))
