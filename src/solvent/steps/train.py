"""Steps that fit a model to a table and predict with it: the estimators of scikit-learn, and LightGBM's, by short names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from solvent.errors import DataError, nearest
from solvent.pipelines.context import seed
from solvent.pipelines.step import step
from solvent.profiles.predictions import MOST_CLASSES, TASKS, class_text
from solvent.profiles.vectors import column_of, is_table, names_of, rows_of, vector


@step
def fit(
    train: Any,
    target: str,
    model: str = "boosting",
    *,
    parameters: Mapping[str, Any] | None = None,
    task: str | None = None,
    leave_out: Sequence[str] = (),
) -> Any:
    """Fit a model to all columns but the target, which are numbers, and give the fitted estimator.

    `model` is logistic, linear, ridge, boosting, forest, nearest, lightgbm (if it is installed) or constant, the baseline
    that always predicts the mean or the shares of the classes. `parameters` go to the estimator; it gets the seed of this
    step where it draws random numbers. `task` is classification or regression; without it texts, booleans and at most 20
    distinct whole numbers as target mean classification. DataError names what does not fit.
    """
    _check_choice("model", model, MODELS)
    if task is not None:
        _check_choice("task", task, TASKS)
    names = [name for name in _columns(train) if name != target and name not in leave_out]
    truth = vector(column_of(train, target), f"the target {target!r}")
    if truth.missing.any():
        raise DataError(
            f"the target {target!r} has {truth.missing.sum():,} missing values", hint="leave those rows out"
        )
    if not len(truth):
        raise DataError("the train part has no rows, so nothing can be learned from it")
    estimator = MODELS[model](task or _task_of(truth))
    _set(estimator, model, dict(parameters or {}))
    try:
        return estimator.fit(_features(train, names), truth.values)
    except ValueError as error:
        raise _refused(model, error) from error


@step
def predict(model: Any, table: Any, *, leave_out: Sequence[str] = ()) -> Any:
    """Predict each row of a table: what `evaluate` takes as predictions.

    With two classes it is the probability of the latter in order, as an array; with more a table of the same library with
    the probability of each class as a column; else an array of numbers or labels. Columns are found by the names that the
    model was fitted with, whatever their order; others, such as the target, make no difference.
    """
    known = getattr(model, "feature_names_in_", None)
    names = [str(name) for name in known] if known is not None else [n for n in _columns(table) if n not in leave_out]
    features = _features(table, names)
    if not hasattr(model, "predict_proba"):
        return model.predict(features)
    shares = model.predict_proba(features)
    if shares.shape[1] == 2:
        return shares[:, 1]
    from solvent.steps.preprocess import table_like

    return table_like(table, {class_text(name): shares[:, at].copy() for at, name in enumerate(model.classes_)})


def _columns(table: Any) -> list[str]:
    if not is_table(table):
        raise DataError(f"expected a table of pandas, polars or Arrow, found {type(table).__name__}")
    return [str(name) for name in names_of(table)]


def _features(table: Any, names: Sequence[str]) -> Any:
    """Give the columns as a pandas table of numbers, so that the estimator keeps their names."""
    import numpy as np
    import pandas as pd

    if not names:
        raise DataError("there is no column to learn from but the target")
    columns = {}
    for name in names:
        found = vector(column_of(table, name), f"column {name!r}")
        if found.missing.all():
            columns[name] = np.full(len(found), np.nan)
            continue
        if found.kind not in ("number", "boolean"):
            raise DataError(
                f"column {name!r} holds {found.kind}s, and models take numbers",
                hint=f"preprocess the table, or leave it out: leave_out=[{name!r}]",
            )
        columns[name] = np.where(found.missing, np.nan, found.values).astype(float)
    return pd.DataFrame(columns, index=pd.RangeIndex(rows_of(table)))


def _task_of(truth: Any) -> str:
    import numpy as np

    if truth.kind in ("text", "boolean"):
        return "classification"
    distinct = np.unique(truth.values)
    whole = truth.kind == "number" and bool((distinct == np.floor(distinct)).all())
    return "classification" if whole and len(distinct) <= MOST_CLASSES else "regression"


def _set(estimator: Any, model: str, parameters: dict[str, Any]) -> None:
    known = estimator.get_params()
    for name in parameters:
        if name not in known:
            raise DataError(
                f"model {model!r} has no parameter {name!r}{nearest(name, known)}", hint=f"it has {', '.join(known)}"
            )
    if model in _RANDOM and "random_state" not in parameters:
        parameters = {**parameters, "random_state": seed() % (1 << 32)}
    estimator.set_params(**parameters)


def _check_choice(what: str, given: str, known: Any) -> None:
    if given not in known:
        raise DataError(f"{what}={given!r}{nearest(str(given), known)}", hint=f"one of {', '.join(known)}")


def _refused(model: str, error: ValueError) -> DataError:
    """Put what the estimator refuses into one line."""
    first = str(error).strip().partition("\n")[0]
    hint = "preprocess the table before, which fills them in" if "NaN" in first else None
    return DataError(f"model {model!r} can't be fitted: {first}", hint=hint)


def _for_classes(model: str, task: str) -> None:
    if task != "classification":
        raise DataError(
            f"model {model!r} is for classification, and this is a regression", hint="try ridge or boosting"
        )


def _for_numbers(model: str, task: str) -> None:
    if task != "regression":
        raise DataError(
            f"model {model!r} is for regression, and this is a classification", hint="try logistic or boosting"
        )


# The imports are written out one by one: that way their versions are part of the cache key.


def _logistic(task: str) -> Any:
    from sklearn.linear_model import LogisticRegression

    _for_classes("logistic", task)
    return LogisticRegression(max_iter=1000)


def _linear(task: str) -> Any:
    from sklearn.linear_model import LinearRegression

    _for_numbers("linear", task)
    return LinearRegression()


def _ridge(task: str) -> Any:
    from sklearn.linear_model import Ridge

    _for_numbers("ridge", task)
    return Ridge()


def _boosting(task: str) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return HistGradientBoostingClassifier() if task == "classification" else HistGradientBoostingRegressor()


def _forest(task: str) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    return RandomForestClassifier() if task == "classification" else RandomForestRegressor()


def _nearest(task: str) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    return KNeighborsClassifier() if task == "classification" else KNeighborsRegressor()


def _constant(task: str) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier() if task == "classification" else DummyRegressor()


def _lightgbm(task: str) -> Any:
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
    except ImportError:
        raise DataError("model 'lightgbm' needs LightGBM", hint="pip install 'solvent[lightgbm]'") from None
    return LGBMClassifier(verbose=-1) if task == "classification" else LGBMRegressor(verbose=-1)


MODELS: dict[str, Callable[[str], Any]] = {
    "logistic": _logistic,
    "linear": _linear,
    "ridge": _ridge,
    "boosting": _boosting,
    "forest": _forest,
    "nearest": _nearest,
    "lightgbm": _lightgbm,
    "constant": _constant,
}
_RANDOM = frozenset({"boosting", "forest", "lightgbm"})
