from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.errors import NotFoundError
from solvent.steps import check_leakage


def people(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "height": generator.normal(170, 9, rows).round(3),
            "weight": generator.normal(70, 12, rows).round(3),
            "town": generator.choice(["Bern", "Basel", "Chur"], rows),
            "sick": generator.random(rows) < 0.3,
        }
    )


def kinds(*tables: Any, **columns: Any) -> list[str]:
    return [each.kind for each in check_leakage(*tables, **columns)]


def as_library(table: pd.DataFrame, library: str) -> Any:
    if library == "pandas":
        return table
    return pl.from_pandas(table) if library == "polars" else pa.Table.from_pandas(table, preserve_index=False)


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_rows_on_both_sides_are_counted_with_and_without_the_target(library: str) -> None:
    train, test = people(), people(100, seed=1)
    test.iloc[:20] = train.iloc[50:70]
    test.loc[:7, "sick"] = ~test.loc[:7, "sick"]
    (found,) = check_leakage(as_library(train, library), as_library(test, library), target="sick")
    assert (found.kind, found.severity) == ("duplicates", "alert")
    assert json.loads(found.detail) == {"rows": 20, "same_target": 12, "by_chance": 0}
    assert found.message.startswith("20 of 100 (20 %) rows of test are in train as well, in all but 'sick'")


def test_a_few_rows_on_both_sides_are_a_warning() -> None:
    train, test = people(), people(400, seed=1)
    test.iloc[:2] = train.iloc[:2]
    assert [each.severity for each in check_leakage(train, test, target="sick")] == ["warn"]


def test_rows_of_a_table_with_few_kinds_of_rows_are_alike_by_chance() -> None:
    generator = np.random.default_rng(0)
    table = pd.DataFrame({name: generator.integers(0, 4, 1000) for name in "abc"})
    assert kinds(table.iloc[:700], table.iloc[700:]) == []


def test_a_number_of_the_row_does_not_hide_that_it_is_there_twice() -> None:
    train, test = people(), people(100, seed=1)
    test.iloc[:20] = train.iloc[:20]
    numbered = pd.concat([train, test]).assign(row=range(500))
    assert kinds(numbered.iloc[:400], numbered.iloc[400:], target="sick") == ["duplicates"]


def test_arrays_are_looked_at_by_the_numbers_of_their_columns() -> None:
    array = people()[["height", "weight"]].to_numpy()
    assert kinds(array[:300], array[200:]) == ["duplicates"]
    assert kinds(array[:300], array[300:]) == []


@pytest.mark.parametrize("role", ["key", "group"])
def test_a_key_or_group_on_both_sides_is_an_alert(role: str) -> None:
    table = people().assign(family=np.arange(400) // 4)
    (found,) = check_leakage(table.iloc[:202], table.iloc[202:], **{role: "family"})
    assert (found.kind, found.severity) == (f"shared {role}", "alert")
    assert json.loads(found.detail)["values"] == 1
    assert kinds(table.iloc[:200], table.iloc[200:], **{role: "family"}) == []


def test_train_rows_after_the_first_of_test_are_told() -> None:
    table = people().assign(day=pd.Timestamp("2013-01-01") + pd.to_timedelta(np.arange(400), unit="D"))
    assert kinds(table.iloc[:300], table.iloc[300:], time="day") == []
    assert kinds(table.iloc[::2], table.iloc[1::2], time="day") == ["time overlap"]


@pytest.mark.parametrize(
    ("column", "target"),
    [
        (lambda table: table["sick"] * 3.0 + 1, "sick"),
        (lambda table: np.where(table["sick"], "ill", "well"), "sick"),
        (lambda table: table["height"] * -2 + 5, "height"),
        (lambda table: np.exp(table["height"] / 10), "height"),
    ],
    ids=["AUC", "purity", "correlation", "rank correlation"],
)
def test_a_column_that_predicts_the_target_alone_is_told(column: Any, target: str) -> None:
    table = people(500)
    table = table.assign(after=column(table))
    found = check_leakage(table.iloc[:400], table.iloc[400:], target=target)
    assert [(each.kind, json.loads(each.detail)["column"]) for each in found] == [("predicts the target", "after")]


def test_of_few_rows_no_column_is_said_to_predict_the_target() -> None:
    table = people(45)
    assert kinds(table.iloc[:40].assign(after=table["sick"] * 1.0), table.iloc[40:], target="sick") == []


def test_a_target_that_is_spread_otherwise_is_told_beyond_what_chance_does() -> None:
    table = people(2000).sort_values("sick")
    assert "target gap" in kinds(table.iloc[:1000], table.iloc[1000:], target="sick")
    assert kinds(people(1000), people(60, seed=5), target="sick") == []


def test_categories_that_train_has_not_are_told_without_a_value() -> None:
    train, test = people(), people(100, seed=1)
    test.loc[:9, "town"] = "Genf"
    (found,) = check_leakage(train, test)
    assert found.kind == "unseen categories"
    assert "Genf" not in found.message + found.detail


def test_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="sick"):
        check_leakage(people(), people(seed=1), target="sik")
    with pytest.raises(NotFoundError, match="sick"):
        check_leakage(people(), people(seed=1).drop(columns="sick"), target="sick")


def test_empty_parts_have_no_leaks() -> None:
    assert kinds(people(), people(0), target="sick", group="town") == []
