from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from solvent.errors import DataError
from solvent.steps import evaluate, fit, predict
from solvent.steps.train import MODELS

RNG = np.random.default_rng(11)
X = pd.DataFrame(RNG.normal(size=(150, 3)), columns=["a", "b", "c"])
CLASSES = X.assign(late=X.a + RNG.normal(0, 0.3, 150) > 0)
NUMBERS = X.assign(delay=2 * X.a - X.b + RNG.normal(0, 0.1, 150))
KINDS = X.assign(kind=np.where(X.a > 0.5, "high", np.where(X.a < -0.5, "low", "middle")))


@pytest.mark.slow
@pytest.mark.parametrize("model", [name for name in MODELS if name not in ("linear", "ridge", "constant")])
def test_a_model_learns_classes(model: str) -> None:
    fitted = fit(CLASSES, "late", model)
    assert evaluate(CLASSES, predict(fitted, CLASSES), target="late", resamples=0).values["roc_auc"].value > 0.9
    shares = predict(fit(KINDS, "kind", model), pl.DataFrame(KINDS))
    assert shares.columns == ["high", "low", "middle"]
    assert evaluate(KINDS.kind, shares, resamples=0).values["accuracy"].value > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("model", [name for name in MODELS if name not in ("logistic", "constant")])
def test_a_model_learns_numbers(model: str) -> None:
    found = evaluate(NUMBERS, predict(fit(NUMBERS, "delay", model), NUMBERS), target="delay", resamples=0)
    assert found.values["r2"].value > 0.7


@pytest.mark.slow
def test_columns_are_found_by_name_and_others_make_no_difference() -> None:
    fitted = fit(NUMBERS, "delay", "linear")
    turned = pl.DataFrame(NUMBERS[["c", "delay", "b", "a"]]).with_columns(more=pl.lit("text"))
    assert predict(fitted, turned) == pytest.approx(predict(fitted, NUMBERS))


@pytest.mark.slow
def test_the_baseline_knows_nothing() -> None:
    assert set(predict(fit(CLASSES, "late", "constant"), CLASSES)) == {CLASSES.late.mean()}
    assert predict(fit(NUMBERS, "delay", "constant"), NUMBERS)[0] == pytest.approx(NUMBERS.delay.mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("train", "options", "says"),
    [
        (CLASSES, {"target": "lat"}, "did you mean 'late'"),
        (CLASSES, {"target": "late", "model": "logistics"}, "did you mean 'logistic'"),
        (CLASSES, {"target": "late", "model": "linear"}, "for regression, and this is a classification"),
        (NUMBERS, {"target": "delay", "model": "logistic"}, "for classification, and this is a regression"),
        (CLASSES, {"target": "late", "parameters": {"max_itr": 3}}, "did you mean 'max_iter'"),
        (CLASSES, {"target": "late", "parameters": {"max_iter": -3}}, "can't be fitted: The 'max_iter' parameter"),
        (
            CLASSES.assign(a=None, c=1.0),
            {"target": "late", "model": "logistic"},
            "can't be fitted: Input X contains NaN",
        ),
        (CLASSES.assign(a="x"), {"target": "late"}, "column 'a' holds texts, and models take numbers"),
        (CLASSES.assign(late=None), {"target": "late"}, "150 missing values"),
        (CLASSES.iloc[:0], {"target": "late"}, "no rows"),
        (CLASSES[["late"]], {"target": "late"}, "no column to learn from"),
        (CLASSES.assign(late=True), {"target": "late", "model": "logistic"}, "can't be fitted"),
        ([1, 2], {"target": "late"}, "expected a table"),
    ],
)
def test_what_can_not_be_learned_is_refused_in_words(train: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        fit(train, **options)
