"""Tables of polars come back with their schema; a column of Python objects is refused by name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.errors import FormatError
from solvent.model import Identity
from tests.artifacts.sameness import assert_same, round_trip

FOR_NOW = Identity("0" * 64, "polars:DataFrame")

WORDS = pl.Series(["x", None, "é"])
MOMENTS = pl.Series([dt.datetime(2020, 1, 1), None, dt.datetime(1969, 1, 1)])

COLUMNS: dict[str, pl.Series] = {
    "integers": pl.Series([1, None, -3]),
    "floats": pl.Series([float("nan"), float("inf"), None], dtype=pl.Float32),
    "words": WORDS,
    "categories": WORDS.cast(pl.Categorical),
    "enums": WORDS.cast(pl.Enum(["é", "unused", "x"])),
    "lists": pl.Series([[1], None, []]),
    "lists of categories": pl.Series([["a"], None, ["b", "a"]], dtype=pl.List(pl.Categorical)),
    "arrays": pl.Series([[1, 2], [3, 4], None], dtype=pl.Array(pl.Int8, 2)),
    "structs": pl.Series([{"x": 1, "y": [1.5]}, None, {"x": 2, "y": None}]),
    "moments": MOMENTS,
    "moments in ms": MOMENTS.dt.cast_time_unit("ms"),
    "zoned": MOMENTS.dt.replace_time_zone("Europe/Berlin"),
    "dates": MOMENTS.cast(pl.Date),
    "times": pl.Series([dt.time(1), None, dt.time(23, 59, 59, 999)]),
    "durations": pl.Series([dt.timedelta(1), None, dt.timedelta(microseconds=1)]),
    "bytes": pl.Series([b"\x00", None, b""]),
    "decimals": pl.Series([Decimal("1.10"), None, Decimal("-2")]),
    "nulls": pl.Series([None, None, None]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_equal(name: str, blobs: LocalBlobs) -> None:
    series = COLUMNS[name].alias(name)
    _, ref = round_trip(series, blobs)
    assert ref.format == "polars"
    round_trip(series.to_frame(), blobs)
    round_trip(series.to_frame().clear(), blobs)


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame(),
        pl.DataFrame({"n" * 10_000: [1]}),
        pl.DataFrame({"": [1], "a.b": ["x"]}),
        pl.DataFrame({"a": range(9999)}),
    ],
    ids=["empty", "10,000 characters", "odd names", "large"],
)
def test_a_table_comes_back_equal(table: pl.DataFrame, blobs: LocalBlobs) -> None:
    round_trip(table, blobs)


def test_integers_of_128_bits_come_back(blobs: LocalBlobs) -> None:
    table = pl.DataFrame({"a": pl.Series([1, 2**100, None], dtype=pl.Int128)})
    assert_same(table, load(save(table, FOR_NOW, blobs), blobs))


class Thing:
    pass


@pytest.mark.parametrize("value", [pl.Series("o", [Thing()], dtype=pl.Object), pl.DataFrame({"a": [1]}).lazy()])
def test_what_polars_can_not_write_is_refused(value: Any, blobs: LocalBlobs) -> None:
    with pytest.raises(FormatError) as caught:
        save(value, FOR_NOW, blobs)
    assert "column 'o'" in str(caught.value) or "collect" in str(caught.value)
