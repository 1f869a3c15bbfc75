import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.profiles.make import make_profile, mask_profile
from solvent.profiles.records import ColumnProfile, Profile, profile_from_json, to_json
from tests.profiles.brute import check_numbers


def column(value: Any, name: str = "c", **options: Any) -> ColumnProfile:
    found = make_profile(value, **options).column(name)
    assert found is not None
    return found


def objects(*cells: Any) -> pd.DataFrame:
    array = np.empty(len(cells), dtype=object)
    for at, cell in enumerate(cells):
        array[at] = cell
    return pd.DataFrame({"c": pd.Series(array, dtype=object)})


def shown(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


FLOATS = st.lists(st.none() | st.floats(width=64) | st.sampled_from([0.0, -0.0, 1.5, 1e300, 5e-324]), max_size=40)
INTEGERS = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3), max_size=40)


@settings(max_examples=40, deadline=None)
@given(FLOATS)
def test_every_statistic_of_floats_is_the_exact_one(values: list[float | None]) -> None:
    check_numbers(column(pa.table({"c": pa.array(values, pa.float64())})), values)


@settings(max_examples=40, deadline=None)
@given(INTEGERS)
def test_every_statistic_of_integers_is_the_exact_one(values: list[int | None]) -> None:
    check_numbers(column(pl.DataFrame({"c": pl.Series(values, dtype=pl.Int64)})), values)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.text(max_size=12) | st.sampled_from(["a", "", "😀", "a" * 300]), max_size=40))
def test_every_statistic_of_texts_is_the_exact_one(values: list[str | None]) -> None:
    known = [each for each in values if each is not None]
    found = column(pa.table({"c": pa.array(values, pa.string())}))
    assert (found.rows, found.nulls, found.empty) == (len(values), len(values) - len(known), known.count(""))
    assert found.distinct == len(set(known))
    assert found.distinct_exact
    if known:
        lengths = [len(each) for each in known]
        assert found.lengths == (min(lengths), sum(lengths) / len(lengths), max(lengths))
        assert [found.minimum, found.maximum] == [shown(min(known)), shown(max(known))]
        assert found.complete
        assert {text[:199]: count for text, count in found.top} == {each[:199]: known.count(each) for each in known}


ADVERSARIAL: dict[str, Sequence[Any]] = {
    "all null": [None, None],
    "constant": [7.25] * 50,
    "one value": [1.0],
    "infinities": [math.inf, -math.inf, 1.0, math.nan, None],
    "nothing but NaN": [math.nan, math.nan],
    "heavy tails": [10.0**at for at in range(-300, 301, 7)] * 2,
    "far from zero": [10**18 + at for at in range(60)],
    "the ends of the type": [-(2**63), 2**63 - 1, 0],
    "a spike": [0] * 900 + list(range(300)),
    "huge": [1e308, -1e308, 1e308],
    "the largest": [1.7976931348623157e308] * 3,
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_numbers_have_exact_statistics(name: str) -> None:
    values = ADVERSARIAL[name]
    kind = pa.int64() if all(isinstance(each, int) for each in values) else pa.float64()
    check_numbers(column(pa.table({"c": pa.array(values, kind)})), values)


def test_decimals_are_exact_to_the_last_digit() -> None:
    values = [Decimal("0.10"), Decimal("-12345678901.55"), None, Decimal("0.10")]
    found = column(objects(*values))
    assert (found.type, found.kind, found.nulls, found.negatives) == ("decimal(13, 2)", "number", 1, 1)
    assert (found.minimum, found.maximum) == ("-12345678901.55", "0.10")
    assert found.values == ((-12345678901.55, 1), (0.1, 2))
    assert found.top[0] == ("0.10", 2)


def test_long_decimals_keep_what_tells_them_apart() -> None:
    values = [Decimal(10**30 + at) for at in range(3)]
    found = column(pa.table({"c": pa.array(values, pa.decimal256(40, 2))}))
    assert (found.minimum, found.maximum) == (f"{10**30}.00", f"{10**30 + 2}.00")
    assert found.std is not None
    assert math.isclose(found.std, math.sqrt(2 / 3))


def test_moments_of_several_time_zones_are_counted_in_utc() -> None:
    noon = [dt.datetime(2024, 1, 1, 12, tzinfo=ZoneInfo(zone)) for zone in ("Europe/Berlin", "Asia/Tokyo")]
    found = column(objects(*noon, None))
    assert (found.type, found.kind, found.role, found.nulls) == ("timestamp[UTC]", "time", "time", 1)
    assert (found.minimum, found.maximum) == ("2024-01-01T03:00:00Z", "2024-01-01T11:00:00Z")
    assert found.mean == sum(each.timestamp() for each in noon) / 2


@pytest.mark.parametrize(
    ("values", "type_words", "least", "most"),
    [
        (pa.array([1, None, 3_723_000], pa.duration("ms")), "duration", "00:00:00.001", "01:02:03"),
        (pa.array([-1, 90_000], pa.duration("s")), "duration", "-00:00:01", "25:00:00"),
        (pa.array([0, 19_000], pa.date32()), "date", "1970-01-01", "2022-01-08"),
        (
            pa.array([1, 2], pa.timestamp("ns")),
            "timestamp",
            "1970-01-01T00:00:00.000000001",
            "1970-01-01T00:00:00.000000002",
        ),
        (pa.array([1], pa.time64("us")), "time", "00:00:00.000001", "00:00:00.000001"),
        (
            pa.array([253_402_300_800], pa.timestamp("s", "UTC")),
            "timestamp[UTC]",
            "10000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
        ),
    ],
    ids=str,
)
def test_times_are_written_exactly(values: Any, type_words: str, least: str, most: str) -> None:
    found = column(pa.table({"c": values}))
    assert (found.type, found.kind, found.minimum, found.maximum) == (type_words, "time", least, most)


LIBRARIES = {
    "int64": (pd.array([1, None], dtype="Int64"), pl.Series([1, None]), pa.array([1, None])),
    "float64": (np.array([1.0, 2.0]), pl.Series([1.0, 2.0]), pa.array([1.0, 2.0])),
    "string": (np.array(["a", None], dtype=object), pl.Series(["a", None]), pa.array(["a", None])),
    "bool": (pd.array([True, None], dtype="boolean"), pl.Series([True, None]), pa.array([True, None])),
    "category": (
        pd.Categorical(["a", None]),
        pl.Series(["a", None], dtype=pl.Categorical),
        pa.array(["a", None]).dictionary_encode(),
    ),
    "date": (
        np.array([dt.date(2024, 1, 1), None], dtype=object),
        pl.Series([dt.date(2024, 1, 1), None]),
        pa.array([dt.date(2024, 1, 1), None]),
    ),
    "duration": (
        pd.to_timedelta([1, None], unit="s"),
        pl.Series([dt.timedelta(seconds=1), None]),
        pa.array([1000, None], pa.duration("ms")),
    ),
    "timestamp[UTC]": (
        pd.DatetimeIndex(["2024-01-01", None]).tz_localize("UTC"),
        pl.Series([dt.datetime(2024, 1, 1), None]).dt.replace_time_zone("UTC"),
        pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("us", "UTC")),
    ),
}


@pytest.mark.parametrize("words", LIBRARIES)
def test_equal_columns_of_three_libraries_have_one_profile(words: str) -> None:
    of_pandas, of_polars, of_arrow = LIBRARIES[words]
    found = [
        column(pd.DataFrame({"c": of_pandas})),
        column(pl.DataFrame({"c": of_polars})),
        column(pa.table({"c": of_arrow})),
    ]
    assert found[0].type == words
    assert found[0].problem is None
    assert found[0] == found[1] == found[2]


WITHOUT_ORDER = {
    "lists": (pa.array([[1], [2, 3], None]), "list<int64>", (1, 1.5, 2)),
    "structs": (pa.array([{"a": 1}, None]), "struct<a: int64>", None),
    "maps": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), "map<string, int64>", (1, 1.0, 1)),
    "bytes": (pa.array([b"a", b"bbb", None]), "binary", (1, 2.0, 3)),
    "nothing": (pa.nulls(2), "null", None),
    "views": (pa.array([b"a", None], pa.binary_view()), "binary", (1, 1.0, 1)),
}


@pytest.mark.parametrize("name", WITHOUT_ORDER)
def test_what_has_no_order_has_nulls_and_lengths(name: str) -> None:
    values, words, lengths = WITHOUT_ORDER[name]
    found = column(pa.table({"c": values}))
    assert (found.type, found.kind, found.lengths, found.problem) == (words, "other", lengths, None)
    assert found.nulls == values.null_count
    assert found.quantiles == ()


UNREADABLE = {
    "several types": (objects(1, "a", None), "values of several types: int, str"),
    "objects": (objects(object(), None, None), "objects of type object"),
    "integers too long": (objects(10**30, None, None), "objects of type int: Python int too large"),
    "half a character": (objects("\ud800", None), "surrogates not allowed"),
    "complex": (pd.DataFrame({"c": [1j, 2j]}), "complex numbers have no order"),
    "objects of polars": (pl.DataFrame({"c": pl.Series([object(), None], dtype=pl.Object)}), "Python objects"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_column_that_cannot_be_profiled_says_why_and_the_others_go_on(name: str) -> None:
    table, why = UNREADABLE[name]
    table = table.with_columns(good=1) if isinstance(table, pl.DataFrame) else table.assign(good=1)
    profile = make_profile(table)
    bad, good = profile.columns
    assert why in str(bad.problem)
    assert (bad.kind, bad.rows) == ("other", len(table))
    assert bad.nulls == len(table) - (1 if name not in ("several types", "complex") else 2)
    assert (good.problem, good.role) == (None, "constant")
    assert profile.problems == (f"c: {bad.problem}",)


def test_columns_of_one_name_and_levels_of_the_index_that_have_one_are_all_there() -> None:
    index = pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["key", None])
    profile = make_profile(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"], index=index), digests={"a #2": "d"})
    assert [(each.name, each.digest) for each in profile.columns] == [("a", None), ("a #2", "d"), ("key", None)]
    labels = pd.MultiIndex.from_tuples([("a", 1)])
    assert [each.name for each in make_profile(pd.DataFrame([[1]], columns=labels)).columns] == ["('a', 1)"]


def test_special_columns_of_pandas_are_profiled_by_what_they_mean() -> None:
    frame = pd.DataFrame(
        {
            "month": pd.period_range("2024-01", periods=2, freq="M"),
            "between": pd.interval_range(0, 2),
            "sparse": pd.arrays.SparseArray([0.0, 1.0]),
            "code": pd.Categorical([3, 3]),
        }
    )
    found = {each.name: (each.type, each.kind, each.role, each.problem) for each in make_profile(frame).columns}
    assert found == {
        "month": ("period[M]", "time", "time", None),
        "between": ("interval[int64, right]", "other", "other", None),
        "sparse": ("float64", "number", "number", None),
        "code": ("category", "number", "constant", None),
    }


ARRAYS = {
    "one dimension": (np.arange(5.0), ["value"], 5),
    "two": (np.zeros((3, 2)), ["0", "1"], 3),
    "three": (np.zeros((2, 3, 4)), ["value"], 24),
    "wide": (np.zeros((2, 300)), ["value"], 600),
    "none": (np.array(5), ["value"], 1),
    "structured": (np.array([(1, "a")], dtype=[("x", "i4"), ("y", "U3")]), ["x", "y"], 1),
    "months": (np.array(["2024-01", "NaT"], "M8[M]"), ["value"], 2),
    "other byte order": (np.array([1, 2], ">f8"), ["value"], 2),
    "long floats": (np.array([1.0], dtype=np.longdouble), ["value"], 1),
    "bytes": (np.array([b"a"]), ["value"], 1),
    "empty": (np.zeros((0, 2)), ["0", "1"], 0),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_every_shape_and_type_have_a_profile(name: str) -> None:
    array, names, rows = ARRAYS[name]
    profile = make_profile(array)
    assert (profile.kind, profile.shape, [each.name for each in profile.columns]) == ("array", array.shape, names)
    assert [(each.rows, each.problem) for each in profile.columns] == [(rows, None)] * len(names)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a builtins\.dict is no table and no array"):
        make_profile({"a": 1})


def test_an_empty_table_has_an_empty_profile_that_is_read_back() -> None:
    for table in (pd.DataFrame(), pl.DataFrame(), pa.table({})):
        profile = profile_from_json(to_json(make_profile(table)))
        assert (profile.rows, profile.columns, profile.shape) == (0, (), (0, 0))


def test_only_so_many_columns_are_profiled_and_the_rest_is_told() -> None:
    profile = make_profile(pa.table({str(at): [1] for at in range(1003)}))
    assert len(profile.columns) == 1000
    assert profile.problems == ("3 more columns were not profiled",)


def masked_profile() -> Profile:
    table = pa.table({"SSN": ["1-2", "3-44", None], "pay_eur": [1.5, -2.0, 0.0], "open": [1, 2, 3]})
    return make_profile(table, sensitive=["ssn*", "PAY*"], digests={"SSN": "d"})


def test_sensitive_columns_tell_no_values() -> None:
    ssn, pay, plain = masked_profile().columns
    assert ssn == ColumnProfile("SSN", "string", "text", "text", 3, 1, lengths=(3, 3.5, 4), masked=True)
    assert pay == ColumnProfile("pay_eur", "float64", "number", "number", 3, masked=True)
    assert not plain.masked
    assert plain.maximum == 3
    assert "3-44" not in to_json(masked_profile())


def test_columns_that_became_sensitive_later_are_masked_when_read() -> None:
    before = make_profile(pa.table({"SSN": ["1-2"], "x": [1]}))
    after = mask_profile(before, ["ssn"])
    assert after.columns[0].top == ()
    assert after.columns[0].masked
    assert after.columns[1] == before.columns[1]
    assert mask_profile(before, ["other"]) is before


@pytest.mark.parametrize(
    ("values", "role"),
    [
        (list(range(100)), "id"),
        ([f"u{at}" for at in range(100)], "id"),
        ([5] * 100, "constant"),
        ([None] * 3, "empty"),
        ([1, 2, 3, 4] * 25, "category"),
        (["a", "b"] * 50, "category"),
        ([at / 7 for at in range(100)], "number"),
        (["word " * (at % 60 + 20) for at in range(100)], "text"),
        ([True, False], "boolean"),
        ([dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2)], "time"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_roles_are_inferred(values: list[Any], role: str) -> None:
    assert column(pa.table({"c": values})).role == role


def test_a_few_categories_are_all_counted_and_of_many_the_most_frequent() -> None:
    few = column(pa.table({"c": [f"k{at % 50}" for at in range(500)]}))
    assert len(few.top) == 50
    assert few.complete
    many = column(pa.table({"c": [f"k{at % 51}" for at in range(500)]}))
    assert len(many.top) == 20
    assert not many.complete
    typed = column(pa.table({"c": pa.array([f"k{at % 51}" for at in range(500)]).dictionary_encode()}))
    assert len(typed.top) == 51
    assert typed.complete


def test_the_histogram_of_heavy_tails_shows_the_bulk_and_counts_all() -> None:
    values = np.concatenate([np.linspace(0, 1, 1000), [1e12, -1e12]])
    found = column(pa.table({"c": values}))
    assert -1 < found.edges[0] < 0
    assert 1 < found.edges[-1] < 2
    assert sum(found.counts) == 1002
    assert max(found.counts) < 100


def test_whole_numbers_have_as_many_in_each_bin() -> None:
    found = column(pa.table({"c": list(range(40))}))
    assert set(found.counts) == {2}
    assert len(found.counts) == 20


def test_a_profile_is_the_same_after_it_was_written_and_read() -> None:
    table = pa.table({"x": [1.25, None, math.inf], "s": ["a", "b", None], "t": pa.array([1, 2, 3], pa.timestamp("s"))})
    profile = make_profile(table)
    read = profile_from_json(to_json(profile))
    assert profile_from_json(to_json(read)) == read
    for before, after in zip(profile.columns, read.columns, strict=True):
        assert after.quantiles == pytest.approx(before.quantiles, rel=1e-14)
        same = {"quantiles": (), "edges": (), "std": None}
        assert replace(after, **same) == replace(before, **same)


def test_the_second_column_of_a_sensitive_name_is_masked_too() -> None:
    import pandas as pd

    table = pd.DataFrame([[1, 2], [3, 4]], columns=["ssn", "ssn"])
    assert [each.masked for each in make_profile(table, sensitive=["ssn"]).columns] == [True, True]
