"""Measures of how far two distributions are apart, on shares and on cumulative distributions."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from solvent.profiles.cumulative import Cumulative

LEAST_SHARE = 0.002
"""What an empty bin counts as in the stability index: a floor, so that one bin without rows is not infinitely far."""


def stability_index(reference: Sequence[float], current: Sequence[float]) -> float:
    """Give the population stability index of two lists of shares: the sum of (c - r) ln(c / r).

    Lewis, An Introduction to Credit Scoring (1994); Siddiqi, Credit Risk Scorecards (2006). Each share is at least 0.002.
    """
    floored = [(max(r, LEAST_SHARE), max(c, LEAST_SHARE)) for r, c in zip(reference, current, strict=True)]
    return math.fsum((c - r) * math.log(c / r) for r, c in floored)


def jensen_shannon(reference: Sequence[float], current: Sequence[float]) -> float:
    """Give the Jensen-Shannon distance of two lists of shares: 0 for equal ones, 1 for those that share nothing.

    It is the square root of the divergence in bits. Lin, Divergence measures based on the Shannon entropy (1991).
    """
    both = list(zip(reference, current, strict=True))
    divergence = math.fsum(_bits(r, (r + c) / 2) + _bits(c, (r + c) / 2) for r, c in both) / 2
    return math.sqrt(min(max(divergence, 0.0), 1.0))


def _bits(share: float, middle: float) -> float:
    return share * math.log2(share / middle) if share else 0.0


def largest_change(reference: Sequence[float], current: Sequence[float]) -> float:
    """Give the L-infinity distance of two lists of shares: the largest change of one of them."""
    return max((abs(c - r) for r, c in zip(reference, current, strict=True)), default=0.0)


def deciles(reference: Cumulative, quantiles: Sequence[float] = ()) -> list[float]:
    """Give the values that divide the reference into tenths; fewer where one value holds more than a tenth.

    They are those of its 201 `quantiles`, so that one between two values is their mean, as in every library; else those that
    the distribution tells.
    """
    if len(quantiles) > 1 and (len(quantiles) - 1) % 10 == 0:
        step = (len(quantiles) - 1) // 10
        return sorted({_snapped(quantiles[tenth * step], reference) for tenth in range(1, 10)})
    return sorted({reference.quantile(tenth / 10) for tenth in range(1, 10)})


def _snapped(value: float, distribution: Cumulative) -> float:
    """Give a value of the distribution in place of one that rounding has moved off it: it may hold many rows."""
    at = bisect_left(distribution.values, value)
    near = distribution.values[max(at - 1, 0) : at + 1]
    return next((each for each in near if math.isclose(each, value, rel_tol=1e-12)), value)


def binned(distribution: Cumulative, ends: Sequence[float]) -> list[float]:
    """Give the shares of rows up to the first end, from each end up to the next, and above the last."""
    upto = [0.0, *(distribution.share_upto(end) for end in ends), 1.0]
    return [high - low for low, high in pairwise(upto)]


Curve = list[tuple[float, float]]
"""Values in ascending order, each with by how much the current cumulative share is above the reference's."""


def gaps(reference: Cumulative, current: Cumulative) -> Curve:
    """Give the difference of two cumulative distributions: at each value twice, below it and up to it."""
    points = sorted({*reference.values, *current.values})
    first, second = _ends(reference, points), _ends(current, points)
    return [(points[at // 2], c - r) for at, (r, c) in enumerate(zip(first, second, strict=True))]


def _ends(distribution: Cumulative, points: Sequence[float]) -> list[float]:
    """Give the shares below and up to each point, in one list; the points rise and hold all values of the distribution."""
    values, below, upto = distribution
    found: list[float] = []
    at, last = 0, len(values) - 1
    for point in points:
        if at <= last and values[at] == point:
            found += (below[at], upto[at])
            at += 1
        elif 0 < at <= last:
            # Halves, since the width of doubles may be more than the largest of them.
            part = (point / 2 - values[at - 1] / 2) / (values[at] / 2 - values[at - 1] / 2)
            found += (upto[at - 1] + (below[at] - upto[at - 1]) * part,) * 2
        else:
            found += (0.0, 0.0) if at == 0 else (1.0, 1.0)
    return found


def farthest(curve: Curve) -> float:
    """Give the Kolmogorov-Smirnov distance: the largest difference of two cumulative shares."""
    return max(abs(gap) for _, gap in curve)


def wasserstein(curve: Curve, reference: Cumulative) -> float | None:
    """Give how far the values moved on average, in interquartile ranges of the reference; None where that is 0."""
    spread = reference.quantile(0.75) - reference.quantile(0.25)
    total = math.fsum(_area(left, right) for left, right in pairwise(curve))
    return total / spread if spread > 0 and math.isfinite(total / spread) else None


def _area(left: tuple[float, float], right: tuple[float, float]) -> float:
    """Give the area between the curve of gaps and zero, where the curve is straight between two points."""
    width, low, high = right[0] - left[0], left[1], right[1]
    if low * high >= 0:
        return width * abs(low + high) / 2
    return width * (low * low + high * high) / (2 * (abs(low) + abs(high)))
