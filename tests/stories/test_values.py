"""Values that are hard to keep come back equal and of their type through both engines, or are refused by name."""

from __future__ import annotations

import json

import pytest

PROGRAM = """
import datetime as dt
import numpy as np
import pandas as pd
import polars as pl
from solvent import pipeline, step


def table(index=None, **columns):
    return pd.DataFrame(columns, index=index)


VALUES = {
    "nan": float("nan"),
    "infinities": [float("inf"), -float("inf"), -0.0],
    "text": {"naïve": "日本語", "": "\\u0000"},
    "long": "x" * 10_000,
    "tuple": (1, (2.5, None), frozenset({3})),
    "date": dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone(dt.timedelta(hours=5))),
    "array": np.array([[1.5, np.nan], [np.inf, -0.0]]),
    "booleans": np.array([True, False]),
    "empty": pd.DataFrame(),
    "no rows": table(a=pd.Series([], dtype="float32"), b=pd.Series([], dtype="category")),
    "no columns": pd.DataFrame(index=[3, 4]),
    "specials": table(a=[np.nan, np.inf, -np.inf], b=["ä", None, "日"]),
    "categories": table(a=pd.Categorical(["b", "a", None], categories=["b", "a", "c"], ordered=True)),
    "zones": table(at=pd.date_range("2024-03-30", periods=3, tz="Europe/Berlin")),
    "nullable": table(i=pd.array([1, None], "Int64"), b=pd.array([True, None], "boolean"), s=pd.array(["x", None], "string")),
    "index": table(index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["n", None]), v=[1, 2]),
    "columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
    "numbers as names": pd.DataFrame({0: [1], 1: [2]}),
    "series": pd.Series([1, 2], index=["x", "y"], name="s"),
    "polars": pl.DataFrame({"a": [1, None], "b": ["x", "y"]}),
    "frames in a dict": {"one": table(a=[1]), "two": [pl.DataFrame({"a": [2]}), np.arange(3)]},
    "long name": pd.DataFrame({"n" * 10_000: [1]}),
}


@step
def make(name: str):
    return VALUES[name]


def same(one, other) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
        return True
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other)
        return True
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, pl.DataFrame):
        return one.equals(other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return repr(one) == repr(other)
    return one == other


@step
def check(name: str, found) -> bool:
    return same(found, VALUES[name])


@pipeline
def values() -> dict[str, bool]:
    return {name: check(name, make(name)) for name in VALUES}


@step
def odd(name: str):
    if name == "mixed":
        return pd.DataFrame({"things": [1, "x", {"a": 2}]})
    return pd.DataFrame([[1, 2]], columns=["a", "a"])


@step
def look(table) -> str:
    return repr(table.values.tolist()) + repr(list(table.columns))


@pipeline
def odds(name: str) -> str:
    return look(odd(name))
"""


@pytest.fixture
def project(shop):
    shop.write("values.py", PROGRAM)
    return shop


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_every_value_comes_back_equal_and_of_its_type(project, engine: str) -> None:
    first = project.run("values.py:values", "--engine", engine)
    assert [name for name, equal in first.result.items() if not equal] == []
    assert project.run("values.py:values", "--engine", engine).ran == []


def test_what_one_engine_wrote_the_other_reads(project) -> None:
    project.run("values.py:values", "--engine", "inline")
    project.write(
        "values.py", PROGRAM.replace("return same(found, VALUES[name])", "return bool(same(found, VALUES[name]))")
    )
    again = project.run("values.py:values", "--engine", "processes")
    assert set(again.ran) == {"check"}
    assert all(again.result.values())


@pytest.mark.parametrize(
    ("name", "expected"), [("mixed", "[[1], ['x'], [{'a': 2}]]['things']"), ("twins", "[[1, 2]]['a', 'a']")]
)
def test_an_odd_table_works_or_is_refused_by_name(project, name: str, expected: str) -> None:
    done = project.command("run", "values.py:odds", "--set", f"name={name}", "--json")
    if done.returncode == 0:
        assert json.loads(done.stdout.splitlines()[-1])["result"] == expected
    else:
        assert done.returncode == 1
        assert ("'things'" if name == "mixed" else "'a'") in done.stderr
        assert "Traceback" not in done.stderr
