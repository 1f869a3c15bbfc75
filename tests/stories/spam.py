"""A pipeline with an endpoint that needs nothing but pandas: scores of mails by their words, links and language."""

from typing import NamedTuple

import pandas as pd

from solvent import Endpoint, pipeline, step


@step(dataset="mails")
def load() -> pd.DataFrame:
    rows = range(400)
    return pd.DataFrame(
        {
            "words": [float(row * 7 % 101) for row in rows],
            "links": [row % 9 for row in rows],
            "language": [("en", "de", "fr", "nl")[row % 4] for row in rows],
            "spam": [row % 9 > 5 for row in rows],
        }
    )


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


@step
def split(mails: pd.DataFrame) -> Parts:
    return Parts(mails[:300], mails[300:].reset_index(drop=True))


@step
def fit(mails: pd.DataFrame) -> float:
    return float(mails["links"].mean())


@step
def score(mails: pd.DataFrame, usual: float) -> pd.Series:
    return mails["links"] / (10 + usual + mails["words"]) + (mails["language"] == "nl") * 0.1


@pipeline
def spam() -> pd.Series:
    parts = split(load())
    return score(parts.test, fit(parts.train))


endpoint = Endpoint("spam", pipeline=spam, request="split.test", response="score", label="spam")
