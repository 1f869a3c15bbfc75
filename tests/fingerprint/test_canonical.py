"""The content digest of tables: every change of content changes it, and nothing else does."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.fingerprint.values import identify


def digest(table: Any) -> str:
    return identify(table).digest


COLUMNS: dict[str, list[Any]] = {
    "int64": [1, 2, None],
    "int8": [0, -1, None],
    "uint16": [0, 1, 2],
    "double": [0.5, float("nan"), None],
    "float": [0.0, -0.0, 1.5],
    "bool": [True, False, None],
    "string": ["", "a", None],
    "binary": [b"", b"\0", None],
    "timestamp[us]": [0, 1, None],
    "date32[day]": [0, 1, None],
    "duration[ns]": [0, 1, None],
    "decimal128(5, 2)": ["0.00", "1.50", None],
}
"""For each type three values of which no two are equal."""


def column(name: str, values: list[Any]) -> pa.Array:
    kind = pa.decimal128(5, 2) if name.startswith("decimal") else pa.type_for_alias(name.partition("(")[0])
    if name.startswith("decimal"):
        import decimal

        return pa.array([None if each is None else decimal.Decimal(each) for each in values], kind)
    return pa.array(values, kind)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_of_three_cells_has_a_digest_of_its_own(name: str) -> None:
    """All single-cell changes, null changes and orders of three cells are among these."""
    tables = [pa.table({"x": column(name, list(cells))}) for cells in itertools.product(COLUMNS[name], repeat=3)]
    assert len({digest(table) for table in tables}) == 27


def test_every_type_name_order_and_length_counts() -> None:
    tables = [pa.table({"x": column(name, [None])}) for name in COLUMNS]
    tables += [pa.table({"x": column("int64", [1] * length)}) for length in range(4)]
    tables += [pa.table({"y": column("int64", [1])}), pa.table({"x": pa.array([1], pa.int32())})]
    one, two = column("int64", [1]), column("int64", [2])
    tables += [
        pa.table(dict(zip(names, cells, strict=True))) for names in ("xy", "yx") for cells in ((one, two), (two, one))
    ]
    assert len({digest(table) for table in tables}) == len(tables)


FRAMES = {
    "int64": np.arange(4),
    "int32": np.arange(4, dtype="int32"),
    "uint8": np.arange(4, dtype="uint8"),
    "float64 with NaN": np.array([0.5, np.nan, -0.0, np.inf]),
    "float32": np.array([0.5, 1, 2, 3], dtype="float32"),
    "bool": np.array([True, False, True, True]),
    "str": pd.array(["a", None, "", "🙂"], dtype="str"),
    "datetime64[us]": pd.to_datetime(["2013-01-01", None, "2013-01-02", "1900-01-01"]).as_unit("us"),
    "datetime64[ns]": pd.to_datetime(["2013-01-01", None, "2013-01-02", "1900-01-01"]).as_unit("ns"),
    "datetime64[us, UTC]": pd.to_datetime(["2013-01-01", None, "2013-01-02", "1900-01-01"])
    .as_unit("us")
    .tz_localize("UTC"),
    "timedelta64[us]": pd.to_timedelta([1, None, 2, 3], unit="s").as_unit("us"),
    "Int64 with NA": pd.array([1, None, 3, 4], dtype="Int64"),
    "boolean with NA": pd.array([True, None, False, True], dtype="boolean"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_equal_content_is_equal_in_pandas_polars_and_arrow(name: str) -> None:
    frame = pd.DataFrame({"x": FRAMES[name], "n": range(4)})
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    others = [pl.from_pandas(frame), arrow.replace_schema_metadata(None), pl.from_pandas(frame).to_arrow()]
    assert {digest(other) for other in others} == {digest(frame)}
    assert {tuple((identify(other).columns or {}).items()) for other in others} == {
        tuple((identify(frame).columns or {}).items())
    }
    assert len({identify(each).type for each in (frame, *others)}) == 3, "the type stays a part of its own"


def test_what_only_pandas_has_counts() -> None:
    plain = pd.DataFrame({"x": [1, 2, 3]})
    named = plain.rename_axis("row")
    frames = [
        plain,
        named,
        plain.rename_axis("labels", axis=1),
        plain.set_index(pd.Index([0, 1, 3])),
        plain.set_index(pd.RangeIndex(1, 4)),
        plain.astype("Int64"),
        plain.astype("float64"),
        plain.astype("Float64"),
        plain.astype("object"),
        plain.astype("category"),
        plain.rename(columns={"x": 0}),
    ]
    assert len({digest(frame) for frame in frames}) == len(frames)
    assert digest(pd.DataFrame({"x": [np.nan]})) != digest(pd.DataFrame({"x": pd.array([None], dtype="Float64")}))


def rewritten(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Give a table as it comes back from several writers of Parquet."""
    for options in ({}, {"compression": "zstd", "use_dictionary": False}, {"row_group_size": 3}, {"version": "1.0"}):
        if options.get("version") == "1.0" and any(
            "us" in str(kind) or "uint" in str(kind) for kind in table.schema.types
        ):
            continue  # that version of the format has no such types
        file = io.BytesIO()
        pq.write_table(table, file, **options)
        yield f"pyarrow {options}", pq.read_table(io.BytesIO(file.getvalue()))
    file = io.BytesIO()
    pl.from_arrow(table).write_parquet(file)  # type: ignore[union-attr]
    yield "polars", pq.read_table(io.BytesIO(file.getvalue()))
    file = io.BytesIO()
    table.to_pandas().to_parquet(file)
    yield "pandas", pq.read_table(io.BytesIO(file.getvalue()))


@pytest.fixture(scope="module")
def plain() -> pa.Table:
    names = ("int64", "double", "bool", "string", "timestamp[us]")
    cells = {name: [each for each in COLUMNS[name] if each is not None] * 5 for name in names}
    return pa.table({name: column(name, [*values[:9], *values[:1]]) for name, values in cells.items()})


def test_the_writer_of_a_parquet_file_does_not_count(plain: pa.Table) -> None:
    whole = plain.set_column(1, "double", column("double", [float(n) for n in range(10)]))
    found = {name: digest(table) for name, table in rewritten(whole)}
    assert found == dict.fromkeys(found, digest(whole))
    assert len(found) >= 5


def test_another_writer_through_sql_does_not_count(plain: pa.Table, tmp_path: Any) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = str(tmp_path / "x.parquet")
    duckdb.from_arrow(plain).write_parquet(path)
    assert digest(pq.read_table(path)) == digest(plain)


def test_slices_and_chunks_do_not_count(plain: pa.Table) -> None:
    padded = pa.concat_tables([plain.slice(3, 4), plain, plain.slice(1, 2)])
    same = [
        padded.slice(4, 10),
        padded.slice(4, 10).combine_chunks(),
        pa.concat_tables([plain.slice(0, 1), plain.slice(1, 6), plain.slice(7)]),
        pa.Table.from_batches(plain.to_batches(max_chunksize=2)),
        plain.set_column(3, "string", plain.column(3).cast(pa.large_string())),
        plain.set_column(3, "string", plain.column(3).cast(pa.string_view())),
    ]
    assert {digest(table) for table in same} == {digest(plain)}


@st.composite
def changed(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    """Draw a table and the same with one cell changed."""
    rows = draw(st.integers(1, 2000))
    width = draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    columns = {f"c{n}": generator.integers(0, 5, rows) for n in range(width)}
    at, name = draw(st.integers(0, rows - 1)), f"c{draw(st.integers(0, width - 1))}"
    other = {**columns, name: columns[name].copy()}
    other[name][at] += draw(st.sampled_from([-7, -1, 1, 2**40]))
    return pa.table(columns), pa.table(other)


@settings(max_examples=40, deadline=None)
@given(changed())
def test_one_cell_among_thousands_counts_and_chunks_do_not(pair: tuple[pa.Table, pa.Table]) -> None:
    table, other = pair
    assert digest(table) != digest(other)
    split = table.num_rows // 3
    assert digest(pa.concat_tables([table.slice(0, split), table.slice(split)])) == digest(table)
    assert digest(table.to_pandas()) == digest(pl.from_arrow(table)) == digest(table)
