"""Our p-values are those of SciPy, and stay between 0 and 1 whatever they are given."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from solvent.profiles.significance import (
    adjusted,
    chi_squared_tail,
    distance_p_value,
    share_p_value,
    shares_p_value,
    unseen_p_value,
)


@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 49, 200])
def test_the_tail_of_chi_squared_is_exact(freedom: int) -> None:
    for statistic in (0.01, 0.5, 1, 3, 10, 50, 100, 300, 1000):
        assert chi_squared_tail(statistic, freedom) == pytest.approx(
            stats.chi2.sf(statistic, freedom), rel=1e-9, abs=1e-300
        )


@given(st.floats(0, 1e6), st.integers(1, 2000))
def test_the_tail_of_chi_squared_is_a_probability(statistic: float, freedom: int) -> None:
    assert 0 <= chi_squared_tail(statistic, freedom) <= 1


def test_the_p_value_of_a_distance_is_near_the_exact_one() -> None:
    for rows, distance in (((300, 300), 0.1), ((100, 5000), 0.15), ((1000, 1000), 0.08)):
        exact = stats.kstwo.sf(distance, round(rows[0] * rows[1] / sum(rows)))
        assert distance_p_value(distance, rows) == pytest.approx(exact, rel=0.1)
    assert distance_p_value(0.0, (10, 10)) == 1.0
    assert distance_p_value(1.0, (10**6, 10**6)) == 0.0


def test_counts_that_are_large_enough_are_tested_as_by_pearson() -> None:
    counts = [30, 40, 50], [50, 40, 30]
    assert shares_p_value(*counts) == pytest.approx(stats.chi2_contingency(counts).pvalue)


def test_small_counts_are_taken_together() -> None:
    assert shares_p_value([96, 1, 1, 1, 1], [95, 2, 1, 1, 1]) == 1.0
    pooled = stats.chi2_contingency([[80, 20], [60, 40]], correction=False).pvalue
    assert shares_p_value([80, *[1] * 20], [60, *[2] * 20]) < pooled * 1000


def test_two_shares_are_tested_as_by_yates() -> None:
    exact = stats.chi2_contingency([[3, 97], [15, 105]]).pvalue
    assert share_p_value((3, 15), (100, 120)) == pytest.approx(exact)
    assert share_p_value((0, 0), (100, 100)) == share_p_value((100, 120), (100, 120)) == 1.0


def test_the_chance_of_an_unseen_value_is_hypergeometric() -> None:
    assert unseen_p_value(4, (100, 100)) == pytest.approx(math.comb(100, 4) / math.comb(200, 4))
    assert unseen_p_value(0, (100, 100)) == 1.0


def test_p_values_are_adjusted_as_by_benjamini_and_hochberg() -> None:
    given_ones = [0.001, 0.04, 0.03, 0.5, 0.9, 0.02]
    found = adjusted({str(at): each for at, each in enumerate(given_ones)})
    assert [found[str(at)] for at in range(6)] == pytest.approx(stats.false_discovery_control(np.array(given_ones)))
    assert adjusted({}) == {}
