"""`solvent data` and `solvent load`: what they print at 80 columns, and what they say of wrong input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from solvent.cli.history import sparkline
from solvent.cli.main import main
from tests.cli.conftest import Say, stable

PIPELINE = """
import pyarrow as pa
from solvent import pipeline, step

@step(dataset="flights")
def read(month: int) -> pa.Table:
    names = ["AA", "UA\\x1b[31m", None] * month
    return pa.table({"id": range(3 * month), "carrier": names, "tags": [[1]] * 3 * month})

@step(dataset="words")
def count(table: pa.Table) -> dict[str, int]:
    return {"rows": len(table)}

@pipeline
def main(month: int = 1) -> dict[str, int]:
    return count(read(month))
"""


@pytest.fixture
def months(project: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (project / "months_of_tests.py").write_text(PIPELINE)
    for month in (1, 2, 1):
        words = ("run", "months_of_tests.py", "--engine", "inline", "--quiet", "--set", f"month={month}")
        assert main(words) == 0
    capsys.readouterr()
    return project


def lines_of(text: str) -> list[str]:
    """Replace what differs from machine to machine."""
    text = re.sub(r"\d{4}-TIME", "TIME", stable(text))
    return [re.sub(r"[\d.]+ k?B", "SIZE", line) for line in text.splitlines()]


@pytest.fixture(autouse=True)
def _user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVENT_USER", "ada")


@pytest.mark.slow
def test_data_lists_the_datasets(months: Path, say: Say) -> None:
    assert lines_of(say("data")) == [
        "dataset  versions  current  rows  size  made  by",
        "flights  2  @1  3  SIZE  TIME  ada",
        "words  2  @1  -  SIZE  TIME  ada",
    ]
    assert [each["current"]["number"] for each in json.loads(say("data", "--json"))] == [1, 1]


def test_data_lists_the_versions_of_one(months: Path, say: Say) -> None:
    expected = [
        "dataset flights: 2 versions",
        "version  rows  change  columns  size  made  by  uses",
        "@2  6  +3  3  SIZE  TIME  ada  1",
        "@1 *  3  3  SIZE  TIME  ada  2",
    ]
    assert lines_of(say("data", "flights")) == lines_of(say("data", "show", "flights")) == expected
    assert lines_of(say("data", "flights", "--limit", "1"))[2:] == [
        "@2  6  3  SIZE  TIME  ada  1",
        "... the newest 1; --limit shows more",
    ]
    versions = json.loads(say("data", "flights", "--json"))["versions"]
    assert [(each["number"], each["rows"], each["current"]) for each in versions] == [(1, 3, True), (2, 6, False)]


@pytest.mark.slow
def test_data_shows_one_version(months: Path, say: Say) -> None:
    shown = lines_of(say("data", "flights@2"))
    assert shown[:4] == [
        "flights@2 DIGEST: not current",
        "  content  pyarrow.Table, 6 rows of 3 columns, SIZE",
        "  made  TIME by ada: read of run RUN",
        "  uses  1, by RUN",
    ]
    assert json.loads(say("data", "flights@2", "--json"))["profile"]["rows"] == 6
    assert "no statistics: dict is no table or array" in say("data", "words@1")


@pytest.mark.slow
def test_load_shows_the_first_rows_and_writes_all(months: Path, say: Say) -> None:
    assert lines_of(say("load", "flights@2", "--rows", "2")) == [
        "pyarrow.Table DIGEST: 6 rows of 3 columns",
        "id  carrier  tags",
        "0  AA  [1]",
        "1  UA·[31m  [1]",
        "... 4 more rows; -o FILE writes all",
    ]
    assert json.loads(say("load", "flights", "--json"))["head"][2] == {"id": 2, "carrier": None, "tags": [1]}
    assert "saved f.jsonl: 6 rows of 3 columns" in say("load", "flights@2", "-o", "f.jsonl")
    rows = [json.loads(line) for line in (months / "f.jsonl").read_text("utf-8").splitlines()]
    assert rows[4] == {"id": 4, "carrier": "UA\x1b[31m", "tags": [1]}
    assert say("load", "words").splitlines()[1] == "{'rows': 3}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["data", "flihgts"], "did you mean 'flights'"),
        (["data", "flights@7"], "its versions are flights@1 to flights@2"),
        (["data", "dif", "a", "b"], "no 'dif'; did you mean 'diff'"),
        (["data", "--project", "x"], "project 'x' has no dataset"),
        (["data", "history", "flights", "--statistic", "rosw"], "did you mean 'rows'"),
        (["data", "history", "flights", "--statistic", "carier.nulls"], "did you mean 'carrier'"),
        (["data", "history", "flights", "--statistic", "carrier"], "carrier.mean"),
        (["data", "diff", "flights"], "flights@1 is the first version"),
        (["data", "diff", "flights@1", "flights@2", "--key", "idd"], "did you mean 'id'"),
        (["data", "remove", "flights"], "write which: flights@3"),
        (["data", "remove", "flights@1"], "add --yes"),
        (["load", "flights", "-o", "f.cvs"], "did you mean '.csv'"),
        (["load", "flights", "-o", "f.csv"], "column 'tags' holds list"),
        (["load", "words", "-o", "f.csv"], "a dict has no rows to write"),
        (["load", "flights", "-o", "months_of_tests.py/f.csv"], "can't write"),
    ],
)
def test_wrong_words_are_told_what_there_is(months: Path, say: Say, words: list[str], expected: str) -> None:
    assert expected in say(*words, code=2)
    assert not (months / "f.csv").exists()


@pytest.mark.slow
def test_history_is_a_table_with_a_line_that_shows_its_course(months: Path, say: Say) -> None:
    assert lines_of(say("data", "history", "flights", "--statistic", "carrier.nulls")) == [
        "flights: carrier.nulls  ▁█",
        "version  made  carrier.nulls  change",
        "@1  TIME  1",
        "@2  TIME  2  +1",
    ]
    points = json.loads(say("data", "history", "flights", "--json"))["versions"]
    assert [(point["number"], point["value"]) for point in points] == [(1, 3), (2, 6)]


@pytest.mark.slow
def test_diff_tells_what_differs_and_what_used_each(months: Path, say: Say) -> None:
    shown = lines_of(say("data", "diff", "flights", "flights@2", "--key", "id"))
    assert shown[:2] == ["flights@1 DIGEST -> flights@2 DIGEST", "  rows  3 -> 6: 3 added, 0 removed, 0 changed by id"]
    assert "  added  id=3, carrier=AA, tags=[1]" in shown
    assert shown[-3:] == ["used by", "  flights@1 2 runs, the newest RUN", "  flights@2 1 run, the newest RUN"]
    facts = json.loads(say("data", "diff", "flights@2", "--json"))
    assert (facts["first"]["number"], facts["rows"]["added"], facts["rows"]["changed"]) == (1, 3, None)
    assert "not asked for" in say("data", "diff", "flights@1", "flights@2", "--no-rows")
    assert "equal content" in say("data", "diff", "flights@2", "flights@2")
    assert "this is no table" in say("data", "diff", "words@1", "words@2")


@pytest.mark.slow
def test_a_removed_version_keeps_its_number(months: Path, say: Say) -> None:
    assert "flights is flights@2 now" in say("data", "remove", "flights@1", "--yes")
    assert "removed before: flights@1" in say("data", "remove", "flights@1", "--yes")
    assert lines_of(say("data", "flights"))[2:] == [
        "@2 *  6  +3  3  SIZE  TIME  ada  1",
        "@1 removed  3  3  SIZE  TIME  ada  2",
    ]


def test_a_sparkline_shows_what_is_missing_as_a_dot() -> None:
    assert sparkline([0, None, 7, 3.5]) == "▁·█▅"
    assert sparkline([2, 2]) == "▁▁"
    assert sparkline([None]) == ""


@pytest.mark.slow
def test_a_version_is_named_wherever_an_artifact_is(months: Path, say: Say) -> None:
    say("note", "flights@2", "a late one")
    say("note", "flights", "from the registry")
    say("tag", "flights@2", "checked")
    assert "note      a late one" in say("data", "flights@2")
    assert "note      from the registry" in say("data", "flights")
    facts = json.loads(say("data", "flights@2", "--json"))
    assert (facts["notes"], facts["tags"]) == (["a late one"], ["checked"])
    digest = facts["digest"][:12]
    assert "dataset   flights@2" in say("artifacts", "flights@2")
    assert "datasets  flights@1 (read), words@1 (count)" in say("show")
    assert [each["number"] for each in json.loads(say("show", "latest~1", "--json"))["datasets"]] == [2, 2]
    assert f"artifact {digest}" in say("lineage", "flights@2")
    assert f"artifact {digest}: pinned by hand" in say("pin", "flights@2")
    assert digest in say("remake", "flights@2")
    assert "no flights@7" in say("note", "flights@7", "x", code=2)
