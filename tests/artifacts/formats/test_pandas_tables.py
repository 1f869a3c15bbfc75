"""Tables of pandas come back with every dtype, index and label they had, or are refused by name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.artifacts.saving import save
from solvent.artifacts.store import LocalBlobs
from solvent.errors import FormatError
from solvent.fingerprint.values import identify
from solvent.model import Identity
from tests.artifacts.sameness import round_trip

FOR_NOW = Identity("0" * 64, "pandas:DataFrame")
PAIRS = pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("a", None)], names=["x", None])


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def objects(*cells: Any) -> pd.Series:
    return pd.Series(cells, dtype=object)


def with_attrs() -> pd.DataFrame:
    table = frame(a=[1])
    table.attrs = {"source": ("flights", {2}), "when": dt.date(2024, 1, 1)}
    return table


def wide() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.random((50, 300)), columns=[f"c{number}" for number in range(300)])


FRAMES: dict[str, pd.DataFrame] = {
    "plain": frame(a=[1, 2, 3], b=[1.5, np.nan, np.inf], c=["x", None, "é"], d=[True, False, True]),
    "negative zero and infinity": frame(a=[-0.0, -np.inf]),
    "small numbers": frame(a=np.array([1, 2], "int8"), b=np.array([1, 2], "uint16"), c=np.array([1, 2], "float16")),
    "empty": pd.DataFrame(),
    "no rows": frame(a=[1], b=["x"], c=pd.Categorical(["x"])).iloc[:0],
    "no columns": pd.DataFrame(index=range(5)),
    "no columns but labels": pd.DataFrame(index=["a", "b"]),
    "ordered categories": frame(a=pd.Categorical(["b", "a", None], categories=["c", "b", "a"], ordered=True)),
    "integer categories": frame(a=pd.Categorical([3, 1, None], categories=[7, 3, 1])),
    "float categories": frame(a=pd.Categorical([3.5, 1, None])),
    "date categories": frame(a=pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01", None]))),
    "interval categories": frame(a=pd.cut([1, 5, 9], [0, 4, 8])),
    "mixed categories": frame(a=pd.Categorical([1, "x", None], categories=["x", 1, 2.5])),
    "bool categories": frame(a=pd.Categorical([True, False])),
    "no categories": frame(a=pd.Categorical([], categories=[])),
    "zones": frame(
        berlin=pd.date_range("2020-03-28", periods=3, freq="h", tz="Europe/Berlin"),
        utc=pd.date_range("2020", periods=3, tz="UTC"),
        fixed=pd.to_datetime(["2020-01-01T00:00:00+02:00"] * 3),
    ),
    "nullable": frame(
        i=pd.array([1, None, 3], "Int8"),
        u=pd.array([1, None, 3], "UInt64"),
        f=pd.array([1, None, 2.5], "Float32"),
        b=pd.array([True, None, False], "boolean"),
    ),
    "strings": frame(
        s=pd.array(["a", None, "b"], "string"),
        python=pd.array(["a", None, "b"], "string[python]"),
        arrow=pd.array(["a", None, "b"], "string[pyarrow]"),
        plain=pd.array(["a", None, "b"], "str"),
    ),
    "arrow dtypes": frame(
        a=pd.array([1, None, 3], "int64[pyarrow]"),
        b=pd.array(["a", None, "b"], pd.ArrowDtype(pa.string())),
        c=pd.array([[1], None, [2, 3]], pd.ArrowDtype(pa.list_(pa.int8()))),
        d=pd.array([None] * 3, pd.ArrowDtype(pa.timestamp("s", "UTC"))),
    ),
    "multi-index": pd.DataFrame({"v": [1, 2, 3]}, index=PAIRS),
    "multi-index columns": pd.DataFrame([[1, 2, 3]], columns=PAIRS),
    "multi-index of dates": pd.DataFrame(
        {"v": [1.0, 2]},
        index=pd.MultiIndex.from_product([["a"], pd.date_range("2020", periods=2, freq="D")], names=["a", "b"]),
    ),
    "periods": frame(
        m=pd.period_range("2020", periods=3, freq="M"), q=pd.PeriodIndex(["2020Q1", None, "2020Q3"], freq="Q")
    ),
    "intervals": frame(
        i=pd.interval_range(0, 3), f=pd.arrays.IntervalArray.from_tuples([(0.5, 1), np.nan, (2, 3)], closed="both")
    ),
    "durations": frame(a=pd.to_timedelta([1, None, 3], unit="h")),
    "every other row": pd.DataFrame({"a": range(6)}).iloc[1::2],
    "stepped index": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 1, -2, name="r")),
    "index named as a column": pd.DataFrame({"a": [1, 2]}, index=pd.Index([5, 6], name="a")),
    "index with a frequency": pd.DataFrame(
        {"a": [1, 2]}, index=pd.date_range("2020", periods=2, freq="D", name=("t", 1))
    ),
    "attrs": with_attrs(),
    "no duplicate labels allowed": frame(a=[1]).set_flags(allows_duplicate_labels=False),
    "integer labels": pd.DataFrame([[1, 2]], columns=[10, 20]),
    "counted labels": pd.DataFrame([[1, 2]]),
    "tuple labels": pd.DataFrame([[1, 2]], columns=pd.Index([("a", 1), "b"], tupleize_cols=False)),
    "same label twice": pd.DataFrame([[1, "x"]], columns=["a", "a"]),
    "mixed labels": pd.DataFrame([[1, 2, 3]], columns=["a", 1, None]),
    "date labels": pd.DataFrame([[1, 2]], columns=pd.date_range("2020", periods=2)),
    "categorical labels": pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["a", "b"], name="q")),
    "object labels": pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b"], dtype=object, name="é")),
    "dotted labels": pd.DataFrame({"a": ["x"], "a.b": ["y"], "": [1.0], " ": [2]}),
    "10,000 characters": pd.DataFrame({"x" * 10_000: [1]}),
    "objects of one type": frame(
        s=objects("x", None, "y"),
        b=objects(True, None, False),
        f=objects("x", np.nan, "z"),
        d=objects(dt.date(2020, 1, 1), None, dt.date(1, 1, 1)),
        y=objects(b"x", None, b""),
        n=objects(None, None, None),
        r=objects(1.5, None, 2.0),
    ),
    "objects of mixed types": frame(
        a=objects(1, "x", None),
        b=objects(1, None, 2**80),
        c=objects([1], {"a": (2, 3)}, None),
        d=objects("x", np.nan, None),
        e=objects(pd.Timestamp("2020", tz="UTC"), pd.NaT, pd.NA),
        f=objects(Decimal("1.10"), Decimal("1.1"), None),
        g=objects(1, 1.0, True),
        h=objects(np.float32(1.5), np.int8(3), np.datetime64("2020-01-01")),
    ),
    "complex": frame(a=np.array([1 + 2j, 3, np.nan])),
    "sparse": frame(a=pd.arrays.SparseArray([0, 0, 1, np.nan])),
    "wide": wide(),
    **{
        f"moments in {unit}": frame(
            at=pd.Series(["2020-01-01", None], dtype=f"M8[{unit}]"),
            span=pd.Series([1, None]).astype(f"m8[{unit}]"),
            zoned=pd.Series(["2020-01-01", None], dtype=f"M8[{unit}]").dt.tz_localize("Asia/Tokyo"),
        )
        for unit in ("s", "ms", "us", "ns")
    },
}

ONES: dict[str, Any] = {
    "series": pd.Series([1, 2], name=("a", 1), index=["x", "y"]),
    "nameless series": pd.Series([1.0, np.nan]),
    "series of categories": pd.Series(["a", "b"], dtype="category", name="c"),
    "index": pd.Index([1, 2], name="q"),
    "range": pd.RangeIndex(3),
    "pairs": PAIRS,
    "categories": pd.CategoricalIndex(["a", "b"]),
    "intervals": pd.interval_range(0, 3),
    "objects": pd.Index([1, "a", None], dtype=object),
    "bools": pd.Index([True, False]),
    "nan": pd.Index([1.0, np.nan]),
    "dates": pd.date_range("2020", periods=3, freq="MS", tz="Europe/Berlin"),
    "durations": pd.timedelta_range("1D", periods=3, freq="12h"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_equal(name: str, blobs: LocalBlobs) -> None:
    _, ref = round_trip(FRAMES[name], blobs)
    assert ref.format == "pandas"
    assert not ref.pickled


@pytest.mark.parametrize("name", ONES)
def test_a_series_or_index_comes_back_equal(name: str, blobs: LocalBlobs) -> None:
    _, ref = round_trip(ONES[name], blobs)
    assert ref.format == "pandas"


def test_cells_that_are_arrays_come_back(blobs: LocalBlobs) -> None:
    table = frame(a=objects(np.arange(3), np.arange(2.0)))
    from solvent.artifacts.saving import load

    again = load(save(table, FOR_NOW, blobs), blobs)
    assert [cell.tolist() for cell in again["a"]] == [[0, 1, 2], [0.0, 1.0]]
    assert again["a"][1].dtype == np.float64


def large(rows: int = 70_000) -> pd.DataFrame:
    """A table of more bytes than are kept inline, with categories that are kept aside as a blob."""
    words = [f"word {number}" for number in range(rows)]
    index = pd.MultiIndex.from_arrays([np.arange(rows), words], names=["n", "w"])
    return pd.DataFrame({"f": np.arange(rows) / 7, "s": words, "c": pd.Categorical(words)}, index=index)


def test_a_large_table_comes_back_from_blobs(blobs: LocalBlobs) -> None:
    _, ref = round_trip(large(), blobs)
    assert ref.inline is None
    assert len(ref.blobs) > 1


def test_a_very_large_table_can_be_changed_by_who_reads_it(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solvent.artifacts.formats.pandas_tables.LARGE_BYTES", 1000)
    table = frame(a=np.arange(1000.0), b=np.arange(1000), c=pd.date_range("2020", periods=1000))
    again, _ = round_trip(table, blobs)
    again.iloc[0, 0] = 5.0
    again["b"] += 1
    again.loc[3, "c"] = pd.NaT
    assert again["a"][0] == 5.0


def test_a_table_that_was_read_can_be_changed(blobs: LocalBlobs) -> None:
    again, _ = round_trip(frame(a=[1.0, 2.0], s=["x", "y"]), blobs)
    again.iloc[0, 0] = 5.0
    again.loc[1, "s"] = "z"
    assert again.to_numpy().tolist() == [[5.0, "x"], [2.0, "z"]]


@pytest.mark.parametrize(
    ("table", "where"),
    [
        (frame(a=[1], b=objects(object())), "value, column 'b', row 0"),
        (pd.DataFrame({("x", 1): objects(open)}), "value, column ('x', 1), row 0"),
        (frame(a=objects("\ud800")), "value, column 'a'"),
    ],
)
def test_what_a_table_can_not_hold_is_refused_with_its_place(
    table: pd.DataFrame, where: str, blobs: LocalBlobs
) -> None:
    if "x" in str(table.columns[0]):
        table.iloc[0, 0] = object()
    with pytest.raises(FormatError) as caught:
        save(table, FOR_NOW, blobs)
    assert caught.value.where == where
    assert caught.value.hint


def test_attrs_that_can_not_be_kept_are_refused(blobs: LocalBlobs) -> None:
    table = frame(a=[1])
    table.attrs = {"lock": object()}
    with pytest.raises(FormatError, match=r"can't be stored here\n  at: value, its attrs\['lock'\]"):
        save(table, FOR_NOW, blobs)


class Strange(pd.api.extensions.ExtensionDtype):
    """A dtype that Arrow knows nothing of."""

    name = "strange"
    type = object

    @classmethod
    def construct_array_type(cls) -> Any:
        return StrangeArray


class StrangeArray(pd.api.extensions.ExtensionArray):
    dtype = Strange()  # type: ignore[assignment]

    def __len__(self) -> int:
        return 2

    def __getitem__(self, item: Any) -> Any:
        return "?" if isinstance(item, int) else self

    def isna(self) -> Any:
        return np.array([False, False])

    def copy(self) -> Any:
        return self

    @property
    def nbytes(self) -> int:
        return 0


def test_an_unknown_dtype_is_refused_by_name(blobs: LocalBlobs) -> None:
    with pytest.raises(FormatError, match="the dtype strange can't be written") as caught:
        save(pd.DataFrame({"a": StrangeArray()}), FOR_NOW, blobs)
    assert caught.value.where == "value, column 'a'"
    assert "astype" in str(caught.value.hint)


def test_the_file_opens_in_other_libraries(blobs: LocalBlobs, tmp_path: Path) -> None:
    table = large(5000).assign(day=pd.date_range("2020", periods=5000, tz="UTC"))
    ref = save(table, identify(table), blobs)
    path = tmp_path / "table.parquet"
    path.write_bytes(blobs.read(ref.blobs[-1]))
    by_pandas, by_polars = pd.read_parquet(path), pl.read_parquet(path)
    assert by_pandas["s"].tolist() == table["s"].tolist()
    assert by_polars["f"].to_list() == table["f"].tolist()
    assert by_polars["c"].cast(pl.String).to_list() == table["s"].tolist()
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"select count(distinct c) from '{path}'").fetchall() == [(5000,)]
