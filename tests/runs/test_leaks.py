"""What was learned from rows that it should not know is told at the end of a run; the zoo in tests/stories has many more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import solvent
from solvent import pipeline, step
from solvent.config.project import Project
from solvent.metadata.profiles import list_findings
from solvent.model import Finding
from solvent.runs.dataflow import has_fraction, holds_rows, side_of
from solvent.runs.stores import Stores
from solvent.steps import split


class Halves(NamedTuple):
    train: np.ndarray[Any, Any]
    test: np.ndarray[Any, Any]


@step
def load() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=(60, 2))


@step
def halve(table: np.ndarray[Any, Any]) -> Halves:
    return Halves(table[:40], table[40:])


@step
def mean(table: np.ndarray[Any, Any]) -> dict[str, float]:
    return {"mean": float(table.mean())}


@step
def centre(table: np.ndarray[Any, Any], learned: dict[str, float]) -> np.ndarray[Any, Any]:
    return table - learned["mean"]


@pipeline
def centred(sound: bool = False) -> Any:
    table = load()
    parts = halve(table)
    learned = mean(parts.train if sound else table)
    return centre(parts.train, learned), centre(parts.test, learned)


@pipeline
def twice() -> Any:
    return split(np.concatenate([np.eye(30), np.eye(30)]), by="random").record


@pytest.fixture
def stores(project: Path) -> Iterator[Stores]:
    with Stores(Project.find()) as found:
        yield found


def told(stores: Stores, made: Any, **config: Any) -> list[Finding]:
    return list_findings(stores.metadata, solvent.run(made, engine="inline", **config).id)


def test_a_statistic_of_all_rows_is_told_with_its_way_and_what_to_do(stores: Stores) -> None:
    (found,) = told(stores, centred)
    assert (found.kind, found.severity, found.subject) == ("fitted before the split", "warn", "mean")
    assert found.message.endswith("and centre uses it with train: load -> mean -> centre")
    assert found.fix == "let mean learn from the train part of halve alone: mean(parts.train)"
    assert json.loads(found.detail)["split"] == "halve"
    assert told(stores, centred) == [found], "reused steps tell what they told when they ran"
    assert told(stores, centred, sound=True) == []


def test_what_a_split_found_is_told_at_the_end_of_the_run(stores: Stores) -> None:
    found = told(stores, twice)
    assert {(each.kind, each.subject) for each in found} == {("duplicates", "split")}


@pytest.mark.parametrize(
    ("field", "side"),
    [
        *(("train", "train"), ("X_train", "train"), ("yTest", "test"), ("test_x", "test"), ("val", "validation")),
        *(("trained", None), ("contest", None), ("train_test", None), ("", None), ("holdout", "test")),
    ],
)
def test_fields_name_the_side_that_they_are_on(field: str, side: str | None) -> None:
    assert side_of(field) == side


def test_plain_values_with_fractions_are_statistics() -> None:
    assert has_fraction({"a": [1, (2, 0.5)]})
    assert not has_fraction({"a": 1, "b": 2.0, "c": "x", "d": float("nan"), "e": None})


def test_tables_and_arrays_hold_rows() -> None:
    assert holds_rows("polars.dataframe.frame:DataFrame")
    assert holds_rows("numpy:ndarray")
    assert not holds_rows("builtins:dict")
    assert not holds_rows("mine:DataFrame")
