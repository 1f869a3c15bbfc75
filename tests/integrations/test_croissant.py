"""A dataset version as a Croissant dataset, read with the reference implementation."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

import solvent
from solvent import pipeline, step
from solvent.cli.main import main

pytestmark = pytest.mark.slow


@step(dataset="flights")
def load() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "delay": [1.5, None, 3.0],
            "carrier": ["AA", "UA", "Ö <b>"],
            "number": [1, 2, 3],
            "late": [True, False, True],
            "at": pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-03"]),
        }
    )


@step(dataset="words")
def words() -> dict[str, int]:
    return {"a": 1}


@pipeline
def loading() -> None:
    load()
    words()


@pytest.fixture
def exported(project: Path) -> Path:
    solvent.run(loading)
    assert main(["export", "croissant", "flights", "-o", "out", "--license", "CC0-1.0"]) == 0
    return project / "out"


def test_the_file_has_the_digest_that_is_written(exported: Path) -> None:
    described = json.loads((exported / "croissant.json").read_text("utf-8"))
    (file,) = described["distribution"]
    assert hashlib.sha256((exported / file["contentUrl"]).read_bytes()).hexdigest() == file["sha256"]
    assert (described["version"], described["license"]) == ("1.0.0", "CC0-1.0")
    assert pd.read_parquet(exported / "data.parquet")["carrier"].tolist() == ["AA", "UA", "Ö <b>"]


@pytest.mark.filterwarnings("ignore")
def test_the_reference_implementation_reads_the_rows(exported: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(str(exported / "croissant.json"))
    assert dataset.metadata.issues.errors == set()
    rows = list(dataset.records("rows"))
    assert [row["rows/number"] for row in rows] == [1, 2, 3]
    assert [row["rows/carrier"].decode() for row in rows] == ["AA", "UA", "Ö <b>"]


def test_what_is_no_table_is_refused(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "croissant", "words"]) == 2
    assert "a version stored as json can't be exported as Croissant" in capsys.readouterr().err
    assert main(["export", "croissant", "flights", "-o", "out"]) == 2
    assert "out is there and not empty" in capsys.readouterr().err
