"""A pipeline with an endpoint, for the tests of serving: scaler and logistic regression on 30 features."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from solvent import Contract, Endpoint, log, pipeline, step


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


@step
def load() -> pd.DataFrame:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(as_frame=True).frame


@step
def split(table: pd.DataFrame) -> Parts:
    rows = np.random.default_rng(0).permutation(len(table))
    train, test = table.iloc[rows[:400]], table.iloc[rows[400:]]
    return Parts(train.reset_index(drop=True), test.reset_index(drop=True))


@step
def fit_scaler(train: pd.DataFrame) -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(train.drop(columns="target").to_numpy())


@step
def scale(scaler: Any, table: pd.DataFrame) -> np.ndarray:
    return scaler.transform(table.drop(columns="target", errors="ignore").to_numpy())


@step
def fit(rows: np.ndarray, train: pd.DataFrame) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(rows, train["target"])


@step
def predict(model: Any, rows: np.ndarray) -> np.ndarray:
    return model.predict_proba(rows)[:, 1]


@step
def evaluate(chances: np.ndarray, test: pd.DataFrame) -> float:
    from sklearn.metrics import roc_auc_score

    auc = float(roc_auc_score(test["target"], chances))
    log.metric("auc", auc)
    return auc


@pipeline
def cancer() -> float:
    parts = split(load())
    scaler = fit_scaler(parts.train)
    model = fit(scale(scaler, parts.train), parts.train)
    return evaluate(predict(model, scale(scaler, parts.test)), parts.test)


endpoint = Endpoint(
    "cancer",
    pipeline=cancer,
    request="split.test",
    response="predict",
    label="target",
    contract=Contract(metrics={"auc": 0.9}),
)
