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


@pytest.mark.slow
def test_the_writer_of_lists_and_structs_does_not_count(tmp_path: Any) -> None:
    duckdb = pytest.importorskip("duckdb")
    cells = [[1, 2], [], None, [None]]
    table = pa.table(
        {"lists": pa.array(cells, pa.list_(pa.int64())), "structs": [{"a": "x", "b": each} for each in cells]}
    )
    places = [str(tmp_path / f"{number}.parquet") for number in range(4)]
    pq.write_table(table, places[0])
    pq.write_table(table, places[1], store_schema=False, use_compliant_nested_type=False)
    pl.from_arrow(table).write_parquet(places[2])  # type: ignore[union-attr]
    duckdb.from_arrow(table).write_parquet(places[3])
    read = [pq.read_table(place) for place in places] + [pl.read_parquet(place) for place in places]
    assert {digest(each) for each in read} == {digest(table)}


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


SMALL: dict[str, Any] = {
    **{f"pandas {name}": [pd.Series(v, dtype=name) for v in ([1], [2], [0])] for name in ("int64", "uint8", "Int16")},
    "pandas float64": [pd.Series([v], dtype="float64") for v in (0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324)],
    "pandas float32": [pd.Series([v], dtype="float32") for v in (0.0, -0.0, np.nan, 1.0)],
    "pandas Float64": [pd.Series(pd.array([v], dtype="Float64")) for v in (0.0, -0.0, None, 1.0)],
    "pandas bool": [pd.Series([v]) for v in (True, False)],
    "pandas boolean": [pd.Series([v], dtype="boolean") for v in (True, False, None)],
    **{f"pandas {name}": [pd.Series([v], dtype=name) for v in ("", "a", None, "\0")] for name in ("str", "string")},
    "pandas object": [
        pd.Series([v], dtype=object) for v in (1, 1.0, True, "1", b"1", None, np.nan, pd.NA, pd.NaT, (1,))
    ],
    "pandas category": [pd.Series(pd.Categorical([v], ["a", "b"])) for v in ("a", "b", None)],
    "pandas categories": [
        pd.Series(pd.Categorical(["a"], c, ordered=o)) for c in (["b", "a"], ["a"]) for o in (False, True)
    ],
    **{
        f"pandas {kind}": [pd.Series(pd.array([v, 0], dtype=kind)) for v in (0, 1, None)]
        for kind in ("M8[s]", "M8[ns]", "m8[ms]", "datetime64[us, UTC]", "datetime64[us, Europe/Berlin]")
    },
    "pandas period": [pd.Series(pd.period_range("2024", periods=1, freq=freq)) for freq in "DMY"],
    "pandas arrow": [pd.Series(["a"], dtype=pd.ArrowDtype(kind)) for kind in (pa.string(), pa.large_string())],
    "pandas sparse": [pd.Series(pd.arrays.SparseArray([v])) for v in (0, 1)],
    **{
        f"polars {kind}": [pl.Series([v], dtype=kind) for v in (0, 1, None)]
        for kind in (pl.Int64, pl.UInt8, pl.Int128, pl.Float32, pl.Date, pl.Time, pl.Duration("ms"), pl.Datetime("us"))
    },
    "polars float": [pl.Series([v], dtype=pl.Float64) for v in (0.0, -0.0, float("nan"), None, float("inf"))],
    "polars zones": [pl.Series([0], dtype=pl.Datetime(unit, zone)) for unit in ("ms", "ns") for zone in (None, "UTC")],
    "polars bool": [pl.Series([v], dtype=pl.Boolean) for v in (True, False, None)],
    "polars text": [pl.Series([v], dtype=pl.String) for v in ("", "a", "x" * 20, None)],
    "polars binary": [pl.Series([v], dtype=pl.Binary) for v in (b"", b"a", None)],
    "polars categorical": [pl.Series([v], dtype=pl.Categorical) for v in ("a", "b", None)],
    "polars enum": [pl.Series(["a"], dtype=pl.Enum(order)) for order in ("ab", "ba", "abc")],
    "polars list": [pl.Series([v], dtype=pl.List(pl.Int64)) for v in ([], [1], [None], None, [1, 1])],
    "polars lists": [pl.Series([v], dtype=pl.List(pl.List(pl.Int64))) for v in ([[]], [], [[], []], [None])],
    "polars array": [pl.Series([v], dtype=pl.Array(pl.Int64, 2)) for v in ([1, 2], [2, 1], None)],
    "polars struct": [pl.Series([v], dtype=pl.Struct({"a": pl.Int64})) for v in ({"a": 1}, {"a": None}, None)],
    "polars structs": [pl.Series([{"b": 1}]), pl.Series([{"a": 1, "b": 1}]), pl.Series([{"b": 1, "a": 1}])],
}
"""Values of one row for each type of pandas and polars; no two of one library are equal."""


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_no_two_tables_of_one_library_that_differ_share_a_digest(library: str) -> None:
    values = [(kind, each) for kind, some in SMALL.items() if kind.startswith(library) for each in some]
    frames: list[Any] = [each.to_frame("x") for _, each in values]
    found: dict[str, int] = {}
    for at, frame in enumerate(frames):
        other = found.setdefault(digest(frame), at)
        assert other == at, f"{values[other]} and {values[at]}"


@pytest.mark.parametrize("library", [pytest.param("pandas", marks=pytest.mark.slow), "polars"])
def test_every_order_and_choice_of_three_cells_of_a_type_counts(library: str) -> None:
    """All changes of one cell, all swaps of two and all flips of a null are among these."""
    for kind, some in SMALL.items():
        if not kind.startswith(library) or len({each.dtype for each in some}) > 1:
            continue
        stacked = [
            pd.concat(cells, ignore_index=True) if library == "pandas" else pl.concat(cells)
            for cells in itertools.product(some, repeat=3)
        ]
        assert len({digest(each.to_frame("x")) for each in stacked}) == len(some) ** 3, kind


def test_types_and_schemas_as_values_are_told_exactly() -> None:
    types = [pa.string(), pa.large_string(), pa.string_view(), pa.list_(pa.int8()), pa.large_list(pa.int8())]
    types += [pa.dictionary(codes, pa.string()) for codes in (pa.int8(), pa.int32())]
    for make in (lambda kind: kind, lambda kind: pa.schema([("x", kind)])):
        assert len({digest(make(kind)) for kind in types}) == len(types)
    assert digest(pa.scalar("a", pa.string())) != digest(pa.scalar("a", pa.large_string()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.list_(pa.int64()), pa.large_list(pa.int64())),
        (pa.list_(pa.string()), pa.large_list(pa.large_string())),
        (pa.struct([("a", pa.list_(pa.string()))]), pa.struct([("a", pa.list_view(pa.string_view()))])),
        (pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.large_string())),
    ],
    ids=str,
)
def test_how_wide_offsets_are_does_not_count_inside_either(one: Any, other: Any) -> None:
    values: list[Any] = [[1], None, []] if "int64" in str(one) else [["a"], None, []]
    if pa.types.is_struct(one):
        values = [{"a": each} for each in values]
    elif pa.types.is_dictionary(one):
        values = ["a", None, "b"]
    assert digest(pa.table({"x": pa.array(values, one)})) == digest(pa.table({"x": pa.array(values, other)}))


def test_a_long_text_is_told_from_short_ones_of_the_same_letters() -> None:
    for length in (255, 256, 257, 65_535, 65_536):
        texts = [["a" * length, ""], ["a" * (length - 1), "a"], ["", "a" * length], ["a", "a" * (length - 1)]]
        assert len({digest(pa.table({"x": each})) for each in texts}) == 4


WORDS = np.array(["", "a", "bb", "é" * 9, None], dtype=object)
KINDS = {
    "int": lambda generator, rows: generator.integers(0, 5, rows),
    "float": lambda generator, rows: np.where(generator.random(rows) < 0.2, np.nan, generator.random(rows).round(1)),
    "bool": lambda generator, rows: generator.random(rows) < 0.5,
    "text": lambda generator, rows: pd.array(WORDS[generator.integers(0, 5, rows)], "str"),
    "time": lambda generator, rows: pd.to_datetime(generator.integers(0, 3, rows), unit="D").as_unit("us"),
}
CHANGED = {"int": -1, "float": -1.0, "bool": None, "text": "c", "time": pd.Timestamp("1999-01-01")}


@st.composite
def edited(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a large frame of several types and the same with one cell changed, or made null where that can be."""
    rows, generator = draw(st.integers(1, 5000)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame = pd.DataFrame({kind: make(generator, rows) for kind, make in KINDS.items()})
    at, kind = draw(st.integers(0, rows - 1)), draw(st.sampled_from(list(KINDS)))
    other = frame.copy()
    old = frame.at[at, kind]
    new = not old if kind == "bool" else CHANGED[kind]
    if kind in ("float", "text", "time") and not pd.isna(old) and draw(st.booleans()):
        new = None
    other.loc[at, kind] = new
    return frame, other


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(edited(), st.integers(1, 700))
def test_one_cell_of_any_type_among_thousands_counts_in_every_library(
    pair: tuple[pd.DataFrame, pd.DataFrame], size: int
) -> None:
    found = []
    for frame in pair:
        polars, arrow = pl.from_pandas(frame), pa.Table.from_pandas(frame)
        chunked = pa.Table.from_batches(arrow.to_batches(max_chunksize=size), arrow.schema)
        sliced = pa.concat_tables([arrow.slice(0, 1), arrow]).slice(1)
        same = (frame, polars, polars.to_arrow(), polars.to_pandas(), arrow, chunked, sliced, pl.concat([polars]))
        digests = {digest(each) for each in same}
        assert len(digests) == 1
        found += digests
    assert found[0] != found[1]


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
