"""A column is its values: chunks, slices, writers and bytes under nulls make no difference, any value does."""

from __future__ import annotations

import datetime as dt
import decimal
import io
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.errors import IdentityError
from solvent.fingerprint.tables import digest_column, digest_strings, each_column, name_columns, type_token
from solvent.fingerprint.values import identify

FLAT: dict[Any, st.SearchStrategy[Any]] = {
    pa.null(): st.none(),
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-5, 5),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.floats(width=32, allow_nan=False),
    pa.float64(): st.floats(allow_nan=False),
    pa.string(): st.text(max_size=3),
    pa.large_string(): st.text(max_size=15),
    pa.string_view(): st.text(max_size=15),
    pa.binary(): st.binary(max_size=3),
    pa.binary_view(): st.binary(max_size=15),
    pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.decimal128(9, 2): st.integers(-999, 999).map(lambda n: decimal.Decimal(n).scaleb(-2)),
    pa.date32(): st.dates(dt.date(1950, 1, 1), dt.date(2050, 1, 1)),
    pa.timestamp("us", "UTC"): st.datetimes(
        dt.datetime(1950, 1, 1), dt.datetime(2050, 1, 1), timezones=st.just(dt.UTC)
    ),
    pa.time64("us"): st.times(),
    pa.duration("us"): st.timedeltas(dt.timedelta(-9), dt.timedelta(9)),
}


def nest(flat: Any, values: st.SearchStrategy[Any]) -> list[tuple[Any, st.SearchStrategy[Any]]]:
    some = st.none() | values
    key_values = st.lists(st.tuples(st.text(max_size=2), some), max_size=2)
    return [
        (flat, values),
        (pa.list_(flat), st.lists(some, max_size=3)),
        (pa.large_list(flat), st.lists(some, max_size=3)),
        (pa.list_view(flat), st.lists(some, max_size=3)),
        (pa.list_(flat, 2), st.lists(some, min_size=2, max_size=2)),
        (pa.struct([("a", flat), ("b", pa.string())]), st.fixed_dictionaries({"a": some, "b": st.text(max_size=2)})),
        (pa.map_(pa.string(), flat), key_values),
        (pa.list_(pa.list_(flat)), st.lists(st.none() | st.lists(some, max_size=2), max_size=2)),
    ]


ALL = [pair for flat, values in FLAT.items() for pair in nest(flat, values)]


@st.composite
def columns(draw: Any) -> tuple[Any, list[Any]]:
    arrow, values = ALL[draw(st.integers(0, len(ALL) - 1))]
    return arrow, draw(st.lists(st.none() | values, max_size=12))


@given(columns(), st.integers(0, 12), st.integers(0, 12))
def test_a_slice_is_the_column_of_its_values(column: tuple[Any, list[Any]], one: int, other: int) -> None:
    arrow, values = column
    begin, end = sorted((one, other))
    part = pa.array(values, type=arrow).slice(begin, end - begin)
    assert digest_column(part) == digest_column(pa.array(values[begin:end], type=arrow))


@given(columns(), st.lists(st.integers(0, 12), max_size=3))
def test_chunks_make_no_difference(column: tuple[Any, list[Any]], cuts: list[int]) -> None:
    arrow, values = column
    whole = pa.array(values, type=arrow)
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(values)), len(values)]
    parts = [whole.slice(begin, end - begin) for begin, end in pairwise(bounds)]
    assert digest_column(pa.chunked_array(parts, type=arrow)) == digest_column(whole)


@given(columns(), st.data())
def test_another_value_is_another_column(column: tuple[Any, list[Any]], data: Any) -> None:
    arrow, values = column
    if not values or pa.types.is_null(arrow):
        return
    at = data.draw(st.integers(0, len(values) - 1))
    strategy = next(strategy for each, strategy in ALL if each is arrow)
    changed = [*values[:at], data.draw(st.none() | strategy), *values[at + 1 :]]
    one, other = pa.array(values, type=arrow), pa.array(changed, type=arrow)
    same = one.to_pylist() == other.to_pylist() and repr(one.to_pylist()) == repr(other.to_pylist())
    assert (digest_column(one) == digest_column(other)) == same


@given(columns())
def test_an_arrow_table_is_the_same_after_parquet(column: tuple[Any, list[Any]]) -> None:
    table = pa.table({"a": pa.array(column[1], type=column[0])})
    out = io.BytesIO()
    try:
        pq.write_table(table, out, row_group_size=3)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # a type that Parquet has not
        return
    back = pq.read_table(out)
    if back.schema.equals(table.schema):
        assert identify(back) == identify(table)


@pytest.mark.parametrize("arrow", [pa.int64(), pa.string(), pa.bool_(), pa.binary(3), pa.decimal128(9, 2)])
def test_bytes_under_a_null_do_not_count(arrow: Any) -> None:
    values = {"int64": [1, 2], "string": ["aa", "bb"], "bool": [True, True]}.get(str(arrow))
    values = values or ([b"abc", b"xyz"] if "binary" in str(arrow) else [decimal.Decimal(1), decimal.Decimal(2)])
    full = pa.array([values[0], values[1], values[0]], type=arrow)
    hidden = pa.Array.from_buffers(arrow, 3, [pa.py_buffer(b"\x05"), *full.buffers()[1:]])
    assert hidden.to_pylist()[1] is None
    assert digest_column(hidden) == digest_column(pa.array([values[0], None, values[0]], type=arrow))


def test_the_order_of_a_dictionary_counts_only_where_it_says_something() -> None:
    codes, others = pa.array([0, 1, 0]), pa.array([1, 0, 1])
    one = pa.DictionaryArray.from_arrays(codes, ["a", "b"])
    assert digest_column(one) == digest_column(pa.DictionaryArray.from_arrays(others, ["b", "a"]))
    ordered = pa.DictionaryArray.from_arrays(codes, ["a", "b"], ordered=True)
    assert digest_column(ordered) != digest_column(pa.DictionaryArray.from_arrays(others, ["b", "a"], ordered=True))
    assert digest_column(one) != digest_column(ordered)


@given(st.lists(st.none() | st.text(max_size=4), max_size=8))
def test_strings_are_the_same_without_arrow(values: list[str | None]) -> None:
    assert digest_strings("k", values) == digest_column(pa.array(values, type=pa.large_string()), "k")


def test_repeated_runs_and_extension_types_have_an_identity() -> None:
    assert digest_column(pc.run_end_encode(pa.array([1, 1, None]))) == digest_column(
        pc.run_end_encode(pa.array([1, 1, 1, None])).slice(1)
    )
    assert digest_column(pa.array([b"1" * 16], pa.uuid())) != digest_column(pa.array([b"1" * 16], pa.binary(16)))


def test_what_arrow_can_hold_and_we_can_not_tell_is_refused_with_its_column() -> None:
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])
    with pytest.raises(IdentityError, match=r"arg\['u'\]: a column of type sparse_union"):
        identify(pa.table({"u": union}), path="arg")


def test_what_people_wrote_into_a_schema_counts_and_what_writers_add_does_not() -> None:
    table = pa.table({"a": [1]})
    assert identify(table.replace_schema_metadata({"unit": "m"})).digest != identify(table).digest
    assert identify(table.replace_schema_metadata({"ARROW:schema": "x"})) == identify(table)


def test_names_of_list_items_make_no_difference() -> None:
    item, element = (pa.list_(pa.field(name, pa.int64())) for name in ("item", "element"))
    assert type_token(item) == type_token(element)


def test_columns_of_one_name_are_numbered() -> None:
    assert name_columns([("a", "1"), ("a", "2"), ("b", "3")]) == {"a": "1", "a #2": "2", "b": "3"}


def test_an_error_in_one_of_many_columns_is_not_lost() -> None:
    def work(number: int) -> int:
        if number == 7:
            raise ValueError(number)
        return number * 2

    assert each_column(work, range(5), 10**9) == [0, 2, 4, 6, 8]
    with pytest.raises(ValueError, match="7"):
        each_column(work, range(20), 10**9)


def test_large_tables_are_told_as_small_ones_are() -> None:
    numbers = np.arange(300_000)
    table = pa.table({"a": numbers, "b": numbers.astype(str), "c": numbers % 2 == 0})
    columns = identify(table).columns
    assert columns == {name: digest_column(table[name]) for name in table.column_names}
