"""`solvent schema` shows what is expected; `solvent accept` changes it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from solvent.cli.main import main
from tests.cli.conftest import Say

PIPELINE = """
import pyarrow as pa
from solvent import pipeline, step


@step(dataset="flights")
def fetch(month: int) -> pa.Table:
    carriers = ["AA", "UA", "WN", "AA"] * 50
    delays = [float(n) for n in range(200)]
    if month == 2:
        carriers[:4] = ["HA"] * 4
        delays[0] = None
    return pa.table({"carrier": carriers, "delay": delays, "late": [n > 100 for n in range(200)]})


@pipeline
def main(month: int = 1) -> None:
    fetch(month)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two versions of a dataset."""
    folder = tmp_path_factory.mktemp("flights")
    (folder / "solvent.toml").write_text('project = "shop"\n')
    (folder / "flights_of_tests.py").write_text(PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.path", list(sys.path))
        for month in ("1", "2"):
            words = ["run", "flights_of_tests.py", "--engine", "inline", "--quiet", "--set", f"month={month}"]
            assert main(words) == 0
    return folder


@pytest.fixture
def flights(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it for one test."""
    folder = tmp_path / "flights"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SOLVENT_USER", "zoe")
    return folder


def test_a_schema_is_shown_with_what_is_not_as_expected_and_how_to_accept_it(flights: Path, say: Say) -> None:
    assert (
        say("schema", "flights")
        == """\
schema of flights: inferred from version 1
column   type     missing  values
carrier  string   no       3: AA, UA, WN
delay    float64  no       0 to 199
late     bool     no
flights@2: 2 anomalies
  alert     carrier has a new value: 'HA' (2 %)
  to accept add it to the domain
            solvent accept flights@2 carrier.domain
  alert     delay has 1 missing values (0.5 %); none were expected
  to accept values may be missing
            solvent accept flights@2 delay.nulls
`solvent accept flights@2` accepts all of them
"""
    )


def test_accepting_one_anomaly_leaves_the_other(flights: Path, say: Say) -> None:
    assert say("accept", "flights@2", "carrier.domain", "--reason", "Hawaiian flies now") == (
        "  carrier   add it to the domain\nthe schema of flights is now number 1, from flights@2\n"
    )
    shown = say("schema", "flights")
    assert shown.startswith(
        "schema of flights: number 1, accepted from version 2 by zoe\n  reason    Hawaiian flies now\n"
    )
    assert "4: AA, HA, UA, WN" in shown
    assert "flights@2: 1 anomaly" in shown


def test_accepting_all_leaves_nothing_to_accept(flights: Path, say: Say) -> None:
    say("accept", "flights")
    assert say("schema", "flights").endswith("flights@2 is as expected\n")
    assert say("accept", "flights") == "flights@2 is as expected: nothing to accept\n"


def test_the_first_version_can_be_accepted_as_it_is(flights: Path, say: Say) -> None:
    assert say("accept", "flights@1") == "the schema of flights is now number 1, from flights@1\n"


def test_drift_that_is_accepted_is_not_watched(flights: Path, say: Say) -> None:
    assert "its drift is not watched any more" in say("accept", "flights@1", "delay.drift")
    assert "drift not watched" in say("schema", "flights")


def test_the_schemas_so_far_say_who_and_why(flights: Path, say: Say) -> None:
    assert "its first version says what is expected" in say("schema", "flights", "--history")
    say("accept", "flights@2", "delay.nulls", "--reason", "a sensor broke")
    say("accept", "flights@2")
    lines = [line.split() for line in say("schema", "flights", "--history").splitlines()]
    assert [(line[0], line[3]) for line in lines[1:]] == [("1", "zoe"), ("2", "zoe")]
    assert lines[1][-3:] == ["a", "sensor", "broke"]


def test_a_schema_goes_to_a_file_and_back(flights: Path, say: Say) -> None:
    say("schema", "flights", "--export", "flights.yaml")
    text = (flights / "flights.yaml").read_text("utf-8")
    assert "domain: [AA, UA, WN]" in text
    assert say("schema", "flights", "--export", "-") == text
    (flights / "flights.yaml").write_text(text.replace("[AA, UA, WN]", "[AA, UA, WN, HA]"), "utf-8")
    assert say("schema", "flights", "--import", "flights.yaml") == "the schema of flights is now number 1\n"
    shown = say("schema", "flights")
    assert "number 1, accepted from a file by zoe" in shown
    assert "flights@2: 1 anomaly" in shown


def test_the_label_is_absent_when_serving(flights: Path, say: Say) -> None:
    say("schema", "flights", "--label", "late")
    assert "not serving" in say("schema", "flights")
    assert "no column 'lte'; did you mean 'late'?" in say("schema", "flights", "--label", "lte", code=2)


def test_json_says_the_same(flights: Path, say: Say) -> None:
    found = json.loads(say("schema", "flights", "--json"))
    assert (found["inferred_from"], found["number"], found["version"]) == (1, None, 2)
    assert [each["accept"] for each in found["anomalies"]] == [
        "solvent accept flights@2 carrier.domain",
        "solvent accept flights@2 delay.nulls",
    ]
    accepted = json.loads(say("accept", "flights@2", "--json"))
    assert accepted == {"dataset": "flights", "version": 2, "number": 1, "accepted": ["carrier.domain", "delay.nulls"]}
    assert json.loads(say("schema", "flights", "--json"))["anomalies"] == []
    assert [each["number"] for each in json.loads(say("schema", "flights", "--history", "--json"))] == [1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["schema", "flihgts"], "did you mean 'flights'?"),
        (["schema", "flights@9"], "there is no flights@9"),
        (["schema", "flights", "--environment", "servign"], "did you mean 'serving'?"),
        (["accept", "flights@2", "carrier.doman"], "did you mean 'carrier.domain'?"),
        (["schema", "flights", "--import", "nothing.yaml"], "nothing.yaml"),
        (["schema", "flights", "--export", "nowhere/flights.yaml"], "can't write nowhere/flights.yaml"),
    ],
)
def test_wrong_words_get_the_nearest_and_exit_code_2(flights: Path, say: Say, words: list[str], expected: str) -> None:
    assert expected in say(*words, code=2)
