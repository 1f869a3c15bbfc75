"""Training, predicting, and how good it is: over all and for each airline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from solvent import log, seed, step

if TYPE_CHECKING:  # scikit-learn is imported by the steps that use it, so that a run that reuses them starts at once
    from matplotlib.figure import Figure
    from sklearn.ensemble import HistGradientBoostingClassifier


class Scores(NamedTuple):
    auc: float
    by_airline: pd.DataFrame


@step
def fit(features: pd.DataFrame, train: pd.DataFrame, leaves: int, rounds: int) -> HistGradientBoostingClassifier:
    """A boosted classifier of `late` with trees of this many leaves."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_leaf_nodes=leaves, max_iter=rounds, random_state=seed() % 2**32)
    return model.fit(features, train["late"])


@step
def predict(model: HistGradientBoostingClassifier, features: pd.DataFrame) -> np.ndarray:
    """The chance of each flight to be late."""
    return model.predict_proba(features)[:, 1]


@step
def evaluate(test: pd.DataFrame, chances: np.ndarray) -> Scores:
    """How well the chances tell late flights from others."""
    from sklearn.metrics import brier_score_loss, roc_auc_score

    auc = float(roc_auc_score(test["late"], chances))
    log.metrics({"auc": auc, "brier": float(brier_score_loss(test["late"], chances)), "flights": len(test)})
    scored = pd.DataFrame({"carrier": test["carrier"], "late": test["late"], "chance": chances})
    rows = [
        {
            "carrier": carrier,
            "flights": len(one),
            "late": float(one["late"].mean()),
            "predicted": float(one["chance"].mean()),
            "auc": float(roc_auc_score(one["late"], one["chance"])) if one["late"].nunique() == 2 else float("nan"),
        }
        for carrier, one in scored.groupby("carrier")
    ]
    return Scores(auc, pd.DataFrame(rows))


@step
def report(scores: Scores, leaves: int) -> str:
    """The chosen model in words and in a figure."""
    large = scores.by_airline[scores.by_airline["flights"] >= 100]
    worst = large.loc[large["auc"].idxmin()]
    text = (
        f"Trees of {leaves} leaves: AUC {scores.auc:.3f} over all. "
        f"Hardest to tell: {worst['carrier']}, AUC {worst['auc']:.3f} on {worst['flights']} flights."
    )
    log.text("summary", text)
    log.figure("late by airline", draw(scores.by_airline))
    return text


def draw(by_airline: pd.DataFrame) -> Figure:
    """Predicted beside real share of late flights, for each airline."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(by_airline))
    axes.bar(places - 0.2, by_airline["late"], 0.4, label="late")
    axes.bar(places + 0.2, by_airline["predicted"], 0.4, label="predicted")
    axes.set_xticks(places, by_airline["carrier"])
    axes.set_ylabel("share of flights")
    axes.legend()
    return figure
