"""From raw flights to the best of three classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from flights_delays.data import clean, load, release, split
from flights_delays.features import Encoding, features, fit_features
from flights_delays.model import evaluate, fit, predict, report
from solvent import Contract, Endpoint, pipeline, value

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier


@dataclass(frozen=True)
class Config:
    months: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    late_minutes: int = 15
    test_share: float = 0.25
    leaves: tuple[int, ...] = (8, 16, 32)
    rounds: int = 60


class Chosen(NamedTuple):
    model: HistGradientBoostingClassifier
    encoding: Encoding
    auc: float
    summary: str


@pipeline
def delays(config: Config) -> Chosen:
    flights = clean(load(config.months, release()), config.late_minutes)
    parts = split(flights, config.test_share)
    encoding = fit_features(parts.train)
    train, test = features(encoding, parts.train), features(encoding, parts.test)

    models = [fit(train, parts.train, leaves, config.rounds) for leaves in config.leaves]
    scores = [evaluate(parts.test, predict(model, test)) for model in models]

    best = max(range(len(models)), key=lambda i: value(scores[i].auc))
    summary = report(scores[best], config.leaves[best])
    return Chosen(models[best], encoding, scores[best].auc, summary)


# What is served: the way of the test flights to their predictions, as it was evaluated.
endpoint = Endpoint(
    "delays",
    pipeline=delays,
    request="split.test",
    response="predict",
    label="late",
    contract=Contract(metrics={"auc": 0.65}, bundle_mb=5, memory_mb=500, cpu_ms=50),
)
