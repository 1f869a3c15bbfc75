"""`source` inside a step and outside: the type asked for, the version on record, reuse only while it is the same."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

import solvent
from solvent.cli.main import main
from solvent.errors import AuthoringError, ConfigError, NotFoundError, StepFailed
from solvent.runs.views import Run
from solvent.sources.batches import Batches

CATALOGUE = """sources:
  flights:
    location: data/flights.csv
    owner: data team
  months:
    location: data/months
"""


@solvent.step
def load() -> pd.DataFrame:
    return solvent.source("flights")


@solvent.step
def count(table: pd.DataFrame) -> int:
    return len(table)


@solvent.pipeline
def counted() -> int:
    return count(load())


@solvent.step
def slow_reader() -> int:
    batches = solvent.source("months", Batches)
    read = sum(batch.num_rows for batch in batches)
    parquet.write_table(pa.table({"id": [5]}), "data/months/month=1/a.parquet")
    return read


@solvent.pipeline
def changing() -> int:
    return slow_reader()


@solvent.pipeline
def hasty() -> int:
    return count(solvent.source("flights"))


FLOW = """
from solvent import pipeline
from solvent.steps import load_source


@pipeline
def flow():
    return load_source("flights")
"""


@pytest.fixture
def shop(project: Path) -> Path:
    (project / "configs").mkdir()
    (project / "data").mkdir()
    (project / "configs" / "sources.yaml").write_text(CATALOGUE)
    (project / "data" / "flights.csv").write_text("id,carrier,delay\n1,UA,4.5\n2,AA,\n")
    for month in (1, 2):
        (project / "data" / "months" / f"month={month}").mkdir(parents=True)
        parquet.write_table(
            pa.table({"id": [month, month]}), project / "data" / "months" / f"month={month}" / "a.parquet"
        )
    return project


def statuses(run: Run) -> dict[str, str]:
    return {step.name: step.status for step in run.steps}


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.Table])
def test_a_table_comes_in_the_type_that_is_asked_for(shop: Path, kind: type) -> None:
    found = solvent.source("flights", kind)

    assert isinstance(found, kind)
    assert list(found["id"].to_numpy() if kind is pa.Table else found["id"]) == [1, 2]


def test_lazy_kinds_read_folders_whose_names_are_values(shop: Path) -> None:
    lazy = solvent.source("months", pl.LazyFrame)
    relation = solvent.source("months", duckdb.DuckDBPyRelation)
    batches = solvent.source("months", Batches)

    assert lazy.collect().sort("id")["month"].to_list() == [1, 1, 2, 2]
    assert relation.aggregate("sum(id)").fetchall() == [(6,)]
    assert [sum(batch.num_rows for batch in batches) for _ in range(2)] == [4, 4]
    assert solvent.source("months", where=[("month", "==", 2)])["id"].to_list() == [2, 2]


def test_a_step_is_reused_while_its_source_has_the_version_that_it_read(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = solvent.run(counted), solvent.run(counted)

    assert first["load"].observed == ["flights"]
    capsys.readouterr()
    assert main(["lineage", "latest/count"]) == 0
    assert "source flights content " in capsys.readouterr().out
    assert statuses(second) == {"load": "reused", "count": "reused"}

    (shop / "data" / "flights.csv").write_text("id,carrier,delay\n1,UA,4.5\n2,AA,\n3,DL,1\n")
    third = solvent.run(counted)
    assert statuses(third) == {"load": "done", "count": "done"}
    assert third.result == 3


@pytest.mark.slow
def test_the_format_changes_in_config_alone_and_the_wave_stops_at_equal_content(shop: Path) -> None:
    solvent.run(counted)
    solvent.source("flights", pl.DataFrame).write_parquet(shop / "data" / "flights.parquet")
    (shop / "configs" / "sources.yaml").write_text(CATALOGUE.replace("flights.csv", "flights.parquet"))

    assert statuses(solvent.run(counted)) == {"load": "done", "count": "reused"}


@pytest.mark.slow
def test_workers_read_the_same_sources(shop: Path) -> None:
    (shop / "flow.py").write_text(FLOW)

    for expected in ("done", "reused"):
        assert main(["run", "flow.py", "--workers", "1"]) == 0
        assert [(step.status, step.observed) for step in solvent.runs()[0].steps] == [(expected, ["flights"])]


def test_a_lazy_table_of_files_that_change_before_the_step_ends_fails_the_step(shop: Path) -> None:
    with pytest.raises(StepFailed, match="source `months` changed while it was read"):
        solvent.run(changing)


def test_a_source_is_not_read_in_the_body_of_a_pipeline(shop: Path) -> None:
    with pytest.raises(AuthoringError, match="load_source"):
        solvent.run(hasty)


def test_the_profile_lays_its_file_over_the_catalogue(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "configs" / "sources.small.yaml").write_text("sources: {flights: {location: data/small.csv}}\n")
    (shop / "data" / "small.csv").write_text("id\n9\n")
    monkeypatch.setenv("SOLVENT_PROFILE", "small")

    assert solvent.source("flights")["id"].tolist() == [9]


def test_what_is_not_there_is_named_with_the_nearest(shop: Path) -> None:
    with pytest.raises(NotFoundError, match="no source 'flihgts'; did you mean 'flights'"):
        solvent.source("flihgts")
    (shop / "configs" / "sources.yaml").write_text("sources:\n  flights:\n    locatoin: a.csv\n")
    with pytest.raises(ConfigError, match=r"(?s)did you mean.*location.*sources\.yaml:3"):
        solvent.source("flights")
