"""Metrics are scikit-learn's where it has them."""

import math
from typing import Any

import numpy as np
import pytest

from solvent.profiles.metrics import Classification, Regression, direction

NEAR = {"rel": 1e-9, "abs": 1e-12}
RNG = np.random.default_rng(7)


@pytest.fixture
def metrics() -> Any:
    return pytest.importorskip("sklearn.metrics")


def binary(rows: int, *, rounded: int = 12) -> Classification:
    truth = (RNG.random(rows) < 0.3).astype(int)
    scores = (1 / (1 + np.exp(-(RNG.normal(size=rows) + 1.5 * truth - 1)))).round(rounded)
    return Classification(
        truth, (scores >= 0.5).astype(int), ("no", "yes"), np.stack([1 - scores, scores], axis=1), positive=1
    )


def several(rows: int, classes: int) -> Classification:
    truth = RNG.integers(0, classes, rows)
    odds = np.exp(RNG.normal(size=(rows, classes)) + np.eye(classes)[truth])
    shares = odds / odds.sum(axis=1, keepdims=True)
    return Classification(truth, shares.argmax(axis=1), tuple(f"class {n}" for n in range(classes)), shares)


@pytest.mark.slow
@pytest.mark.parametrize("sample", [binary(1000), binary(500, rounded=1), binary(40)], ids=["plain", "ties", "small"])
def test_metrics_of_two_classes_are_those_of_scikit_learn(sample: Classification, metrics: Any) -> None:
    found = sample.values()
    truth, labels, scores = sample.truth, sample.labels, sample.probabilities[:, 1]  # type: ignore[index]
    assert found.pop("calibration_error") > 0
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, labels),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, labels),
            "precision": metrics.precision_score(truth, labels),
            "recall": metrics.recall_score(truth, labels),
            "f1": metrics.f1_score(truth, labels),
            "log_loss": metrics.log_loss(truth, scores),
            "brier": metrics.brier_score_loss(truth, scores),
            "roc_auc": metrics.roc_auc_score(truth, scores),
            "average_precision": metrics.average_precision_score(truth, scores),
        },
        **NEAR,
    )
    assert sample.confusion.tolist() == metrics.confusion_matrix(truth, labels).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("classes", [3, 6])
def test_metrics_of_several_classes_are_macro_means(classes: int, metrics: Any) -> None:
    sample = several(800, classes)
    found = sample.values()
    truth, labels, shares = sample.truth, sample.labels, sample.probabilities
    assert found.pop("calibration_error") > 0
    one_hot = np.eye(classes)[truth]
    macro: dict[str, Any] = {"average": "macro"}
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, labels),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, labels),
            "precision": metrics.precision_score(truth, labels, **macro),
            "recall": metrics.recall_score(truth, labels, **macro),
            "f1": metrics.f1_score(truth, labels, **macro),
            "log_loss": metrics.log_loss(truth, shares),
            "brier": ((shares - one_hot) ** 2).sum(axis=1).mean(),
            "roc_auc": metrics.roc_auc_score(truth, shares, multi_class="ovr"),
            "average_precision": metrics.average_precision_score(one_hot, shares, **macro),
        },
        **NEAR,
    )


@pytest.mark.slow
def test_classes_that_are_never_predicted_or_never_true_count_as_in_scikit_learn(metrics: Any) -> None:
    truth, labels = np.array([0, 0, 1, 1, 2]), np.array([0, 3, 1, 1, 0])
    found = Classification(truth, labels, ("a", "b", "c", "d", "never met")).values()
    macro: dict[str, Any] = {"average": "macro", "zero_division": 0}
    assert found["precision"] == pytest.approx(metrics.precision_score(truth, labels, **macro))
    assert found["recall"] == pytest.approx(metrics.recall_score(truth, labels, **macro))
    assert found["f1"] == pytest.approx(metrics.f1_score(truth, labels, **macro))
    assert found["balanced_accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)


@pytest.mark.slow
def test_metrics_of_a_regression_are_those_of_scikit_learn(metrics: Any) -> None:
    truth = RNG.normal(50, 10, 700)
    guess = truth + RNG.standard_t(3, 700) + 0.3
    size = abs(guess - truth)
    assert Regression(truth, guess).values() == pytest.approx(
        {
            "mae": metrics.mean_absolute_error(truth, guess),
            "rmse": metrics.root_mean_squared_error(truth, guess),
            "r2": metrics.r2_score(truth, guess),
            "bias": (guess - truth).mean(),
            "median_absolute_error": metrics.median_absolute_error(truth, guess),
            "p90_absolute_error": np.quantile(size, 0.9),
            "p99_absolute_error": np.quantile(size, 0.99),
        },
        **NEAR,
    )


def test_metrics_of_four_rows_can_be_worked_out_by_hand() -> None:
    truth, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    found = Classification(truth, (scores >= 0.5).astype(int), ("0", "1"), np.stack([1 - scores, scores], axis=1), 1)
    assert found.values() == pytest.approx(
        {
            "accuracy": 0.75,
            "balanced_accuracy": 0.75,
            "precision": 1.0,
            "recall": 0.5,
            "f1": 2 / 3,
            "log_loss": -np.log([0.9, 0.6, 0.35, 0.8]).mean(),
            "brier": (0.01 + 0.16 + 0.4225 + 0.04) / 4,
            "roc_auc": 0.75,
            "average_precision": 0.5 + 0.5 * 2 / 3,
            "calibration_error": (0.1 + 0.25 + 0.2) / 4,
        },
        **NEAR,
    )


def test_the_calibration_error_is_the_mean_gap_of_ten_bins() -> None:
    sample = binary(2000)
    scores, truth = sample.probabilities[:, 1], sample.truth  # type: ignore[index]
    gap = 0.0
    for low in np.arange(10) / 10:
        inside = (scores > low) & (scores <= low + 0.1)
        gap += abs(scores[inside].sum() - truth[inside].sum()) / 2000
    assert sample.values()["calibration_error"] == pytest.approx(gap)


def test_weights_are_rows_that_occur_so_often() -> None:
    weights = RNG.integers(0, 4, (3, 300))
    for sample in (binary(300), several(300, 4)):
        found = sample.weighted(weights.astype(float))
        for number, counts in enumerate(weights):
            again = sample.taken(np.repeat(np.arange(300), counts)).values()
            assert {name: each[number] for name, each in found.items()} == pytest.approx(again)


def test_weighted_errors_are_those_of_the_repeated_rows() -> None:
    truth = RNG.normal(size=5000)
    sample = Regression(truth, truth + RNG.normal(size=5000))
    counts = RNG.poisson(1, 5000)
    found = {name: each[0] for name, each in sample.weighted(counts[None, :].astype(float)).items()}
    again = sample.taken(np.repeat(np.arange(5000), counts)).values()
    # Quantiles are read from groups of a few rows.
    assert found == pytest.approx(again, rel=3e-3)


@pytest.mark.parametrize("value", [0, 1])
def test_what_needs_both_classes_is_left_out_where_there_is_one(value: int) -> None:
    truth, scores = np.full(20, value), np.linspace(0.1, 0.9, 20)
    sample = Classification(
        truth, (scores >= 0.5).astype(int), ("no", "yes"), np.stack([1 - scores, scores], axis=1), 1
    )
    found = sample.values()
    assert "roc_auc" not in found
    assert ("recall" in found, "average_precision" in found) == (value == 1, value == 1)
    assert all(math.isfinite(each) for each in found.values())


def test_a_constant_truth_has_no_r2() -> None:
    assert "r2" not in Regression(np.full(10, 0.1), np.linspace(0, 1, 10)).values()
    assert "r2" not in Regression(np.array([3.0]), np.array([4.0])).values()


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("evaluate.log_loss", "lower"),
        ("fit[2].val_loss", "lower"),
        ("brier_score", "lower"),
        ("rmse", "lower"),
        ("roc_auc", "higher"),
        ("evaluate.test accuracy", "higher"),
        ("score", "higher"),
        ("bias", "nearer zero"),
        ("rows", None),
        ("glossary", None),
    ],
)
def test_the_name_of_a_metric_says_which_way_is_better(name: str, better: str | None) -> None:
    assert direction(name) == better
