"""Frames of pandas and polars: what is their content, and that it survives being written and read."""

from __future__ import annotations

import io
import pickle
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing.parametric import dataframes

from solvent.errors import IdentityError
from solvent.fingerprint.values import identify

N = 12
WORDS = ["a", None, "é", ""] * 3
COLUMNS: dict[str, Any] = {
    "float": np.array([1.5, np.nan, -0.0, np.inf] * 3),
    "float32": np.linspace(0, 1, N, dtype="float32"),
    "int8": np.arange(N, dtype="int8"),
    "bool": np.arange(N) % 2 == 0,
    "str": pd.array(WORDS, dtype="str"),
    "string": pd.array(WORDS, dtype="string"),
    "object": pd.Series(WORDS, dtype=object),
    "bytes": pd.Series([b"a", None] * 6, dtype=object),
    "mixed": pd.Series([1, "x", None, (1, 2)] * 3, dtype=object),
    "decimal": pd.Series([Decimal("1.10"), None] * 6, dtype=object),
    "time": pd.date_range("2024", periods=N),
    "zone": pd.date_range("2024", periods=N, tz="Europe/Berlin"),
    "delta": pd.timedelta_range("1s", periods=N),
    "category": pd.Categorical(["x", "y", None] * 4, categories=["z", "y", "x"]),
    "ordered": pd.Categorical(["x", "y", None] * 4, categories=["x", "y"], ordered=True),
    "Int64": pd.array([1, None, 3] * 4, dtype="Int64"),
    "Float32": pd.array([1.5, None, 3] * 4, dtype="Float32"),
    "boolean": pd.array([True, None, False] * 4, dtype="boolean"),
    "period": pd.period_range("2024-01", periods=N, freq="M"),
    "interval": pd.interval_range(0, N),
    "arrow": pd.array([1, None, 3] * 4, dtype=pd.ArrowDtype(pa.int32())),
    "lists": pd.array([[1], None, []] * 4, dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "sparse": pd.arrays.SparseArray([0, 0, 1] * 4),
    "complex": np.arange(N) * 1j,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_the_same_in_another_frame_and_process(name: str) -> None:
    frame = pd.DataFrame({name: COLUMNS[name]})
    assert identify(pickle.loads(pickle.dumps(frame))) == identify(frame)
    assert identify(frame[name].copy()) == identify(frame[name])
    assert identify(frame.iloc[3:9].reset_index(drop=True)) == identify(frame.iloc[3:9].copy().reset_index(drop=True))
    if not frame[name].isna().any():
        assert identify(frame.set_index(name)) == identify(pickle.loads(pickle.dumps(frame.set_index(name))))


def test_each_of_them_is_another_value() -> None:
    found = {identify(pd.DataFrame({"a": values})).digest for values in COLUMNS.values()}
    assert len(found) == len(COLUMNS)


PARQUET = [name for name in COLUMNS if name not in ("mixed", "lists", "sparse", "complex", "interval")]


def test_a_pandas_frame_is_the_same_after_parquet() -> None:
    frame = pd.DataFrame({name: COLUMNS[name] for name in PARQUET}).set_index(["int8", "str"], drop=False)
    out = io.BytesIO()
    frame.to_parquet(out)
    back = pd.read_parquet(out)
    kept = [name for name in PARQUET if back[name].dtype == frame[name].dtype]
    assert len(kept) > len(PARQUET) - 3
    assert identify(back[kept]) == identify(frame[kept])


@given(dataframes(max_cols=4, max_size=10, excluded_dtypes=[pl.Object]))
def test_a_polars_frame_is_the_same_rechunked_and_after_writing(frame: pl.DataFrame) -> None:
    frame = frame.select(name for name, dtype in frame.schema.items() if "128" not in repr(dtype))  # Arrow lacks these
    expected = identify(frame)
    assert identify(frame.rechunk()) == expected
    assert identify(pl.concat([frame, frame]).head(frame.height)) == expected
    assert identify(pl.concat([frame.head(3), frame.tail(max(frame.height - 3, 0))], rechunk=False)) == expected
    out = io.BytesIO()
    frame.write_ipc(out)
    out.seek(0)
    back = pl.read_ipc(out)
    if back.schema == frame.schema:
        assert identify(back) == expected


def changed(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    noted = frame.copy()
    noted.attrs["unit"] = "m"
    unique = frame.copy()
    unique.flags.allows_duplicate_labels = False
    return {
        "index": frame.set_axis([1, 2]),
        "kind of index": frame.set_axis(pd.Index([0, 1])),
        "name of index": frame.rename_axis("i"),
        "name of columns": frame.rename_axis(columns="c"),
        "column": frame.rename(columns={"a": "b"}),
        "attrs": noted,
        "flags": unique,
        "levels": frame.set_axis(pd.MultiIndex.from_tuples([("x", 1), ("x", 2)])),
    }


@pytest.mark.parametrize("what", changed(pd.DataFrame({"a": [1, 2]})))
def test_what_else_is_content_of_a_pandas_frame(what: str) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    assert identify(changed(frame)[what]).digest != identify(frame).digest


def test_a_range_is_the_same_wherever_within_its_last_step_it_ends() -> None:
    every_other = pd.DataFrame({"a": range(6)}).iloc[1::2]
    written = pd.DataFrame({"a": [1, 3, 5]}, index=pd.RangeIndex(1, 7, 2))
    assert (every_other.index.stop, written.index.stop) == (6, 7)
    assert identify(every_other) == identify(written)


def test_missing_values_of_different_kinds_differ() -> None:
    found = {identify(pd.Series([missing, "a"], dtype=object)).digest for missing in (None, np.nan, pd.NA, pd.NaT)}
    assert len(found) == 4


def test_what_lies_under_a_mask_does_not_count() -> None:
    mask = np.array([True, False])
    one, other = (pd.Series(pd.arrays.IntegerArray(np.array([hidden, 1]), mask)) for hidden in (5, 7))
    assert identify(one) == identify(other)
    nan, na = (
        pd.Series(pd.arrays.FloatingArray(np.array([np.nan, 1]), np.array([hidden, False]))) for hidden in (False, True)
    )
    assert identify(nan).digest != identify(na).digest


def test_what_stores_strings_does_not_count() -> None:
    python, arrow = (pd.Series(WORDS, dtype=pd.StringDtype(kind, na_value=np.nan)) for kind in ("python", "pyarrow"))
    assert identify(python) == identify(arrow)


def test_unusual_frames_have_an_identity() -> None:
    frames = [
        pd.DataFrame(),
        pd.DataFrame(index=range(3)),
        pd.DataFrame(index=range(4)),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=[1, "1"]),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
        pd.DataFrame({"a": ["\ud800"]}, dtype=object),
        pd.DataFrame({"a" * 10_000: [1]}),
    ]
    assert len({identify(frame).digest for frame in frames}) == len(frames)
    assert list(identify(frames[3]).columns or ()) == ["a", "a #2"]


class Measured(pd.DataFrame):
    _metadata = ["unit"]  # noqa: RUF012 - as pandas wants it

    @property
    def _constructor(self) -> type:
        return Measured


def test_a_frame_of_ones_own_class_counts_with_what_it_carries() -> None:
    one, other = Measured({"a": [1]}), Measured({"a": [1]})
    one.unit, other.unit = "m", "km"
    assert identify(one).digest != identify(other).digest
    assert any(name.endswith(":Measured") for name in identify(one).classes)


def test_the_column_of_what_is_refused_is_named() -> None:
    with pytest.raises(IdentityError, match=r"given\['f'\]\[1\]: a lambda"):
        identify(pd.DataFrame({"f": pd.Series([1, lambda: 1], dtype=object)}), path="given")
    with pytest.raises(IdentityError, match=r"given\['o'\]: a column of Python objects"):
        identify(pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), path="given")
    with pytest.raises(IdentityError, match=r"a lazy query"):
        identify(pl.LazyFrame({"a": [1]}))


def test_integers_too_wide_for_arrow_count_too() -> None:
    found = [identify(pl.Series([number], dtype=pl.Int128)).digest for number in (2**100, 2**100 + 1)]
    assert found[0] != found[1]
    with pytest.raises(IdentityError, match=r"given\['s'\]: a column of type Struct"):
        identify(pl.DataFrame({"s": pl.Series([{"a": 1}], dtype=pl.Struct({"a": pl.Int128}))}), path="given")


def test_the_categories_of_a_nested_enum_count() -> None:
    one, other = (pl.Series([["x"]], dtype=pl.List(pl.Enum(order))) for order in (["x", "y"], ["y", "x"]))
    assert identify(one).digest != identify(other).digest


@given(st.permutations(["x", "y", "z"]))
def test_the_order_of_categories_counts(order: list[str]) -> None:
    base = identify(pl.Series(["x"], dtype=pl.Enum(["x", "y", "z"])))
    assert (identify(pl.Series(["x"], dtype=pl.Enum(order))) == base) == (order == ["x", "y", "z"])
