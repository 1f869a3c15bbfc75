"""95 % intervals by resampling rows: what a metric would have been on other rows of the same kind.

Each resample draws as many rows as there are, with replacement; a row then has a weight, the number of times it was drawn.
The interval holds the middle 95 % of the metric over the resamples (Efron's percentile interval). Under 1,000 rows the
weights are drawn exactly; from there on each is drawn by itself from the Poisson distribution of mean 1, to which the exact
ones tend, at 16 bits. From more rows than `most_rows`, that many are drawn once, without replacement, and resampled; the
distances of the interval's ends from the metric are then multiplied by the square root of most_rows / rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from solvent.profiles.records import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_ROWS = 100_000
EXACT_ROWS = 1_000
_BLOCK = 1_000_000
_TAIL = 0.025
_LEAST_DEFINED = 0.8


class Sample(Protocol):
    """Rows on which metrics are computed; each array has one value for each row of the `weights` given."""

    rows: int

    def values(self) -> dict[str, float]:
        """Give each metric that is defined on all rows, exactly."""
        ...

    def weighted(self, weights: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Give metrics of many resamples (resamples x rows), NaN where one is not defined."""
        ...

    def taken(self, rows: NDArray[Any]) -> Sample:
        """Give the sample of some of the rows."""
        ...

    def edge(self, name: str) -> int | None:
        """Give the number of rows of which a metric is the share that is right, or None if it is no such share."""
        ...


def intervals(sample: Any, *, resamples: int, seed: int, most_rows: int = MOST_ROWS) -> dict[str, Interval]:
    """Give each metric with its 95 % interval.

    There is none (None) where the resamples all agree, which says nothing of what they can't see; then accuracy, precision
    and recall have Wilson's interval (1927) instead, which is sound for shares of 0 and 1.
    """
    import numpy as np

    # Numbers too large to be squared give no metric, rather than a warning.
    with np.errstate(all="ignore"):
        values = sample.values()
        if not resamples:
            return {name: Interval(value) for name, value in values.items()}
        drawn, shrink = _drawn(sample, seed, most_rows)
        found = resampled(drawn, resamples, seed)
        return {name: _interval(sample, name, value, found[name], shrink) for name, value in values.items()}


def differences(first: Any, second: Any, *, resamples: int, seed: int, most_rows: int) -> dict[str, Interval]:
    """Give second minus first for each metric, with the interval of the *paired* bootstrap: both see the same resamples."""
    import numpy as np

    with np.errstate(all="ignore"):
        before, after = first.values(), second.values()
        (first, shrink), (second, _) = _drawn(first, seed, most_rows), _drawn(second, seed, most_rows)
        one, two = resampled(first, resamples, seed), resampled(second, resamples, seed)
        found = {}
        for name in before:
            if name in after:
                change = after[name] - before[name]
                low, high = _percentiles(two[name] - one[name])
                found[name] = Interval(change, *_scaled(change, low, high, shrink))
        return found


def resampled(sample: Any, resamples: int, seed: int) -> dict[str, NDArray[Any]]:
    """Give the metrics of each resample; the same seed draws the same rows of any sample with as many."""
    import numpy as np

    parts = [sample.weighted(block) for block in _weights(sample.rows, resamples, seed)]
    exact = sample.values()
    near = sample.weighted(np.ones((1, sample.rows), np.float32))
    found = {}
    for name in parts[0]:
        # What is computed fast on groups of rows is moved to where the exact metric is.
        moved = exact[name] - near[name][0] if name in exact else 0.0
        found[name] = np.concatenate([part[name] for part in parts]) + moved
    return found


def _drawn(sample: Any, seed: int, most_rows: int) -> tuple[Any, float]:
    import numpy as np

    if sample.rows <= most_rows:
        return sample, 1.0
    rows = np.random.default_rng((seed, 1)).choice(sample.rows, most_rows, replace=False)
    return sample.taken(np.sort(rows)), math.sqrt(most_rows / sample.rows)


def _weights(rows: int, resamples: int, seed: int) -> Iterator[NDArray[Any]]:
    """Give blocks of weights (resamples x rows) that fit into the cache of a processor."""
    import numpy as np

    rng = np.random.default_rng(seed)
    size = max(1, _BLOCK // rows)
    table = _poisson() if rows >= EXACT_ROWS else None
    for at in range(0, resamples, size):
        count = min(size, resamples - at)
        if table is not None:
            yield table.take(rng.integers(0, 1 << 16, (count, rows), np.uint16))
            continue
        drawn = rng.integers(0, rows, (count, rows)) + rows * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype(np.float32)


def _poisson() -> NDArray[Any]:
    """Give a table that maps 16 random bits to a draw from the Poisson distribution of mean 1."""
    import numpy as np

    shares = np.cumsum([math.exp(-1) / math.factorial(count) for count in range(12)])
    return np.searchsorted(shares, (np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.float32)


def _interval(sample: Any, name: str, value: float, found: NDArray[Any], shrink: float) -> Interval:
    low, high = _percentiles(found)
    if low is None or high is None or high - low <= 1e-12 * max(1.0, abs(value)):
        size = sample.edge(name)
        return Interval(value, *_wilson(value, size)) if size else Interval(value)
    if name == "calibration_error":
        # Drawing again adds noise that only raises it: the basic interval (Davison and Hinkley 1997) mirrors that.
        low, high = max(0.0, 2 * value - high), max(value, 2 * value - low)
    return Interval(value, *_scaled(value, low, high, shrink))


def _percentiles(found: NDArray[Any]) -> tuple[float | None, float | None]:
    """Give the ends of the middle 95 %, or None where too few resamples have the metric."""
    import numpy as np

    defined = found[np.isfinite(found)]
    if len(defined) < _LEAST_DEFINED * len(found) or not len(defined):
        return None, None
    low, high = np.quantile(defined, (_TAIL, 1 - _TAIL))
    return float(low), float(high)


def _scaled(value: float, low: float | None, high: float | None, shrink: float) -> tuple[float | None, float | None]:
    if low is None or high is None or shrink == 1.0:
        return low, high
    return value + (low - value) * shrink, value + (high - value) * shrink


def _wilson(share: float, rows: int) -> tuple[float, float]:
    square = 1.959964**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    half = math.sqrt(square * share * (1 - share) / rows + square**2 / (4 * rows**2)) / (1 + square / rows)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference_of(first: Interval, second: Interval) -> Interval:
    """Give second minus first with its interval, as if the two were independent (MOVER, Zou and Donner 2008).

    On the same rows both err together, so it is wider than it need be there.
    """
    change = second.value - first.value
    if None in (first.low, first.high, second.low, second.high):
        return Interval(change)
    below = math.hypot(second.value - _number(second.low), _number(first.high) - first.value)
    above = math.hypot(_number(second.high) - second.value, first.value - _number(first.low))
    return Interval(change, change - below, change + above)


def _number(end: float | None) -> float:
    assert end is not None
    return end
