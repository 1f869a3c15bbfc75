from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.errors import DataError
from solvent.steps import evaluate

RNG = np.random.default_rng(3)
ROWS = 120
LATE = RNG.random(ROWS) < 0.4
SCORES = np.clip(0.25 + 0.4 * LATE + RNG.normal(0, 0.15, ROWS), 0, 1)
SPECIES = np.array(["adelie", "chinstrap", "gentoo"])[RNG.integers(0, 3, ROWS)]
SHARES = RNG.dirichlet([1, 1, 1], ROWS)


def bare(truth: Any, predictions: Any, **options: Any) -> dict[str, float]:
    found = evaluate(truth, predictions, **{"resamples": 0, **options})
    return {name: each.value for name, each in found.values.items()}


def test_a_table_and_its_target_do_as_well_as_a_series_an_array_or_a_list() -> None:
    expected = bare(LATE, SCORES)
    frame = pd.DataFrame({"late": LATE, "hour": 1})
    for truth in (frame, pl.DataFrame(frame), pa.table(frame)):
        assert bare(truth, SCORES, target="late") == expected
    for truth in (LATE.tolist(), pd.Series(LATE), pl.Series(LATE), pa.array(LATE), LATE.astype(int), LATE * 1.0):
        for predictions in (SCORES.tolist(), pl.Series(SCORES), pd.DataFrame({"p": SCORES}), SCORES[:, None]):
            assert bare(truth, predictions) == expected


def test_probabilities_of_two_classes_are_those_of_the_positive_one() -> None:
    expected = bare(LATE, SCORES)
    assert bare(LATE, np.stack([1 - SCORES, SCORES], axis=1)) == expected
    assert bare(LATE, pl.DataFrame({"True": SCORES, "False": 1 - SCORES}), positive=True) == pytest.approx(expected)
    words = np.where(LATE, "late", "on time")
    assert bare(words, SCORES, positive="late") == expected
    assert evaluate(words, SCORES, positive="late", resamples=0).positive == "late"


def test_several_classes_are_found_by_column_name() -> None:
    named = pd.DataFrame(SHARES, columns=["gentoo", "adelie", "chinstrap"])
    found = evaluate(SPECIES, named, resamples=0)
    assert found.classes == ("gentoo", "adelie", "chinstrap")
    again = evaluate(SPECIES, SHARES, classes=["gentoo", "adelie", "chinstrap"], resamples=0)
    assert again.values == found.values
    assert sum(map(sum, found.confusion)) == ROWS
    assert found.positive == ""
    assert {(each.name, each.label) for each in found.curves} >= {("roc", "gentoo"), ("calibration", "")}


def test_labels_have_no_metrics_of_probabilities() -> None:
    guesses = np.where(RNG.random(ROWS) < 0.7, SPECIES, "gentoo")
    found = evaluate(SPECIES, guesses, resamples=0)
    assert set(found.values) == {"accuracy", "balanced_accuracy", "precision", "recall", "f1"}
    assert found.curves == ()
    assert bare(LATE, LATE)["accuracy"] == 1.0
    assert bare(LATE, LATE.astype(int))["accuracy"] == bare(LATE.astype(int), LATE)["accuracy"] == 1.0
    assert bare(pd.array(LATE, dtype="boolean"), pd.array(LATE, dtype="boolean"))["accuracy"] == 1.0


def test_numbers_are_a_regression_unless_they_look_like_classes() -> None:
    assert evaluate(np.arange(50), np.arange(50) + 1, resamples=0).task == "regression"
    assert evaluate([1.5, 2.5], [1.0, 3.0], resamples=0).task == "regression"
    assert evaluate([1, 2, 3], [1.4, 2.2, 2.9], resamples=0).task == "regression"
    assert evaluate([0, 1, 1], [-0.1, 1.2, 0.8], resamples=0).task == "regression"
    assert evaluate([1, 2, 3], [1, 3, 3], resamples=0).task == "classification"
    assert evaluate([0, 1, 1], [0, 0.9, 0.8], resamples=0).task == "classification"
    assert evaluate([1, 2, 3], [1, 3, 3], task="regression", resamples=0).task == "regression"


def test_slices_have_metrics_of_their_own_and_small_ones_are_named() -> None:
    table = pl.DataFrame({"late": LATE, "carrier": ["AA"] * 100 + ["UA"] * 15 + ["B6"] * 5, "hour": range(ROWS)})
    found = evaluate(table, SCORES, target="late", slices=["carrier", {"night": "hour >= 60"}], resamples=100)
    assert [(each.name, each.rows) for each in found.slices] == [("carrier = AA", 100), ("night", 60)]
    assert found.slices[0].values["accuracy"].value == bare(LATE[:100], SCORES[:100])["accuracy"]
    assert found.slices[0].values["accuracy"].low is not None
    assert found.notes == ("slices of fewer than 30 rows are left out: carrier = B6, carrier = UA",)


def test_curves_are_thin_and_end_where_they_should() -> None:
    truth = RNG.random(5000) < 0.3
    found = {each.name: each for each in evaluate(truth, RNG.random(5000), resamples=0).curves}
    assert set(found) == {"roc", "precision_recall", "calibration"}
    assert max(len(each.x) for each in found.values()) <= 200
    assert (found["roc"].x[0], found["roc"].y[0], found["roc"].x[-1], found["roc"].y[-1]) == (0, 0, 1, 1)
    assert (found["precision_recall"].x[0], found["precision_recall"].x[-1]) == (0, 1)
    assert sum(found["calibration"].weight) == 5000
    errors = evaluate(RNG.normal(size=500), np.zeros(500), resamples=0).curves[1]
    assert (errors.name, len(errors.x), sorted(errors.y)) == ("errors", 99, list(errors.y))


@pytest.mark.parametrize("value", [True, False])
def test_one_class_alone_is_evaluated_as_far_as_it_goes(value: bool) -> None:
    found = evaluate([value] * 40, np.linspace(0, 1, 40), resamples=100)
    assert "roc_auc" not in found.values
    assert f"roc_auc is not defined: truth holds only {value}" in found.notes
    assert found.classes == ("False", "True")
    assert {each.name for each in found.curves} == {"calibration"}


def test_constant_predictions_are_evaluated() -> None:
    found = evaluate(LATE, np.full(ROWS, 0.25), resamples=100)
    assert found.values["roc_auc"].value == 0.5
    assert found.values["precision"].value == 0.0
    steady = evaluate(np.full(40, 2.5), np.full(40, 3.5), resamples=100)
    assert steady.values["bias"].value == 1.0
    assert steady.notes == ("r2 is not defined: all values of the truth are equal",)


def test_numbers_too_large_to_be_squared_are_told() -> None:
    found = evaluate([1e200, 1.0, 2.5], [1.0, 2.0, 3.0], resamples=100)
    assert found.notes == ("rmse is too large for a number", "r2 is too large for a number")
    assert found.values["mae"].value == pytest.approx(1e200 / 3)


@pytest.mark.parametrize(
    ("truth", "predictions", "options", "says"),
    [
        ([True, False], [0.1], {}, "truth has 2 rows and predictions have 1"),
        ([], [], {}, "there are no rows in truth"),
        ([1.5, None, 2], [1, 2, 3], {}, "there is 1 missing value in truth, the first in row 1 of 3"),
        ([1.5, 1, 2], [1, 2, float("nan")], {}, "there is 1 missing value in predictions, the first in row 2 of 3"),
        ([True, False], [0.2, 1.4], {}, "probabilities from 0 to 1, found 1.4 in row 1"),
        ([1.5, 2.0], [1.0, float("inf")], {}, "predictions holds an infinite number in row 1"),
        (["a", "b", "c"], [0.1, 0.2, 0.3], {}, "one number a row, and truth holds 3 classes"),
        (["a", "b"], [1, 2], {}, "truth holds texts and predictions hold numbers"),
        (["a", "b"], ["a", "b"], {"positive": "c"}, "the positive class 'c' is not among the classes"),
        (["a", "b"], np.full((2, 3), 1 / 3), {}, "predictions have 3 columns, and truth holds 2 classes"),
        (["a", "b"], np.full((2, 2), 0.3), {}, "the probabilities of row 0 sum to 0.6, not to 1"),
        (["adeli", "gentoo"], pd.DataFrame({"adelie": [0.5, 0.5], "gentoo": [0.5, 0.5]}), {}, "mean 'adelie'"),
        ([1.5, 2.5], np.full((2, 2), 0.5), {"task": "regression"}, "should be one column"),
        ([1.5, 2.5], [1, 2], {"task": "regresion"}, "did you mean 'regression'"),
        ([1.5, 2.5], [1, 2], {"resamples": 5}, "resamples should be at least 100"),
        ([1.5, 2.5], [1, 2], {"threshold": 2}, "threshold should be a probability"),
        ([1.5, 2.5], [1, 2], {"least_rows": 0}, "least_rows should be 1 or more"),
        ([1.5, "b"], [1, 2], {}, "truth mixes numbers and texts"),
        (pd.DataFrame({"a": [1], "b": [2]}), [1], {}, "truth is a table"),
        (pd.DataFrame({"late": [1], "b": [2]}), [1], {"target": "lat"}, "did you mean 'late'"),
        (np.ones((2, 2, 2)), [1], {}, "one column"),
        ([{}], [1], {}, "found builtins.dict"),
        ([1j], [1], {}, "complex"),
        (pd.Series(pd.date_range("2013", periods=2)), [1, 2], {}, "there are times in truth"),
        (pd.DataFrame(), [1], {}, "without columns"),
        (pl.LazyFrame({"a": [1]}), [1], {}, "the table is lazy"),
        (["a", "b"], pd.DataFrame([[0.5, 0.5]] * 2, columns=["a", "a"]), {}, "2 columns called 'a'"),
        (np.ma.array([1.5, 2.5], mask=[False, True]), [1, 2], {}, "1 missing value in truth"),
        (pd.array([True, None], dtype="boolean"), [1, 2], {}, "1 missing value in truth"),
        ("ab", [1, 2], {}, "truth should be one column"),
    ],
)
def test_what_can_not_be_evaluated_is_refused_in_words(
    truth: Any, predictions: Any, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        evaluate(truth, predictions, **options)


def test_rows_in_another_order_by_their_index_are_noticed() -> None:
    truth = pd.Series([1.5, 2.5, 3.5], index=["a", "b", "c"])
    with pytest.raises(DataError, match="same rows in another order"):
        evaluate(truth, pd.Series([3.0, 1.0, 2.0], index=["c", "a", "b"]))
    assert evaluate(truth, pd.Series([1.0, 2.0, 3.0]), resamples=0).rows == 3


def test_the_steps_are_loaded_when_they_are_asked_for() -> None:
    import importlib

    import solvent.steps

    assert solvent.steps.evaluate is evaluate
    importlib.import_module("solvent.steps.evaluate")
    assert solvent.steps.evaluate is evaluate
    assert set(dir(solvent.steps)) >= {"evaluate", "fit", "predict", "preprocess"}
    with pytest.raises(AttributeError, match="evalute"):
        _ = solvent.steps.evalute  # type: ignore[attr-defined]
