"""A pipeline with an endpoint whose request has columns of every kind that pandas holds."""

import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from solvent import Endpoint, pipeline, step


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


@step
def load() -> pd.DataFrame:
    draw, rows = np.random.default_rng(0), 1500
    seconds = pd.to_timedelta(draw.integers(0, 86400 * 30, rows), unit="s")
    return pd.DataFrame(
        {
            "cat": pd.Categorical(draw.choice(["a", "b", "c"], rows)),
            "text": draw.choice(["x", "y", "z"], rows),
            "when": pd.Timestamp("2026-01-01") + seconds,
            "zoned": pd.Timestamp("2026-01-01", tz="UTC") + seconds,
            "whole": pd.array([None if x < 0.1 else int(x * 100) for x in draw.random(rows)], dtype="Int64"),
            "flag": draw.random(rows) < 0.3,
            "small": draw.random(rows).astype("float32"),
            "maybe": np.where(draw.random(rows) < 0.05, np.nan, draw.normal(size=rows)),
            "took": pd.to_timedelta(draw.integers(0, 1000, rows), unit="s"),
            "day": [datetime.date(2026, 1, 1) + datetime.timedelta(days=int(x)) for x in draw.integers(0, 30, rows)],
        }
    )


@step
def split(table: pd.DataFrame) -> Parts:
    return Parts(table[:1000], table[1000:].reset_index(drop=True))


@step
def fit(table: pd.DataFrame) -> float:
    return float(table["maybe"].mean())


@step
def score(table: pd.DataFrame, usual: float) -> pd.DataFrame:
    number = table["maybe"].fillna(usual) + table["small"] + table["flag"] + table["whole"].fillna(0).astype(float)
    number += (table["cat"] == "a") + 2.0 * (table["text"] == "x") + table["when"].dt.day + table["zoned"].dt.hour
    number += table["took"].dt.total_seconds() + pd.Series([each.day for each in table["day"]], dtype=float)
    return pd.DataFrame({"number": number, "word": np.where(table["flag"], "yes", "no"), "at": table["when"]})


@pipeline
def kinds() -> pd.DataFrame:
    parts = split(load())
    return score(parts.test, fit(parts.train))


endpoint = Endpoint("kinds", pipeline=kinds, request="split.test", response="score")
