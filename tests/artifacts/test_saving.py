"""Formats: each value comes back equal and of its type; the format is the safe one."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.artifacts.saving import element, load, save
from solvent.artifacts.store import LocalBlobs
from solvent.errors import FormatError
from solvent.fingerprint.values import identify
from solvent.pipelines.files import File, Folder


@dataclass(frozen=True)
class Point:
    x: int
    table: Any = None


class Pair(NamedTuple):
    a: int
    b: str


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(str(tmp_path / "store"))


def kept(value: Any, blobs: LocalBlobs) -> Any:
    ref = save(value, identify(value), blobs)
    assert (ref.inline is None) == bool(ref.blobs or ref.children) or ref.inline is not None
    return ref


VALUES: dict[str, tuple[Any, str]] = {
    "scalar": (3, "json"),
    "nan": (float("nan"), "json"),
    "big int": (10**40, "json"),
    "nested": ({"a": [1, (2.5, None), {"b": b"x"}], 3: "three"}, "json"),
    "dates": ([dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.timedelta(1.5)], "json"),
    "decimal": (Decimal("1.10"), "json"),
    "set": (frozenset({1, 2}), "json"),
    "dataclass": (Point(1), "json"),
    "namedtuple": (Pair(1, "x"), "json"),
    "text": ("häuser\n" * 5000, "text"),
    "bytes": (b"\x00\xff" * 20_000, "bytes"),
    "array": (np.asfortranarray(np.arange(6.0).reshape(2, 3)), "npy"),
    "datetimes": (np.array(["2024-01-01", "NaT"], "datetime64[D]"), "npy"),
    "pandas": (pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="k")), "pandas"),
    "series": (pd.Series([1.0, np.nan], name="s"), "pandas"),
    "polars": (pl.DataFrame({"a": [[1], None], "b": [{"c": 1}, None]}), "polars"),
    "arrow": (pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()}), "arrow"),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_with_the_identity_it_had(name: str, blobs: LocalBlobs) -> None:
    value, expected = VALUES[name]
    ref = kept(value, blobs)
    assert ref.format == expected
    assert not ref.pickled
    again = load(ref, blobs)
    assert type(again) is type(value)
    assert identify(again)[:2] == identify(value)[:2]


def test_a_dict_of_tables_holds_no_pickle_and_its_parts_are_artifacts(blobs: LocalBlobs) -> None:
    value = {"one": pd.DataFrame({"a": [1]}), "more": [np.arange(3), pl.DataFrame({"b": [2]})]}
    ref = kept(value, blobs)
    assert not ref.pickled
    assert [child.format for child in ref.children] == ["pandas", "npy", "polars"]
    again = load(ref, blobs)
    assert list(again) == ["one", "more"]
    assert identify(again) == identify(value)


def test_elements_of_a_list_of_tables_are_read_one_by_one(blobs: LocalBlobs) -> None:
    ref = kept([pd.DataFrame({"a": [n]}) for n in range(3)], blobs)
    second = element(ref, 1)
    assert second is not None
    assert load(second, blobs)["a"].tolist() == [1]


def test_a_model_is_written_by_skops_and_answers_as_before(blobs: LocalBlobs) -> None:
    from sklearn.linear_model import LogisticRegression

    x, y = np.random.default_rng(0).random((40, 2)), np.arange(40) % 2
    model = LogisticRegression().fit(x, y)
    ref = kept(model, blobs)
    assert ref.format == "skops"
    assert np.array_equal(load(ref, blobs).predict_proba(x), model.predict_proba(x))


class Odd:
    def __init__(self) -> None:
        self.data = np.arange(3)

    def __reduce__(self) -> Any:
        return Odd, ()


def test_pickle_is_the_last_resort_and_can_be_forbidden(blobs: LocalBlobs) -> None:
    value = OrderedDict(a=Odd())
    ref = kept(Odd(), blobs)
    assert ref.pickled
    with pytest.raises(FormatError):
        save(value, identify(value), blobs, allow_pickle=False)


def test_files_and_folders_come_back_as_what_they_were(blobs: LocalBlobs, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    one = load(kept(File(tmp_path / "in" / "a.txt"), blobs), blobs)
    assert type(one) is File
    assert one.read_text() == "a"
    assert one.suffix == ".txt"
    folder = load(kept(Folder(tmp_path / "in"), blobs), blobs)
    assert type(folder) is Folder
    assert (folder / "a.txt").read_text() == "a"
