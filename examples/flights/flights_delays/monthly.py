"""The same pipeline for each month that arrives: ready-made steps, and two of our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from flights_delays.clock import clock_columns
from solvent import Step, pipeline, source, step
from solvent.checks import between, not_null, one_of, row_count
from solvent.profiles.records import Metrics
from solvent.steps import evaluate, fit, fit_preprocess, predict, preprocess, split

UNKNOWN_BEFORE = ["time_hour", "arr_delay", "tailnum"]


@step(
    dataset="flights",
    checks=[
        row_count(at_least=10_000),
        not_null("carrier", "origin", "dest", "sched_dep_time"),
        one_of("origin", ["EWR", "JFK", "LGA"]),
        between("distance", 1, 6000),
    ],
)
def load() -> pd.DataFrame:
    """The month that is there now, a version of the dataset `flights`."""
    return source("flights", pd.DataFrame)


@step
def prepare(flights: pd.DataFrame, late_minutes: int) -> pd.DataFrame:
    """Only flights that arrived, with `late` for what is to be predicted, and the day they left."""
    arrived = flights.dropna(subset=["arr_delay"])
    columns = {**clock_columns(arrived), "late": arrived["arr_delay"] > late_minutes}
    return arrived.drop(columns=UNKNOWN_BEFORE).assign(**columns).reset_index(drop=True)


@dataclass(frozen=True)
class Config:
    late_minutes: int = 15
    model: str = "boosting"
    trainer: Step[..., Any] = fit


@pipeline
def monthly(config: Config) -> Metrics:
    flights = prepare(load(), config.late_minutes)
    # Whole days go to one part: flights of one day share its weather, and one could tell on the other.
    parts = split(flights, by="group", group=["month", "day"], target="late", test=0.25)
    fitted = fit_preprocess(parts.train, "late", leave_out=["month", "day"])
    model = config.trainer(preprocess(fitted, parts.train), "late", config.model)
    chances = predict(model, preprocess(fitted, parts.test))
    return evaluate(parts.test, chances, target="late", slices=["carrier", "origin"])
