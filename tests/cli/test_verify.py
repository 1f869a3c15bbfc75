"""`solvent verify` and `solvent remake`: what they print, as text and as JSON, and their exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from solvent.cli.main import main
from tests.cli.conftest import Say

PIPELINE = """
from solvent import pipeline, step


@step
def load(count: int) -> list[int]:
    return list(range(count))


@step
def double(numbers: list[int]) -> list[int]:
    return [2 * each for each in numbers]


@pipeline
def main(count: int = 9000) -> list[int]:
    return double(load(count))
"""


@pytest.fixture
def store(project: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (project / "doubles_of_tests.py").write_text(PIPELINE)
    assert main(["run", "doubles_of_tests.py", "--engine", "inline", "--quiet"]) == 0
    capsys.readouterr()
    return project


def blobs() -> list[Path]:
    return sorted(Path(".solvent/objects").glob("??/*"), key=lambda path: path.stat().st_size)


def test_a_sound_store_is_said_to_be_well(store: Path, say: Say) -> None:
    assert say("verify").splitlines()[-1] == "all is well"
    said = json.loads(say("verify", "--json"))
    assert said["ok"]
    assert said["blobs"] == len(blobs())
    assert said["problems"] == []


def test_a_damaged_blob_is_told_with_what_made_it_and_what_needs_it(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.chmod(blobs()[-2], 0o644)
    os.truncate(blobs()[-2], 10)
    assert main(["verify"]) == 1
    text = capsys.readouterr().out
    assert all(len(line) <= 80 for line in text.splitlines())
    words = " ".join(text.split())
    assert "10 bytes instead of" in words
    assert "made by load of run" in words
    assert "depends on it" in words
    assert "1 wrong; `solvent verify --repair` can put 1 of them back" in words
    assert "left over 1 file, 10 B, moved aside or half written; `solvent clean` removes it" in words


def test_a_missing_blob_is_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blobs()[-1].unlink()
    assert main(["verify", "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["kind"], problem["state"], problem["obstacle"]) == ("missing", "wrong", "")


def test_a_damaged_metadata_store_is_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open(".solvent/metadata.sqlite", "r+b") as file:
        file.seek(8 * 4096)
        file.write(os.urandom(30 * 4096))
    assert main(["verify"]) in (1, 2)
    said = capsys.readouterr()
    assert "damaged" in said.out + said.err
    assert "backup" in said.out + said.err


def test_a_list_of_runs_executes_nothing_to_show_a_result_that_is_gone(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in blobs():
        path.unlink()
    assert main(["runs"]) == main(["show"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "<list" in said.out


@pytest.mark.slow
def test_repair_puts_back_and_says_what_ran(store: Path, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    blobs()[-1].unlink()
    text = say("verify", "--repair")
    assert "ran again double" in " ".join(text.split())
    assert text.splitlines()[-1] == "all is well: 1 mended"
    blobs()[-1].unlink()
    (store / "doubles_of_tests.py").unlink()
    assert json.loads(say("verify", "--repair", "--json"))["ran_again"][0]["label"] == "double"


@pytest.mark.slow
def test_remake_compares_with_the_record(store: Path, say: Say) -> None:
    assert say("remake", "latest").splitlines()[-1] == "2 of 2 made again with the recorded digest"
    said = json.loads(say("remake", "latest/double", "--json"))
    assert (said["ok"], [each["label"] for each in said["ran_again"]]) == (True, ["double"])
    assert said["artifacts"][0]["by"]["step"] == "double"


def test_remake_names_the_nearest(store: Path, say: Say) -> None:
    assert "'load'" in say("remake", "latest/laod", code=2)
    assert "zzzz" in say("remake", "zzzz", code=2)
