"""A pipeline that ends with a model: scikit-learn, a named dataset, metrics with intervals."""

from typing import Any

import pandas as pd

from solvent import log, pipeline, step


@step(dataset="flowers")
def load(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"width": [float(n) for n in range(rows)], "kind": [n % 2 == 0 for n in range(rows)]})


@step
def fit(flowers: pd.DataFrame) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=2, random_state=0).fit(flowers[["width"]], flowers["kind"])


@step
def score(model: Any, flowers: pd.DataFrame) -> float:
    accuracy = float(model.score(flowers[["width"]], flowers["kind"]))
    log.metric("accuracy", accuracy, interval=(accuracy - 0.1, accuracy + 0.05))
    return accuracy


@pipeline
def flowers(rows: int = 20) -> Any:
    table = load(rows)
    model = fit(table)
    score(model, table)
    return model
