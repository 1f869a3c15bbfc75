"""The statistics of numbers the plain and slow way, to compare profiles with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from solvent.profiles.cumulative import cumulative
from solvent.profiles.records import ColumnProfile


def finite(values: Sequence[Any]) -> list[Any]:
    return [each for each in values if each is not None and math.isfinite(each)]


def check_numbers(found: ColumnProfile, values: Sequence[Any]) -> None:
    """Check every field of a profile that was made of these numbers, None for null."""
    present = [each for each in values if each is not None]
    numbers = [each for each in present if not math.isnan(each)]
    known = sorted(finite(values))
    assert (found.rows, found.nulls) == (len(values), len(values) - len(present))
    assert (found.nan, found.infinite) == (len(present) - len(numbers), len(numbers) - len(known))
    assert found.zeros == sum(each == 0 for each in known)
    assert found.negatives == sum(each < 0 for each in numbers)
    assert found.minimum == (min(numbers) if numbers else None)
    assert found.maximum == (max(numbers) if numbers else None)
    if not known:
        assert (found.mean, found.std, found.quantiles, found.counts, found.values) == (None, None, (), (), ())
        return
    check_moments(found, known)
    counted = Counter(map(float, known))
    assert (found.distinct, found.distinct_exact) == (len(set(known)), True)
    assert sum(found.counts) == len(known)
    assert list(found.edges) == sorted(found.edges)
    assert len(found.edges) == len(found.counts) + 1 <= 33
    check_quantiles(found, known)
    check_shares(found, known, counted)
    if len(set(known)) <= 256:
        assert list(found.values) == sorted(Counter(known).items())


def check_moments(found: ColumnProfile, known: Sequence[Any]) -> None:
    exact = [Fraction(each) for each in known]
    mean = sum(exact) / len(exact)
    widest = max(abs(each - mean) for each in exact) or Fraction(1)
    spread = math.sqrt(float(sum(((each - mean) / widest) ** 2 for each in exact) / len(exact))) * float(widest)
    assert found.mean is not None
    assert found.std is not None
    assert abs(Fraction(found.mean) - mean) <= Fraction(1e-9) * (
        Fraction(spread) + abs(mean) * Fraction(1e-6)
    ) + Fraction(1e-300)
    assert math.isclose(found.std, spread, rel_tol=1e-9, abs_tol=1e-150)


def check_quantiles(found: ColumnProfile, known: Sequence[Any]) -> None:
    assert len(found.quantiles) == 201
    for at in (0, 1, 50, 77, 100, 199, 200):
        rank = at / 200 * (len(known) - 1)
        below, above = known[math.floor(rank)], known[min(math.floor(rank) + 1, len(known) - 1)]
        part = rank - math.floor(rank)
        wanted = float(below) * (1 - part) + float(above) * part
        assert math.isclose(
            found.quantiles[at],
            wanted,
            rel_tol=1e-12,
            abs_tol=1e-300 + 1e-12 * abs(float(above) / 2 - float(below) / 2),
        )


def check_shares(found: ColumnProfile, known: Sequence[Any], counted: Counter[float]) -> None:
    """Check that the cumulative distribution is as near as it says, at every value and just below it."""
    shares = cumulative(found)
    assert shares is not None
    assert found.cdf_error is not None
    below = 0
    for value in sorted(counted):
        assert abs(shares.share_below(value) - below / len(known)) <= found.cdf_error + 1e-6
        below += counted[value]
        assert abs(shares.share_upto(value) - below / len(known)) <= found.cdf_error + 1e-6
