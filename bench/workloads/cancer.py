"""Load, split, scale, train, evaluate on scikit-learn's breast cancer data; `python cancer.py` is the plain script."""

from typing import NamedTuple

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from solvent import pipeline, step


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


@step
def load() -> pd.DataFrame:
    return load_breast_cancer(as_frame=True).frame


@step
def split(table: pd.DataFrame) -> Parts:
    return Parts(*train_test_split(table, test_size=0.2, random_state=0))


@step
def scale(parts: Parts) -> Parts:
    names = [name for name in parts.train.columns if name != "target"]
    scaler = StandardScaler().fit(parts.train[names])
    return Parts(*(part.assign(**dict(zip(names, scaler.transform(part[names]).T, strict=True))) for part in parts))


@step
def train(table: pd.DataFrame) -> LogisticRegression:
    return LogisticRegression(max_iter=200).fit(table.drop(columns="target"), table["target"])


@step
def evaluate(model: LogisticRegression, table: pd.DataFrame) -> float:
    return float(model.score(table.drop(columns="target"), table["target"]))


@pipeline
def cancer() -> float:
    scaled = scale(split(load()))
    return evaluate(train(scaled.train), scaled.test)


if __name__ == "__main__":
    print(cancer())
