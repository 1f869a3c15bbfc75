"""Values that are hard to keep come back equal and of their type through both engines, or are refused by name."""

from __future__ import annotations

import pytest

PROGRAM = """
import datetime as dt
import decimal
import enum
import zoneinfo
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from solvent import pipeline, step


def table(index=None, **columns):
    return pd.DataFrame(columns, index=index)


class Colour(enum.Enum):
    ROT = 1


@dataclass(frozen=True)
class Punkt:
    x: int
    größe: object


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
    "nothing and not a number": table(a=pd.Series([None, np.nan, pd.NA, "x"], dtype=object)),
    "units": table(a=np.array(["2020-01-01", "NaT"], "datetime64[s]"), b=pd.to_timedelta([1, 2], unit="s")),
    "periods": table(a=pd.period_range("2020", periods=2, freq="M"), b=pd.interval_range(0, 2)),
    "lists": table(a=[[1, 2], []], b=[{"x": 1}, None], c=[decimal.Decimal("1.10"), None]),
    "odd names": pd.DataFrame([[1, 2, 3]], columns=[None, ("a", 1), "größe"]),
    "zero levels": pd.DataFrame({"a": []}, index=pd.MultiIndex.from_arrays([[], []], names=["a", "a"])),
    "category index": table(index=pd.CategoricalIndex(["u", "v"], name="é"), a=[1, 2]),
    "structured": np.array([(1, 2.5)], dtype=[("a", "i4"), ("é", "f8")]),
    "objects": np.array([1, "a", None], dtype=object),
    "polars types": pl.DataFrame({"s": [{"a": 1}, None], "c": pl.Series(["x", "y"], dtype=pl.Categorical)}),
    "polars without columns": pl.DataFrame(),
    "summer time": dt.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
    "of the user": [Colour.ROT, Punkt(x=1, größe=None)],
    "keys": {1: "a", "1": "b", None: 3, (1, 2): 4, 1.5: 5},
    "big": 10**100,
    "half a character": "\\ud800",
    "nothings": [(), {}, set(), "", b"", [[]]],
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


class Cubed(pd.api.extensions.ExtensionDtype):
    name, type, kind, na_value = "cubed", float, "f", np.nan

    @classmethod
    def construct_array_type(cls):
        return Cubes


class Cubes(pd.api.extensions.ExtensionArray):
    dtype = Cubed()

    def __init__(self, numbers):
        self.numbers = np.asarray(numbers, dtype=float)

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, place):
        found = self.numbers[place]
        return found if np.isscalar(found) else Cubes(found)

    def isna(self):
        return np.isnan(self.numbers)

    def copy(self):
        return Cubes(self.numbers.copy())


ODD = {
    "mixed": lambda: pd.DataFrame({"things": [1, "x", {"a": 2}]}),
    "twins": lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "extension": lambda: pd.DataFrame({"cubes": Cubes([1, 2])}),
    "function": lambda: pd.DataFrame({"things": [lambda: 1]}),
    "itself": lambda: (lambda held: (held.append(held), held)[1])([]),
    "polars objects": lambda: pl.DataFrame({"things": pl.Series([Punkt(1, 2)], dtype=pl.Object)}),
}


@step
def odd(name: str):
    return ODD[name]()


@step
def look(table) -> str:
    return repr(table.values.tolist()) + repr(list(table.columns))


@step
def count(table) -> int:
    return len(table)


@pipeline
def odds(name: str) -> str:
    return look(odd(name))


@pipeline
def refusals(name: str) -> int:
    return count(odd(name))
"""

NAMES = """
from dataclasses import dataclass
from typing import NamedTuple
from solvent import File, pipeline, step


class Größen(NamedTuple):
    höhe: int
    länge: str


@dataclass(frozen=True)
class Wünsche:
    größe: int = 1
    quelle: File = File("daten/größe 日本.txt")


@step(name="größe")
def messen(größe: int, quelle: File) -> Größen:
    return Größen(größe, quelle.read_text(encoding="utf-8"))


@step(name="n" * 10_000)
def lang(text: str) -> str:
    return text * 10_000


@pipeline
def größen(config: Wünsche) -> str:
    gemessen = messen(config.größe, config.quelle)
    return lang(gemessen.länge)
"""


@pytest.fixture
def project(shop):
    shop.write("values.py", PROGRAM)
    return shop


@pytest.mark.parametrize("engine", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
def test_every_value_comes_back_equal_and_of_its_type(project, engine: str) -> None:
    first = project.run("values.py:values", "--engine", engine)
    assert [name for name, equal in first.result.items() if not equal] == []
    assert project.run("values.py:values", "--engine", engine).ran == []


@pytest.mark.slow
def test_what_one_engine_wrote_the_other_reads(project) -> None:
    project.run("values.py:values", "--engine", "inline")
    project.write(
        "values.py", PROGRAM.replace("return same(found, VALUES[name])", "return bool(same(found, VALUES[name]))")
    )
    again = project.run("values.py:values", "--engine", "processes")
    assert set(again.ran) == {"check"}
    assert all(again.result.values())


@pytest.mark.parametrize("engine", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "expected"), [("mixed", "[[1], ['x'], [{'a': 2}]]['things']"), ("twins", "[[1, 2]]['a', 'a']")]
)
def test_an_odd_table_comes_back_as_it_was(project, name: str, expected: str, engine: str) -> None:
    assert project.run("values.py:odds", "--set", f"name={name}", "--engine", engine).result == expected


@pytest.mark.parametrize("engine", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("extension", ["cubed", "'cubes'"]),
        ("function", ["lambda", "['things'][0]"]),
        ("itself", ["itself"]),
        ("polars objects", ["['things']"]),
    ],
)
def test_what_could_not_come_back_equal_is_refused_by_name(
    project, name: str, expected: list[str], engine: str
) -> None:
    done = project.run("values.py:refusals", "--set", f"name={name}", "--engine", engine, code=1)
    assert done.names("failed") == ["odd"]
    assert "step `odd` failed" in done.printed
    assert "output of `odd`" in done.printed
    for part in expected:
        assert part in done.printed
    assert "Traceback" not in done.printed
    assert "direct cause" not in done.printed


@pytest.mark.parametrize("engine", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
def test_names_may_be_of_any_language_and_length(shop, engine: str) -> None:
    shop.write("größen.py", NAMES)
    (shop.root / "daten").mkdir()
    (shop.root / "daten" / "größe 日本.txt").write_text("é", encoding="utf-8")
    first = shop.run("größen.py", "--engine", engine, "--set", "größe=2")
    assert first.ran == ["größe", "n" * 10_000]
    assert first.result == "é" * 10_000
    assert shop.run("größen.py:größen", "--engine", engine, "--set", "größe=2").ran == []
    assert "argument `größe` 2 -> 3" in shop.run("größen.py", "--set", "größe=3").why("größe")
    for words in (("show",), ("show", "größe"), ("runs",), ("artifacts",), ("lineage", "latest/größe.länge")):
        done = shop.command(*words)
        assert done.returncode == 0, done.stderr
