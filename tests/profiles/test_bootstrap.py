"""Intervals hold what they should: drawn the same each time, 95 times of 100 around the truth."""

from typing import Any

import numpy as np
import pytest

from solvent.profiles.bootstrap import difference_of, differences, intervals, resampled
from solvent.profiles.metrics import Classification, Regression
from solvent.profiles.records import Interval


def binary(rows: int, seed: int, *, shift: float = 1.5) -> Classification:
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 0.3).astype(int)
    odds = rng.normal(size=rows) + shift * truth - 1
    scores = 1 / (1 + np.exp(-odds))
    return Classification(
        truth, (scores >= 0.5).astype(int), ("no", "yes"), np.stack([1 - scores, scores], axis=1), positive=1
    )


def regression(rows: int, seed: int) -> Regression:
    rng = np.random.default_rng(seed)
    truth = rng.normal(50, 10, rows)
    return Regression(truth, truth + rng.normal(0.5, 3, rows))


def test_the_same_seed_gives_the_same_intervals_and_another_gives_others() -> None:
    once = intervals(binary(300, 1), resamples=200, seed=5)
    assert intervals(binary(300, 1), resamples=200, seed=5) == once
    assert intervals(binary(300, 1), resamples=200, seed=6) != once


def test_without_resamples_there_are_no_intervals() -> None:
    assert {each.low for each in intervals(binary(300, 1), resamples=0, seed=5).values()} == {None}


@pytest.mark.parametrize("rows", [400, 2000])
def test_intervals_of_a_share_are_as_wide_as_theory_says(rows: int) -> None:
    found = intervals(binary(rows, 2), resamples=500, seed=1)["accuracy"]
    half = 1.96 * np.sqrt(found.value * (1 - found.value) / rows)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.15)  # type: ignore[operator]


@pytest.mark.slow
def test_from_many_rows_some_are_drawn_and_the_interval_is_made_as_narrow_as_it_should_be() -> None:
    sample = regression(40_000, 3)
    whole = intervals(sample, resamples=400, seed=1, most_rows=40_000)
    drawn = intervals(sample, resamples=400, seed=1, most_rows=4_000)
    for name, each in whole.items():
        assert drawn[name].value == each.value
        assert drawn[name].high - drawn[name].low == pytest.approx(each.high - each.low, rel=0.25)  # type: ignore[operator]


def test_a_share_of_one_has_wilsons_interval() -> None:
    truth = np.repeat([0, 1], [30, 20])
    found = intervals(Classification(truth, truth, ("a", "b"), positive=1), resamples=200, seed=1)
    # 50 / (50 + 1.96^2), and of the 20 positive rows 20 / (20 + 1.96^2)
    assert (found["accuracy"].low, found["accuracy"].high) == pytest.approx((0.928652, 1.0), abs=1e-5)
    assert (found["recall"].low, found["recall"].high) == pytest.approx((0.838875, 1.0), abs=1e-5)
    assert found["f1"] == Interval(1.0)


def test_one_row_gives_values_and_no_warning() -> None:
    assert intervals(Regression(np.array([1.0]), np.array([3.0])), resamples=100, seed=1)["mae"] == Interval(2.0)
    one = Classification(np.array([1]), np.array([1]), ("a", "b"), np.array([[0.2, 0.8]]), 1)
    assert intervals(one, resamples=100, seed=1)["log_loss"].value == pytest.approx(-np.log(0.8))


def test_a_quantile_of_errors_has_an_interval_if_ten_errors_lie_beyond_it() -> None:
    found = intervals(regression(200, 1), resamples=100, seed=1)
    assert found["p90_absolute_error"].low is not None
    assert found["p99_absolute_error"].low is None
    assert intervals(regression(1000, 1), resamples=100, seed=1)["p99_absolute_error"].low is not None


def test_many_distinct_scores_are_grouped_without_moving_the_interval() -> None:
    sample = binary(20_000, 4)
    found = resampled(sample, 100, 1)["roc_auc"]
    assert found.mean() == pytest.approx(sample.values()["roc_auc"], abs=1e-3)


def test_paired_differences_are_narrower_than_independent_ones() -> None:
    first = binary(2000, 5)
    nudged = np.clip(first.probabilities + np.array([-0.01, 0.01]), 0, 1)  # type: ignore[operator]
    second = Classification(first.truth, first.labels, first.classes, nudged, 1)
    change = differences(first, second, resamples=300, seed=0, most_rows=10_000)["brier"]
    before, after = (intervals(each, resamples=300, seed=0)["brier"] for each in (first, second))
    apart = difference_of(before, after)
    assert change.value == apart.value == after.value - before.value
    assert (change.high - change.low) * 4 < apart.high - apart.low  # type: ignore[operator]


def test_independent_intervals_add_up_as_squares() -> None:
    found = difference_of(Interval(1.0, 0.7, 1.4), Interval(2.0, 1.6, 2.3))
    assert (found.low, found.high) == pytest.approx((1 - np.hypot(0.4, 0.4), 1 + np.hypot(0.3, 0.3)))
    assert difference_of(Interval(1.0), Interval(2.0, 1.6, 2.3)) == Interval(1.0)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [200, 1500])
def test_intervals_hold_the_true_value_95_times_of_100(rows: int) -> None:
    """Of 200 samples each; the share that holds it has a standard error of 1.5 %."""
    for make in (binary, regression):
        true: dict[str, float] = make(1_000_000, 99).values()
        held: dict[str, list[bool]] = {}
        for seed in range(200):
            found: dict[str, Any] = intervals(make(rows, 1000 + seed), resamples=200, seed=seed)
            for name, each in found.items():
                if each.low is not None:
                    held.setdefault(name, []).append(each.low <= true[name] <= each.high)
        shares = {name: float(np.mean(each)) for name, each in held.items()}
        # Few rows make the calibration error too large.
        least = {"calibration_error": 0.78}
        assert {name: share for name, share in shares.items() if share < least.get(name, 0.9)} == {}
        assert np.mean([share for name, share in shares.items() if name not in least]) == pytest.approx(0.945, abs=0.02)
