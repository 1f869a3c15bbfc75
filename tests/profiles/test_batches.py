import math
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.profiles.batches import BatchProfiler, profile_batches
from solvent.profiles.cumulative import cumulative, largest_gap
from solvent.profiles.make import make_profile
from solvent.profiles.records import ColumnProfile, Profile
from tests.profiles.brute import check_numbers


def in_parts(table: Any, bounds: list[int], **options: Any) -> Profile:
    return profile_batches((table[start:end] for start, end in pairwise(bounds)), **options)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.none() | st.floats() | st.sampled_from([0.0, 1.5, -2.0]), max_size=30),
    st.lists(st.none() | st.text(max_size=4) | st.sampled_from(["a", ""]), min_size=30, max_size=30),
    st.lists(st.integers(0, 30), max_size=4),
)
def test_a_table_in_batches_has_the_profile_of_the_whole(
    numbers: list[float | None], texts: list[str | None], cuts: list[int]
) -> None:
    rows = len(numbers)
    table = pa.table({"x": pa.array(numbers, pa.float64()), "s": pa.array(texts[:rows], pa.string())})
    bounds = sorted({0, rows, *(cut for cut in cuts if cut < rows)})
    parts = [table.slice(start, end - start) for start, end in pairwise(bounds)] or [table]
    found = profile_batches(parts)
    assert found.columns == make_profile(table).columns
    check_numbers(found.columns[0], numbers)


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow", "numpy"])
def test_parts_of_every_library_make_one_profile(library: str) -> None:
    whole: Any = {
        "pandas": pd.DataFrame({"x": range(100), "s": ["a", "b"] * 50}).rename_axis("row"),
        "polars": pl.DataFrame({"x": range(100), "s": ["a", "b"] * 50}),
        "arrow": pa.table({"x": range(100), "s": ["a", "b"] * 50}),
        "numpy": np.arange(200.0).reshape(100, 2),
    }[library]
    assert in_parts(whole, [0, 30, 31, 100]).columns == make_profile(whole).columns


def test_parts_that_were_profiled_apart_merge() -> None:
    table = pd.DataFrame(
        {"x": np.arange(90) % 7, "s": [f"k{at % 11}" for at in range(90)], "b": [True, False, None] * 30}
    )
    table["t"] = pd.date_range("2024-01-01", periods=90, tz="UTC")
    parts = [BatchProfiler(), BatchProfiler(), BatchProfiler()]
    for part, start in zip(parts, (0, 20, 70), strict=True):
        part.add(table[start : {0: 20, 20: 70, 70: 90}[start]])
    total = BatchProfiler()
    for part in parts:
        total.merge(part)
    assert total.profile().columns == make_profile(table).columns
    assert total.profile().rows == 90


def test_texts_of_polars_and_arrow_have_one_hash_each() -> None:
    texts = [f"{'x' * (at % 13)}{at % 3000:x}"[-12:] for at in range(9000)]
    views, plain = pl.DataFrame({"s": texts}), pa.table({"s": texts})
    parts = [BatchProfiler(), BatchProfiler()]
    for part, table in zip(parts, (views, plain), strict=True):
        part.add(table)
    parts[0].merge(parts[1])
    assert parts[0].profile().columns[0].distinct == len(set(texts))
    found, same = (
        make_profile(each).columns[0] for each in (views.filter(pl.col("s") != "0"), plain.filter(pc.field("s") != "0"))
    )
    assert found == same


def test_no_batches_have_an_empty_profile() -> None:
    assert profile_batches([]).rows == 0
    assert profile_batches([]).columns == ()


def test_a_column_of_nothing_but_nulls_at_first_has_the_type_of_what_follows() -> None:
    first = pa.table({"c": pa.nulls(3)})
    found = profile_batches([first, pa.table({"c": ["a", None]}), first]).columns[0]
    assert (found.type, found.rows, found.nulls, found.distinct, found.problem) == ("string", 8, 7, 1, None)


def test_a_column_whose_type_changes_to_what_does_not_fit_says_so() -> None:
    found = profile_batches([pa.table({"c": [1], "x": [1]}), pa.table({"c": ["a"], "x": [2]})])
    assert "ArrowInvalid" in str(found.columns[0].problem)
    assert found.columns[0].rows == 2
    assert found.columns[1].problem is None
    assert found.columns[1].mean == 1.5


def test_sensitive_columns_of_batches_tell_no_values() -> None:
    found = profile_batches([pa.table({"SSN": ["1"]})], sensitive=["ssn"]).columns[0]
    assert found == ColumnProfile("SSN", "string", "text", "text", 1, lengths=(1, 1.0, 1), masked=True)


def exact_shares(values: Any, at: Any) -> tuple[Any, Any]:
    ordered = np.sort(values)
    return tuple(np.searchsorted(ordered, at, side) / len(ordered) for side in ("left", "right"))


def check_stated_error(found: ColumnProfile, values: Any) -> None:
    """Check the cumulative distribution at many values of the data, the frequent ones among them."""
    shares = cumulative(found)
    assert shares is not None
    assert found.cdf_error is not None
    at = np.unique(np.concatenate([np.quantile(values, np.linspace(0, 1, 500), method="nearest"), values[:300]]))
    below, upto = exact_shares(values, at)
    gaps = [
        max(abs(shares.share_below(value) - low), abs(shares.share_upto(value) - high))
        for value, low, high in zip(at.tolist(), below, upto, strict=True)
    ]
    assert max(gaps) <= found.cdf_error <= 0.004


def spreads(rows: int) -> dict[str, Any]:
    drawn = np.random.default_rng(5)
    normal = drawn.standard_normal(rows)
    return {
        "normal": normal,
        "heavy tails": drawn.pareto(0.5, rows),
        "two far apart": np.where(drawn.random(rows) < 0.5, normal * 1e-6, 1e6 + normal),
        "a spike": np.where(drawn.random(rows) < 0.3, 0.0, normal),
        "many spikes": np.where(drawn.random(rows) < 0.5, drawn.choice(normal[:700], rows), normal),
        "steps": drawn.integers(0, 1000, rows).astype(float),
        "rising": np.arange(rows, dtype=float),
        "outliers": np.where(drawn.random(rows) < 0.001, 1e300, normal),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", spreads(1))
def test_beyond_what_is_held_the_stated_errors_hold(name: str) -> None:
    values = spreads(400_000)[name]
    parts = [BatchProfiler(held_bytes=1 << 20), BatchProfiler(held_bytes=1 << 20)]
    for start in range(0, 400_000, 30_000):
        parts[start > 100_000].add(pa.table({"x": values[start : start + 30_000]}))
    parts[0].merge(parts[1])
    found, exact = parts[0].profile().columns[0], make_profile(pa.table({"x": values})).columns[0]
    check_stated_error(found, values)
    check_stated_error(exact, values)
    assert (found.rows, found.zeros, found.negatives) == (exact.rows, exact.zeros, exact.negatives)
    assert (found.minimum, found.maximum) == (exact.minimum, exact.maximum)
    assert found.mean == pytest.approx(exact.mean, rel=1e-12, abs=1e-12)
    assert found.std == pytest.approx(exact.std)
    assert exact.distinct_exact
    assert found.distinct_error is not None
    assert exact.distinct is not None
    assert abs((found.distinct or 0) - exact.distinct) <= found.distinct_error * exact.distinct
    assert sum(found.counts) == len(values)


@pytest.mark.slow
def test_drift_of_profiles_is_that_of_the_data() -> None:
    for name, values in spreads(300_000).items():
        drawn = np.random.default_rng(9)
        moved = np.where(drawn.random(len(values)) < 0.1, values * 1.3 + 0.1, values)
        at = np.unique(np.concatenate([values, moved]))
        exact = max(
            np.abs(one - other).max()
            for one, other in zip(exact_shares(values, at), exact_shares(moved, at), strict=True)
        )
        one, other = (cumulative(make_profile(pa.table({"x": each})).columns[0]) for each in (values, moved))
        assert one is not None
        assert other is not None
        assert abs(largest_gap(one, other)[0] - exact) <= 0.005, name


@pytest.mark.slow
def test_many_texts_are_told_by_a_sketch_and_a_sample() -> None:
    drawn = np.random.default_rng(3)
    texts = [f"id-{at}" for at in drawn.integers(0, 10**9, 300_000).tolist()]
    texts[::4] = ["often"] * 75_000
    texts[1::100] = ["äöü😀"] * 3_000
    array = pa.array(texts)
    found = profile_batches(
        (pa.table({"s": array[at : at + 20_000]}) for at in range(0, 300_000, 20_000)), held_bytes=1 << 20
    )
    exact = make_profile(pa.table({"s": array}))
    sketched, known = found.columns[0], exact.columns[0]
    assert known.distinct == len(set(texts))
    assert known.distinct_exact
    assert known.top[0] == ("often", 75_000)
    assert abs((sketched.distinct or 0) / len(set(texts)) - 1) <= (sketched.distinct_error or 0) <= 0.03
    assert sketched.sampled == sketched.top_rows == found.sampled
    assert 60_000 < sketched.top_rows <= 131_072
    assert sketched.top[0][0] == "often"
    assert sketched.top[0][1] / sketched.top_rows == pytest.approx(0.25, abs=0.01)
    assert sketched.top[1][0] == "äöü😀"
    assert (sketched.minimum, sketched.maximum, sketched.lengths) == (known.minimum, known.maximum, known.lengths)
    assert (known.minimum, known.maximum) == (min(texts), max(texts))


@pytest.mark.slow
def test_a_million_different_texts_are_counted() -> None:
    found = make_profile(pa.table({"s": [f"w{at:07d}" for at in range(1_000_000)]})).columns[0]
    assert (found.distinct, found.role, found.top, found.lengths) == (1_000_000, "id", (), (8, 8.0, 8))


@pytest.mark.slow
def test_very_long_texts_are_told_apart() -> None:
    long = ["x" * 3_000_000 + end for end in "abc"] + ["y" * 5000 + str(at) for at in range(9000)]
    found = make_profile(pa.table({"s": long})).columns[0]
    assert (found.distinct, found.minimum) == (9003, long[0][:199] + "…")
    assert math.isclose(found.lengths[1] if found.lengths else 0, sum(map(len, long)) / len(long))
