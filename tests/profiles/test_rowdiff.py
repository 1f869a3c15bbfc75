"""Rows that were added, removed and changed, counted as a slow comparison counts them."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.errors import NotFoundError
from solvent.profiles.rowdiff import RowChanges, compare_rows
from solvent.profiles.rows import as_arrow
from tests import soak

NAN = float("nan")


def arrow(value: Any) -> pa.Table:
    found = as_arrow(value)
    assert found is not None
    return found


def compare(before: dict[str, Any], after: dict[str, Any], *key: str, **options: Any) -> RowChanges:
    return compare_rows(pa.table(before), pa.table(after), key, **options)


def counts(found: RowChanges) -> tuple[int, int, int | None, int]:
    return found.added, found.removed, found.changed, found.unchanged


def test_rows_are_compared_wherever_they_stand_and_as_often_as_they_are_there() -> None:
    assert counts(compare({"x": [1, 1, 2, 3]}, {"x": [3, 1, 4, 1, 1]})) == (2, 1, None, 3)


def test_with_a_key_a_changed_row_is_one_row() -> None:
    found = compare(
        {"id": [1, 2, 3, 4], "a": [1, 2, 3, 4], "b": "wxyz"[:1].split() * 4},
        {"id": [4, 3, 2, 9], "a": [4, 3, 7, 9], "b": ["w", "v", "w", "w"]},
        "id",
    )
    assert counts(found) == (1, 1, 2, 1)
    assert found.columns == {"a": 1, "b": 1}
    assert found.examples == {
        "added": [{"id": 9, "a": 9, "b": "w"}],
        "removed": [{"id": 1, "a": 1, "b": "w"}],
        "changed": [((3,), "b", "w", "v"), ((2,), "a", 2, 7)],
    }


def test_missing_values_equal_each_other_and_nan_equals_nan() -> None:
    found = compare({"id": [1, 2, 3], "x": [NAN, None, 0.0]}, {"id": [1, 2, 3], "x": [NAN, None, -0.0]}, "id")
    assert counts(found) == (0, 0, 0, 3)
    assert counts(compare({"x": [NAN]}, {"x": pa.array([None], pa.float64())})) == (1, 1, None, 0)
    assert counts(compare({"x": [NAN]}, {"x": pa.array([None], pa.float64())}, nan_is_null=True)) == (0, 0, None, 1)


def test_repeated_keys_are_matched_in_order_and_told_with_those_that_are_not_known() -> None:
    found = compare({"id": [1, 1, 1, None], "x": [1, 2, 3, 4]}, {"id": [1, 1, None, None], "x": [1, 9, 5, 6]}, "id")
    assert counts(found) == (1, 1, 2, 1)
    assert (found.repeated, found.unknown) == ((3, 4), (1, 2))


def test_several_columns_may_be_the_key() -> None:
    before = {"day": [1, 1, 2], "hour": [1, 2, 1], "x": [1, 2, 3]}
    found = compare(before, {**before, "x": [1, 2, 4]}, "day", "hour")
    assert found.examples["changed"] == [((2, 1), "x", 3, 4)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (pa.array([1, 2**60 + 1, None]), pa.array([1.0, float(2**60), None])),
        (pa.array([1, 2, 3], pa.int8()), pa.array([1, 2, 3], pa.uint64())),
        (pa.array(["a", "b", None]), pa.array(["a", "b", None]).dictionary_encode()),
        (pa.array([date(2020, 1, 1)] * 3), pa.array([datetime(2020, 1, 1)] * 3, pa.timestamp("ns"))),
        (
            pa.array([datetime(2020, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))] * 3, pa.timestamp("us", "+05:00")),
            pa.array([datetime(2020, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("ms", "UTC")),
        ),
        (pa.array([timedelta(1)] * 3, pa.duration("ns")), pa.array([timedelta(1)] * 3, pa.duration("s"))),
        (pa.nulls(3), pa.array([None, None, None], pa.string())),
    ],
    ids=["whole floats", "widths", "categories", "dates", "zones", "durations", "nulls"],
)
def test_values_of_other_types_are_compared_by_what_they_mean(before: pa.Array, after: pa.Array) -> None:
    equal = 2 if before.type == pa.int64() else 3
    assert compare({"x": before}, {"x": after}).unchanged == equal


def test_what_can_not_be_compared_is_left_out_with_the_reason() -> None:
    found = compare({"id": [1, 2], "x": ["1", "2"]}, {"id": [1, 2], "x": [1, 2]})
    assert counts(found) == (0, 0, None, 2)
    assert found.left_out == {"x": "String can't be compared with Int64"}
    assert counts(compare({"x": [1, 2]}, {"y": [1]})) == (1, 2, None, 0)
    assert counts(compare({"x": pa.array([], pa.int64())}, {"x": [1]}, "x")) == (1, 0, 0, 0)


def test_a_key_that_is_not_there_gets_the_nearest_name() -> None:
    with pytest.raises(NotFoundError, match="new version has no column 'id'; did you mean 'idd'"):
        compare({"id": [1]}, {"idd": [1]}, "id")
    with pytest.raises(NotFoundError, match="can't be the key: String can't be compared"):
        compare({"id": ["1"], "x": [1]}, {"id": [1], "x": [1]}, "id")


def test_hidden_columns_show_no_value() -> None:
    found = compare({"ssn": [1, 2], "x": [1, 2]}, {"ssn": [1, 3], "x": [9, 2]}, "ssn", hidden={"ssn"})
    assert found.examples == {
        "added": [{"x": 2}],
        "removed": [{"x": 2}],
        "changed": [((), "x", 1, 9)],
    }


def test_tables_of_all_libraries_compare_with_each_other() -> None:
    columns: dict[str, Any] = {"id": [1, 2, 3], "x": [1.5, None, 2.5], "s": ["a", None, "c"]}
    frames = [pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)]
    for first in frames:
        for second in frames:
            assert counts(compare_rows(arrow(first), arrow(second), ["id"], nan_is_null=True)) == (0, 0, 0, 3)


CELLS = st.none() | st.integers(0, 3)
ROWS = st.lists(st.tuples(CELLS, CELLS), max_size=12)


@pytest.mark.slow
@given(ROWS, ROWS)
def test_counts_are_those_of_a_slow_comparison(before: list[Any], after: list[Any]) -> None:
    schema = pa.schema([("id", pa.int64()), ("x", pa.int64())])
    tables = [pa.Table.from_pylist([{"id": id, "x": x} for id, x in rows], schema) for rows in (before, after)]
    ours, theirs = Counter(before), Counter(after)
    same = (ours & theirs).total()
    assert counts(compare_rows(tables[0], tables[1])) == (len(after) - same, len(before) - same, None, same)
    rest = [Counter(id for id, _ in each.elements()) for each in (ours - theirs, theirs - ours)]
    matched = (rest[0] & rest[1]).total()
    found = compare_rows(tables[0], tables[1], ["id"])
    assert counts(found) == (rest[1].total() - matched, rest[0].total() - matched, matched, same)
    assert sum(found.columns.values()) == matched


@pytest.mark.soak
def test_a_million_rows_are_compared_in_seconds() -> None:
    rows = 1_000_000
    random = np.random.default_rng(0)
    columns = {"id": np.arange(rows), **{f"x{place}": random.normal(size=rows) for place in range(16)}}
    texts = {f"s{place}": random.integers(0, 100_000, rows).astype(str) for place in range(3)}
    before = pa.table({**columns, **texts})
    columns["x3"] = columns["x3"] + (columns["id"] < 5000)
    after = pa.table({**columns, **texts}).slice(1000)
    took = {}
    for key in ((), ("id",)):
        began = time.perf_counter()
        found = compare_rows(before, after, key)
        took[key] = time.perf_counter() - began
        assert found.removed == (1000 if key else 5000)
        assert took[key] < 10
    soak.record("rows of two tables of 1,000,000 x 20 compared", f"{took[()]:.1f} s, by a key {took[('id',)]:.1f} s", 0)
