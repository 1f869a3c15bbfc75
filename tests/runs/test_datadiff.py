"""Two versions of a dataset side by side, by what is on record and by their rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import solvent
from solvent import pipeline, step
from solvent.config.project import Project
from solvent.runs.datadiff import VersionDiff, compare_versions
from solvent.runs.datasets import find_version
from solvent.runs.stores import Stores

COLUMNS: dict[str, Any] = {"id": [1, 2, 3], "x": [1.0, None, 3.0], "s": ["a", "b", None]}
CONTENTS = {
    "first": pd.DataFrame(COLUMNS),
    "changed": pd.DataFrame({**COLUMNS, "s": ["a", "B", None]}),
    "wider": pd.DataFrame({**COLUMNS, "new": [1, 2, 3]}),
    "reordered": pd.DataFrame({name: COLUMNS[name] for name in ("s", "id", "x")}),
    "polars": pl.DataFrame({"id": [3, 2, 1], "x": [3, None, 1], "t": ["a"] * 3}),
    "list": [1, 2],
}


@step(dataset="tables")
def table(name: str) -> object:
    return CONTENTS[name]


@pipeline
def main(name: str) -> object:
    return table(name)


@pytest.fixture
def stores(project: Path) -> Iterator[Stores]:
    with Stores(Project.find()) as opened:
        yield opened


def diff(stores: Stores, first: str, second: str, *key: str, **options: Any) -> VersionDiff:
    digests = [solvent.run(main, name=name)["table"][0].artifacts["output"].digest for name in (first, second)]
    versions = [find_version(f"tables@{digest}", stores) for digest in digests]
    return compare_versions(versions[0], versions[1], key=key, **options)


def statuses(found: VersionDiff) -> dict[str, str]:
    return {each.name: each.status for each in found.columns}


def test_a_changed_cell_is_found_by_column_and_by_row(stores: Stores) -> None:
    found = diff(stores, "first", "changed", "id")
    assert statuses(found) == {"id": "same", "x": "same", "s": "changed"}
    assert found.rows is not None
    assert (found.rows.changed, found.rows.columns) == (1, {"s": 1})
    assert found.drift is not None


@pytest.mark.slow
def test_digests_that_say_all_spare_the_reading(stores: Stores) -> None:
    found = diff(stores, "first", "wider")
    assert statuses(found) == {"id": "same", "x": "same", "s": "same", "new": "new"}
    assert (found.rows, found.rows_why[:10], found.same) == (None, "equal rows", False)
    other = diff(stores, "first", "reordered")
    assert (other.rows, other.reordered) == (None, True)
    assert diff(stores, "first", "first").same
    assert diff(stores, "first", "changed", read=False).rows is None


@pytest.mark.slow
def test_tables_of_two_libraries_are_compared_by_what_they_share(stores: Stores) -> None:
    found = diff(stores, "first", "polars", "id")
    assert {name: status for name, status in statuses(found).items() if name in "st"} == {"s": "gone", "t": "new"}
    assert found.rows is not None
    assert (found.rows.added, found.rows.removed, found.rows.changed) == (0, 0, 0)


@pytest.mark.slow
def test_what_is_no_table_is_known_to_differ(stores: Stores) -> None:
    found = diff(stores, "first", "list")
    assert (found.rows, found.rows_why) == (None, "this is no table: only that the content differs is known")
    assert found.drift is None


@pytest.mark.slow
def test_sensitive_columns_show_no_value(stores: Stores, project: Path) -> None:
    (project / "solvent.toml").write_text('sensitive_columns = ["s*"]')
    with Stores(Project.find()) as masked:
        found = diff(masked, "first", "changed", "id")
    assert found.rows is not None
    assert (found.rows.columns, found.rows.examples) == ({"s": 1}, {})
