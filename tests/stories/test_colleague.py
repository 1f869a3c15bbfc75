"""A run goes from a laptop to the store of the team, and a colleague works on with it as if it had been made there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from solvent.cli.main import main
from tests.stories.conftest import Shop

pytestmark = pytest.mark.slow

PIPELINE = """
import pandas as pd

from solvent import File, log, pipeline, step


@step
def load(source: File) -> pd.DataFrame:
    print("reading", source)
    return pd.read_csv(source)


@step
def grow(table: pd.DataFrame, times: int) -> pd.DataFrame:
    grown = pd.concat([table] * times, ignore_index=True)
    return grown.assign(number=range(len(grown)), share=[1 / (n + 1) for n in range(len(grown))])


@step
def total(table: pd.DataFrame) -> float:
    log.metric("rows", len(table))
    log.text("report", "all is well")
    return float(table["price"].sum())


@pipeline
def sales(source: File = File("prices.csv"), times: int = 2000):
    return {"total": total(grow(load(source), times))}
"""


@pytest.fixture
def colleague(shop: Shop, tmp_path: Path) -> Shop:
    """The same project, checked out by somebody else, on a store of the team that is empty."""
    shop.write("sales.py", PIPELINE)
    shop.write("prices.csv", "price\n1.5\n2.5\n")
    shop.write("solvent.toml", 'project = "sales"\n[profiles.team]\nhome = "../team"\n')
    other = tmp_path / "colleague"
    shutil.copytree(shop.root, other)
    found = Shop(other)
    found.write("solvent.toml", 'project = "sales"\nhome = "../team"\n')
    return found


Said = Callable[..., str]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Say a command in somebody's folder; gives what it printed."""

    def say(shop: Shop, *words: str) -> str:
        monkeypatch.chdir(shop.root)
        assert main(list(words)) == 0
        return capsys.readouterr().out

    return say


def test_a_colleague_reuses_what_was_copied_and_sees_how_it_was_made(shop: Shop, colleague: Shop, said: Said) -> None:
    first = shop.run("sales.py", "--set", "times=1000")
    second = shop.run("sales.py")
    said(shop, "copy", "latest", "--to", "team")
    own = colleague.run("sales.py", env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert own.names("reused") == ["load", "grow", "total"]
    assert own.result == second.result
    assert "reading prices.csv" in said(colleague, "log", second.id)
    for words in (
        *(("show", f"{second.id}/total"), ("why", second.id), ("artifacts", second.id), ("log", second.id)),
        *(("lineage", f"{second.id}/total"), ("diff", first.id, second.id)),
    ):
        assert said(colleague, *words) == said(shop, *words)
    assert "copied from" in said(colleague, "show", second.id)
    assert "rows" in said(colleague, "show", f"{own.id}/total")
    assert re.search(r"all [1-9]\d* are there, their sizes are right", said(colleague, "doctor"))
    origin = json.loads(said(colleague, "runs", "--json"))
    assert [run["origin"] is None for run in origin] == [True, False, False]


def test_what_a_colleague_made_comes_home(shop: Shop, colleague: Shop, said: Said) -> None:
    mine = shop.run("sales.py")
    said(shop, "copy", mine.id, "--to", "team")
    theirs = colleague.run("sales.py", "--set", "times=3")
    said(colleague, "note", theirs.id, "three is enough")
    copied = json.loads(said(shop, "copy", "--all", "--from", "team", "--json"))
    assert (copied["sent"]["runs"], copied["there"]["runs"]) == (1, 1)
    assert "three is enough" in said(shop, "show", theirs.id)
    assert shop.run("sales.py", "--set", "times=3").ran == []
