"""Identities: equal for equal values of one type, different for all others, and refused where nothing can be said."""

from __future__ import annotations

import datetime as dt
import io
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.errors import IdentityError
from solvent.fingerprint.values import identify, is_immutable
from solvent.model import Identity


class Color(Enum):
    RED = 1


@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.0


class Pair(NamedTuple):
    a: int
    b: int


DIFFERENT = [
    1, 1.0, True, "1", b"1", None, 0, -0.0, 0.0, float("nan"), float("inf"), "", b"", (), [], {}, set(), frozenset(),
    [1, 2], (1, 2), Pair(1, 2), {1, 2}, frozenset({1, 2}), {"a": 1}, {"a": 1.0}, [[1], 2], [1, [2]], ["ab", "c"], ["a", "bc"],
    Point(1), Point(1, 1.0), Color.RED, Decimal("1.0"), Decimal("1.00"), 1 + 0j, range(3), Path("a"), "a",
    dt.date(2024, 1, 1), dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.timedelta(1),
    np.int64(1), np.float32(1), np.zeros((2, 3)), np.zeros((3, 2)), np.zeros(6), np.zeros(6, "float32"), np.zeros(6, "int64"),
    pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1]}, index=[5]),
    pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": pd.Categorical(["x"])}),
    pd.DataFrame({"a": pd.Categorical(["x"], categories=["x", "y"])}),
    pd.DataFrame({"a": pd.array([1], "Int64")}), pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [2], "a": [1]}),
    pd.Series([1]), pd.Series([1], name="a"), pl.DataFrame({"a": [1]}), pa.table({"a": [1]}), pl.DataFrame({"a": [None]}),
]  # fmt: skip


def test_no_two_different_values_share_an_identity() -> None:
    found = [identify(value)[:2] for value in DIFFERENT]
    assert len(set(found)) == len(found)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_an_identity_is_that_of_a_copy(value: Any) -> None:
    import copy

    assert identify(value) == identify(copy.deepcopy(value))


class Stand:
    def __init__(self, identity: Identity) -> None:
        self.identity = identity


@given(VALUES, VALUES)
def test_a_result_in_a_container_counts_as_the_literal_that_it_equals(one: Any, other: Any) -> None:
    def resolve(met: Any) -> Identity | None:
        return met.identity if type(met) is Stand else None

    stand = Stand(identify(one))
    assert identify([stand, other], resolve=resolve) == identify([one, other])
    assert identify({"a": (stand,), "b": other}, resolve=resolve) == identify({"a": (one,), "b": other})


def test_the_order_of_a_dict_and_a_set_does_not_matter() -> None:
    assert identify({"a": 1, "b": 2}) == identify({"b": 2, "a": 1})
    assert identify({"x", "y", "z"}) == identify({"z", "y", "x"})


def test_identities_do_not_depend_on_the_hash_seed() -> None:
    values = "{'a': {'x', 'y', 'z'}, 'b': frozenset('abc')}"
    program = f"from solvent.fingerprint.values import identify; print(identify({values}).digest)"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1


TABLE = pd.DataFrame(
    {
        "f": [1.5, np.nan, -0.0, np.inf],
        "i": [1, 2, 3, 4],
        "s": ["a", None, "日", ""],
        "t": pd.date_range("2024-01-01", periods=4, tz="UTC"),
        "c": pd.Categorical(["x", "y", None, "x"]),
        "n": pd.array([1, None, 3, 4], "Int64"),
    }
)


def test_a_table_is_known_by_its_content_however_it_is_chunked_and_sliced() -> None:
    doubled = pd.concat([TABLE, TABLE], ignore_index=True)
    assert identify(doubled.iloc[:4]).columns == identify(TABLE).columns
    arrow = pa.table({"a": [1, 2, None, 4], "b": ["x", "", None, "y"]})
    pieces = pa.concat_tables([arrow.slice(0, 1), arrow.slice(1, 2), arrow.slice(3)])
    assert identify(pieces) == identify(arrow)
    assert identify(pa.concat_tables([arrow, arrow]).slice(4)) == identify(arrow)
    frame = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
    assert identify(pl.concat([frame[:1], frame[1:]], rechunk=False)) == identify(frame)


def test_the_same_content_in_pandas_and_polars_is_two_values() -> None:
    assert identify(pd.DataFrame({"a": [1]})).type != identify(pl.DataFrame({"a": [1]})).type


def test_columns_tell_which_of_them_changed() -> None:
    changed = TABLE.assign(i=[1, 2, 3, 5])
    before, after = identify(TABLE).columns, identify(changed).columns
    assert before is not None
    assert after is not None
    assert [name for name in before if before[name] != after[name]] == ["i"]


def test_models_fitted_alike_are_equal_and_others_are_not() -> None:
    from sklearn.ensemble import RandomForestClassifier

    x, y = np.random.default_rng(0).random((60, 3)), np.arange(60) % 2
    one, other, third = (RandomForestClassifier(5, random_state=seed).fit(x, y) for seed in (0, 0, 1))
    assert identify(one) == identify(other)
    assert identify(one).digest != identify(third).digest


class Holder:
    def __init__(self, **held: Any) -> None:
        self.__dict__.update(held)


def test_an_object_is_known_by_its_class_and_state() -> None:
    assert identify(Holder(a=1, b=[2])) == identify(Holder(b=[2], a=1))
    assert identify(Holder(a=1)).digest != identify(Holder(a=2)).digest
    assert any(name.endswith(":Holder") for name in identify([Holder(a=1)]).classes)


def test_a_cycle_ends() -> None:
    knot = Holder(a=1)
    knot.self = knot
    assert identify(knot).digest


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"handlers": [1, io.StringIO("x"), threading.Lock()]}, "['handlers']"),
        (Holder(lock=threading.Lock()), ".lock"),
        ([lambda x: x], "[0]"),
        ((n for n in range(3)), "given"),
    ],
)
def test_what_has_no_identity_is_refused_with_the_path_to_it(value: Any, path: str) -> None:
    with pytest.raises(IdentityError) as caught:
        identify(value, path="given")
    assert path in str(caught.value)


def test_what_no_step_can_change_is_immutable() -> None:
    locked = np.zeros(3)
    locked.flags.writeable = False
    assert all(map(is_immutable, [1, "a", (1, ("b",)), frozenset({1}), pa.table({"a": [1]}), locked]))
    assert not any(map(is_immutable, [[1], {}, np.zeros(3), pd.DataFrame(), pl.DataFrame(), ([1],), Holder()]))
