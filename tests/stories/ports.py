"""A pipeline with an endpoint and a category, for the tests of verification: pandas alone, no estimator."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from solvent import Contract, Endpoint, log, pipeline, step

PORTS = ["Cherbourg", "Queenstown", "Southampton"]


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


@step
def load(rows: int) -> pd.DataFrame:
    draw = np.random.default_rng(7)
    port = pd.Categorical(draw.choice(PORTS, rows, p=[0.2, 0.1, 0.7]), PORTS)
    fare = np.where(draw.random(rows) < 0.1, np.nan, draw.gamma(2, 20, rows).round(2))
    guests = draw.integers(1, 7, rows)
    late = draw.random(rows) < 0.2 + 0.1 * port.codes + 0.05 * guests
    return pd.DataFrame({"port": port, "fare": fare, "guests": guests, "late": late})


@step
def split(table: pd.DataFrame) -> Parts:
    middle = len(table) * 2 // 3
    return Parts(table.iloc[:middle].reset_index(drop=True), table.iloc[middle:].reset_index(drop=True))


@step
def learn(train: pd.DataFrame) -> dict[str, float]:
    means = train.groupby("port", observed=False)["late"].mean()
    return {"fare": float(train["fare"].mean()), **{name: float(share) for name, share in means.items()}}


@step
def encode(table: pd.DataFrame, learned: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "port": table["port"].astype(str).map(learned).fillna(0.0),
            "fare": table["fare"].fillna(learned["fare"]) / 100,
            "guests": table["guests"],
        }
    )


@step
def predict(rows: pd.DataFrame) -> pd.Series:
    score = rows["port"] * 3 + rows["fare"] - 2 + 0.2 * rows["guests"]
    return (1 / (1 + np.exp(-score))).rename("late")


@step
def evaluate(chances: pd.Series, test: pd.DataFrame) -> float:
    right = float(((chances >= 0.5) == test["late"]).mean())
    log.metric("accuracy", right)
    return right


@pipeline
def ports(rows: int = 600) -> float:
    parts = split(load(rows))
    learned = learn(parts.train)
    return evaluate(predict(encode(parts.test, learned)), parts.test)


endpoint = Endpoint(
    "ports",
    pipeline=ports,
    request="split.test",
    response="predict",
    label="late",
    contract=Contract(metrics={"accuracy": 0.4}),
)
