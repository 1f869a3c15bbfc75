"""What `solvent clean` and `solvent pin` say, ask and refuse."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from solvent.cli.main import main
from tests.cli.conftest import Say, stable

pytestmark = pytest.mark.slow


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Give what a refused command says, paths of any width in it."""
    assert main(list(words)) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("text", ["30", "d", "-1d", "3y", "nand"])
def test_a_duration_that_is_none_is_refused_with_an_example(shop: Path, say: Say, text: str) -> None:
    assert "a duration" in say("clean", f"--older-than={text}", code=2)


def test_runs_are_not_removed_where_nobody_can_be_asked(shop: Path, say: Say) -> None:
    told = say("clean", "--keep", "1", code=2)
    assert told.startswith("solvent: this removes 1 run and ")
    assert "--yes" in told
    assert "--dry-run" in told
    assert len(json.loads(say("runs", "--json"))) == 2


def test_clean_says_what_went_and_what_is_left(shop: Path, say: Say) -> None:
    dry = stable(say("clean", "--keep", "1", "--dry-run")).splitlines()
    assert dry[0] == "runs: 1 would go"
    assert stable(say("clean", "--keep", "1", "--yes")).splitlines()[0] == "runs: 1 removed"
    assert len(json.loads(say("runs", "--json"))) == 1
    facts = json.loads(say("clean", "--keep", "1", "--yes", "--json"))
    assert (facts["runs"], facts["runs_held"], facts["held_for"]) == (0, 0, [])
    assert facts["bytes_before"] == facts["bytes_after"]


def test_dropping_makes_the_metadata_store_smaller_too_if_asked(shop: Path, say: Say) -> None:
    said = json.loads(say("clean", "--drop", "--vacuum", "--json"))
    assert said["vacuumed_bytes"] >= 0
    assert "vacuumed_bytes" not in json.loads(say("clean", "--drop", "--vacuum", "--dry-run", "--json"))


def test_without_runs_to_remove_nothing_is_asked(shop: Path, say: Say) -> None:
    assert "runs: 0 removed" in say("clean", "--older-than", "30d")
    assert "runs: 0 removed" in say("clean")


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo terminal")
@pytest.mark.parametrize(("answer", "left"), [("n\n", 2), ("\n", 2), ("y\n", 1)])
def test_on_a_terminal_the_answer_counts(
    shop: Path, monkeypatch: pytest.MonkeyPatch, say: Say, answer: str, left: int
) -> None:
    import pty

    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    with os.fdopen(theirs, "r", closefd=False) as given, os.fdopen(theirs, "w") as told:
        monkeypatch.setattr(sys, "stdin", given)
        monkeypatch.setattr(sys, "stderr", told)
        assert main(["clean", "--keep", "1"]) == (0 if left == 1 else 1)
        monkeypatch.undo()
    os.close(ours)
    os.chdir(shop)
    assert len(json.loads(say("runs", "--json"))) == left


def test_a_run_that_was_cleaned_away_is_none(shop: Path, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(say("runs", "--json"))[1]["id"]
    say("clean", "--keep", "1", "--yes")
    assert "There is no run" in refusal(capsys, "show", first)
    assert "only 1 runs" in refusal(capsys, "show", "latest~1")


def test_pins_are_made_listed_and_taken_away(shop: Path, say: Say) -> None:
    assert "nothing is pinned" in say("pin")
    assert stable(say("pin", "latest")).strip() == "run RUN: pinned by hand"
    assert stable(say("pin", "latest", "--reason", "june")).strip() == "run RUN: pinned by hand; june"
    assert "artifact" in say("pin", "latest/load")
    assert [pin["reason"] for pin in json.loads(say("pin", "--json"))] == ["pinned by hand", "june", "pinned by hand"]
    say("clean", "--keep", "0", "--yes")
    assert len(json.loads(say("runs", "--json"))) == 1
    assert stable(say("pin", "latest", "--remove", "--reason", "june")).strip() == "run RUN: pinned by hand"
    assert stable(say("pin", "latest", "--remove")).strip() == "run RUN: no longer pinned"
    assert "is not pinned" in say("pin", "latest", "--remove", code=2)


def test_pin_refuses_what_makes_no_sense(shop: Path, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    assert "needs WHAT" in say("pin", "--remove", code=2)
    assert "the reason is empty" in say("pin", "latest", "--reason", " ", code=2)
    assert "There is no run" in refusal(capsys, "pin", "nothing-like-it")


def test_tag_says_that_it_needs_only_what(shop: Path, say: Say) -> None:
    assert "needs WHAT\n" in say("tag", code=2)


def test_a_dry_run_names_the_runs_that_would_go(shop: Path, say: Say) -> None:
    oldest = json.loads(say("runs", "--json"))[-1]["id"]
    listed = say("clean", "--keep", "0", "--dry-run").splitlines()
    assert f"  {oldest}" in listed


def test_a_drop_reaches_what_cleaned_runs_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    lines = ["from solvent import pipeline, step", "", "@step", "def make(count: int) -> list[int]:"]
    lines += ["    return list(range(count))", "", "@pipeline", "def main(count: int = 20_000) -> int:"]
    (tmp_path / "p.py").write_text("\n".join([*lines, "    make(count)", "    return count", ""]))
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        say("run", "p.py", "--engine", "inline", "--quiet")
    assert "stays in part" in say("clean", "--keep", "1", "--yes")
    assert say("clean", "--drop").startswith("dropped: 1 blob, ")
    again = say("clean", "--drop")
    assert again.startswith("dropped: 0 blobs, ")
    assert "what stays" in again
    say("run", "p.py", "--engine", "inline", "--quiet")
    assert "all is well" in say("verify")
