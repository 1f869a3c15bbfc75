"""What libraries read outside Python is noticed, however their functions were imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.dataset as pa_dataset
import pyarrow.parquet as pq
import pytest

from solvent.runs import natives, witness
from solvent.runs.observe import Observer

FILES = [("file", "data/1.parquet"), ("file", "data/2.parquet")]


@pytest.fixture
def observer(project: Path) -> Observer:
    (project / "data").mkdir()
    for number in (1, 2):
        pl.DataFrame({"a": [number]}).write_parquet(f"data/{number}.parquet")
    (project / "x.csv").write_text("a\n1\n")
    return Observer(str(project), str(project / ".solvent"))


def seen(observer: Observer) -> list[tuple[str, str]]:
    return [(each.kind, each.subject) for each in observer.observations()]


READS: list[tuple[Callable[[], object], list[tuple[str, str]]]] = [
    (lambda: pq.read_table("data/1.parquet"), FILES[:1]),
    (lambda: pq.ParquetFile(Path("data/1.parquet")).read(), FILES[:1]),
    (lambda: pq.read_schema("data/1.parquet"), FILES[:1]),
    (lambda: pa_csv.read_csv("x.csv"), [("file", "x.csv")]),
    (lambda: pa_dataset.dataset("data").to_table(), [*FILES, ("folder", "data")]),
    (lambda: pl.read_csv("x.csv"), [("file", "x.csv")]),
    (lambda: pl.scan_parquet("data/*.parquet").collect(), [*FILES, ("folder", "data")]),
    (lambda: pl.read_parquet(["data/1.parquet", "data/2.parquet"]), FILES),
    (lambda: pd.read_parquet("data"), [*FILES, ("folder", "data")]),
    (lambda: pd.read_csv("x.csv"), [("file", "x.csv")]),
]


@pytest.mark.parametrize("number", range(len(READS)))
def test_a_read_is_noticed(observer: Observer, number: int) -> None:
    read, expected = READS[number]
    with observer:
        read()
    assert seen(observer) == expected


def test_a_file_that_is_not_there_is_noticed(observer: Observer) -> None:
    with observer, pytest.raises(FileNotFoundError):
        pl.read_csv("missing.csv")
    assert [each[:3] for each in observer.observations()] == [("file", "missing.csv", "absent")]


def test_what_a_step_wrote_itself_does_not_count(observer: Observer) -> None:
    with observer:
        pl.DataFrame({"a": [1]}).write_parquet("w1.parquet")
        pl.LazyFrame({"a": [1]}).sink_parquet("w2.parquet")
        pq.write_table(pa.table({"a": [1]}), "w3.parquet")
        for number in (1, 2, 3):
            pl.read_parquet(f"w{number}.parquet")
            pq.read_table(f"w{number}.parquet")
    assert seen(observer) == []


def test_other_arguments_that_name_files_by_chance_do_not_count(observer: Observer) -> None:
    with observer:
        pl.read_csv("x.csv", columns=["a"], separator=",", null_values=["data"])
    assert seen(observer) == [("file", "x.csv")]


def test_functions_that_a_module_took_before_they_were_wrapped_are_replaced_in_it() -> None:
    taken = ModuleType("taken")
    taken.read_csv = original = lambda source: source  # type: ignore[attr-defined]
    sys.modules["taken"] = taken
    try:
        wrapped = natives._noting(original, "read", 0)
        natives._replace_taken({id(original): (original, wrapped)})
        assert taken.read_csv is wrapped
    finally:
        del sys.modules["taken"]


PROGRAM = """
import os
from polars import read_csv  # taken before anything is wrapped
from solvent.runs.observe import Observer

def first():
    import pyarrow.parquet as parquet  # loaded in the middle of a step
    parquet.read_table("data/1.parquet")
    read_csv("x.csv")

observer = Observer(os.getcwd(), ".solvent")
with observer:
    first()
print([(each.kind, each.subject) for each in observer.observations()])
"""


def test_a_library_that_a_step_loads_itself_is_wrapped_as_it_arrives(observer: Observer, project: Path) -> None:
    (project / "program.py").write_text(PROGRAM)
    done = subprocess.run([sys.executable, "program.py"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str([("file", "data/1.parquet"), ("file", "x.csv")])


def test_child_processes_take_the_wrapping_along(observer: Observer) -> None:
    program = "import pyarrow.parquet as pq; pq.read_table('data/1.parquet')"
    with observer:
        subprocess.run([sys.executable, "-c", program], check=True)
    assert seen(observer) == FILES[:1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("select * from 'x.csv'", ["x.csv"]),
        ("select * from read_parquet('data/*.parquet')", ["data/*.parquet"]),
        ("select 'hello', \"a\" from t", []),
        ("select * from 'https://example.org/*.csv'", []),
    ],
)
def test_the_files_in_a_query_are_found(observer: Observer, query: str, found: list[str]) -> None:
    assert list(natives._quoted(query)) == found


def test_nothing_is_noted_while_nobody_watches(observer: Observer) -> None:
    assert not witness.watchers
    pl.read_csv("x.csv")
    with observer:
        pass
    assert seen(observer) == []
