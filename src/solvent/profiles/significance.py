"""Could a difference be chance? Tests on numbers that profiles hold; only small tables need them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

LEAST_EXPECTED = 5.0
"""Cochran's rule: the chi-squared distribution holds where each cell expects as many; smaller ones are taken together."""


def distance_p_value(distance: float, rows: tuple[int, int]) -> float:
    """Give the p-value of a Kolmogorov-Smirnov distance between two samples; ties make it cautious.

    The limit distribution with Stephens's correction for small samples (JRSS B 32, 1970).
    """
    size = math.sqrt(rows[0] * rows[1] / (rows[0] + rows[1]))
    scaled = (size + 0.12 + 0.11 / size) * distance
    if scaled < 0.3:
        return 1.0
    terms = (2 * (-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return min(max(math.fsum(terms), 0.0), 1.0)


def shares_p_value(reference: Sequence[float], current: Sequence[float]) -> float:
    """Give the p-value of Pearson's chi-squared test that two lists of counts come from the same shares.

    Small cells are taken together in the order of their totals and then of the lists, which counts must not decide.
    """
    first, second = _pooled(reference, current)
    totals = sum(first), sum(second)
    if len(first) < 2 or not all(totals):
        return 1.0
    statistic = 0.0
    for one, other in zip(first, second, strict=True):
        for count, total in ((one, totals[0]), (other, totals[1])):
            expected = (one + other) * total / sum(totals)
            statistic += (count - expected) ** 2 / expected
    return chi_squared_tail(statistic, len(first) - 1)


def _pooled(reference: Sequence[float], current: Sequence[float]) -> tuple[list[float], list[float]]:
    """Take cells together, the smallest first, until each expects enough on both sides."""
    least = min(sum(reference), sum(current)) / ((sum(reference) + sum(current)) or 1)
    cells = sorted(zip(reference, current, strict=True), key=sum)
    kept: list[tuple[float, float]] = []
    one = other = 0.0
    for first, second in cells:
        one, other = one + first, other + second
        if (one + other) * least >= LEAST_EXPECTED:
            kept.append((one, other))
            one = other = 0.0
    if kept and one + other:
        kept[-1] = kept[-1][0] + one, kept[-1][1] + other
    return [first for first, _ in kept], [second for _, second in kept]


def share_p_value(counts: tuple[int, int], rows: tuple[int, int]) -> float:
    """Give the p-value of a difference of two shares: chi-squared with Yates's correction for small counts."""
    total, rows_of_both = sum(counts), sum(rows)
    if not 0 < total < rows_of_both or not all(rows):
        return 1.0
    expected = total * rows[1] / rows_of_both
    off = max(abs(counts[1] - expected) - 0.5, 0.0)
    variance = expected * (1 - total / rows_of_both) * rows[0] / rows_of_both
    return chi_squared_tail(off * off / variance, 1)


def unseen_p_value(count: int, rows: tuple[int, int]) -> float:
    """Give the chance that all of `count` like rows fall into the second of two tables, if their place is chance."""
    log = math.fsum(math.log((rows[1] - at) / (rows[0] + rows[1] - at)) for at in range(min(count, rows[1], 1000)))
    return math.exp(log)


def chi_squared_tail(statistic: float, freedom: int) -> float:
    """Give the chance that chi-squared is larger: the upper incomplete gamma function Q(freedom / 2, statistic / 2)."""
    half, at = freedom / 2, statistic / 2
    if at <= 0:
        return 1.0
    scale = math.exp(half * math.log(at) - at - math.lgamma(half))
    if scale == 0.0:
        return 0.0 if at > half else 1.0
    if at < half + 1:
        return min(max(1 - scale * _series(half, at), 0.0), 1.0)
    return min(scale * _fraction(half, at), 1.0)


def _series(half: float, at: float) -> float:
    """Abramowitz and Stegun 6.5.29."""
    term = total = 1 / half
    for step in range(1, 1000):
        term *= at / (half + step)
        total += term
        if term < total * 1e-15:
            break
    return total


def _fraction(half: float, at: float) -> float:
    """Abramowitz and Stegun 6.5.31, by Lentz's method."""
    above = at + 1 - half
    value = ratio = 1 / above
    grown = 1e300
    for step in range(1, 1000):
        factor = -step * (step - half)
        above += 2
        ratio = 1 / (factor * ratio + above)
        grown = above + factor / grown
        change = grown * ratio
        value *= change
        if abs(change - 1) < 1e-15:
            break
    return value


def adjusted(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust the p-values of many columns for their number: the false discovery rate of Benjamini and Hochberg (1995)."""
    ranked = sorted(p_values.items(), key=lambda each: each[1], reverse=True)
    found: dict[str, float] = {}
    least = 1.0
    for rank, (name, p_value) in zip(range(len(ranked), 0, -1), ranked, strict=True):
        least = min(least, p_value * len(ranked) / rank)
        found[name] = least
    return found
