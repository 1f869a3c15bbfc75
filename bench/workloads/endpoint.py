"""Scaler and logistic regression on 30 features, as arrays: what is served in bench/serving.py."""

from typing import Any, NamedTuple

import numpy as np

from solvent import Contract, Endpoint, log, pipeline, step


class Parts(NamedTuple):
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


@step
def load() -> Parts:
    from sklearn.datasets import load_breast_cancer

    rows, labels = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(rows))
    train, test = order[:400], order[400:]
    return Parts(rows[train], labels[train], rows[test], labels[test])


@step
def fit_scaler(train: np.ndarray) -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(train)


@step
def scale(scaler: Any, rows: np.ndarray) -> np.ndarray:
    return scaler.transform(rows)


@step
def fit(rows: np.ndarray, labels: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(rows, labels)


@step
def predict(model: Any, rows: np.ndarray) -> np.ndarray:
    return model.predict_proba(rows)[:, 1]


@step
def evaluate(chances: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    auc = float(roc_auc_score(labels, chances))
    log.metric("auc", auc)
    return auc


@pipeline
def endpoint() -> float:
    parts = load()
    scaler = fit_scaler(parts.train)
    model = fit(scale(scaler, parts.train), parts.train_labels)
    return evaluate(predict(model, scale(scaler, parts.test)), parts.test_labels)


COLUMNS = [f"x{at}" for at in range(30)]
python = Endpoint(
    "python",
    endpoint,
    request="load.test",
    response="predict",
    columns=COLUMNS,
    contract=Contract(metrics={"auc": 0.9}),
)
onnx = Endpoint("onnx", endpoint, request="load.test", response="predict", columns=COLUMNS, backend="onnx")
