"""Arrow data comes back with schema, metadata and every type, in Parquet or, where that has no word for it, in IPC."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.model import Identity
from tests.artifacts.sameness import assert_same, round_trip

FOR_NOW = Identity("0" * 64, "pyarrow:Table")


def table(**columns: Any) -> pa.Table:
    return pa.table(columns)


IN_PARQUET: dict[str, pa.Table] = {
    "plain": table(a=[1, None], s=["x", None], b=[True, None], f=[1.5, float("nan")]),
    "moments": table(
        s=pa.array([1, None], pa.timestamp("s", "UTC")),
        ns=pa.array([1, None], pa.timestamp("ns")),
        t=pa.array([1, None], pa.time32("s")),
        d=pa.array([1, None], pa.duration("ms")),
        day=pa.array([1, None], pa.date32()),
    ),
    "nested": table(
        l=pa.array([[1], None]),
        st=pa.array([{"a": 1, "b": ["x"]}, None]),
        m=pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int8())),
        fixed=pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
    ),
    "others": table(
        dec=pa.array([Decimal("1.10"), None]),
        h=pa.array([1.5, None], pa.float16()),
        n=pa.nulls(2),
        ls=pa.array(["a", None], pa.large_string()),
        by=pa.array([b"ab", None], pa.binary(2)),
    ),
    "metadata": table(a=[1]).replace_schema_metadata({"k": "v"}),
    "field metadata": pa.Table.from_arrays(
        [pa.array([1])], schema=pa.schema([pa.field("a", pa.int64(), False, {"x": "y"})])
    ),
    "no rows": table(a=pa.array([], pa.int8())),
    "a slice": table(a=list(range(1000))).slice(10, 5),
    "large": table(a=list(range(9999)), s=[str(number) for number in range(9999)]),
}

IN_IPC: dict[str, pa.Table] = {
    "dictionary": table(a=pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), ["b", "a", "unused"])),
    "two dictionaries": pa.concat_tables(
        [table(a=pa.array(words).dictionary_encode()) for words in (["x"], ["z", "x"])]
    ),
    "views": table(a=pa.array(["x"], pa.string_view())),
    "milliseconds of days": table(a=pa.array([86_400_000], pa.date64())),
    "calendar intervals": table(a=pa.array([(1, 2, 3)], pa.month_day_nano_interval())),
    "same name twice": pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    "runs": table(a=pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"])),
    "no columns": table(),
}


@pytest.mark.parametrize("name", IN_PARQUET)
def test_a_table_comes_back_from_parquet(name: str, blobs: LocalBlobs) -> None:
    _, ref = round_trip(IN_PARQUET[name], blobs)
    assert (ref.format, ref.meta["file"]) == ("arrow", "parquet")


@pytest.mark.parametrize("name", IN_IPC)
def test_a_table_comes_back_from_ipc(name: str, blobs: LocalBlobs) -> None:
    ref = save(IN_IPC[name], FOR_NOW, blobs)
    assert ref.meta["file"] == "ipc"
    assert_same(IN_IPC[name], load(ref, blobs))


@pytest.mark.parametrize(
    "value",
    [
        pa.array([1, None]),
        pa.array([], pa.string()),
        pa.chunked_array([[1], [2, None]]),
        pa.record_batch({"a": [1], "b": ["x"]}),
        pa.array([b"0" * 16], pa.uuid()),
    ],
    ids=["array", "empty array", "chunked", "batch", "extension"],
)
def test_arrays_and_batches_come_back(value: Any, blobs: LocalBlobs) -> None:
    assert_same(value, load(save(value, FOR_NOW, blobs), blobs))
