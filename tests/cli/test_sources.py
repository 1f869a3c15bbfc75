"""`solvent sources` lists, shows, profiles and checks what the project shares."""

import json
from pathlib import Path

import pytest

from solvent.cli.main import main


@pytest.fixture
def catalogue(project: Path) -> Path:
    (project / "configs").mkdir()
    (project / "configs" / "sources.yaml").write_text(
        "sources:\n"
        "  flights: {location: flights.csv, owner: data team, description: all flights of 2013 from New York, key: id}\n"
        "  orders: {location: 'postgresql://me:hidden-word@host/shop', options: {table: orders}}\n"
    )
    (project / "flights.csv").write_text("id,carrier\n1,UA\n2,AA\n3,\n")
    return project


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(arguments) == code
    return capsys.readouterr().out


def test_the_list_has_no_password_and_fits_80_columns(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "sources")

    assert "flights" in text
    assert "hidden-word" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert [each["format"] for each in json.loads(printed(capsys, "sources", "--json"))] == ["csv", "sql"]


def test_a_source_is_shown_with_its_columns_and_first_rows(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "sources", "show", "flights", "--rows", "2")
    facts = json.loads(printed(capsys, "sources", "show", "flights", "--json"))

    assert "int64" in text
    assert "UA" in text
    assert facts["version"].startswith("content ")
    assert facts["rows"][2] == {"id": 3, "carrier": None}


def test_a_source_is_profiled_in_batches(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "3 rows, 2 columns" in printed(capsys, "sources", "profile", "flights")
    assert json.loads(printed(capsys, "sources", "profile", "flights", "--json"))["rows"] == 3


def test_a_check_says_which_can_not_be_read(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (catalogue / "configs" / "sources.yaml").write_text(
        "sources: {flights: {location: flights.csv}, gone: {location: flihgts.csv}}\n"
    )
    text = printed(capsys, "sources", "check", code=1)

    assert "flights: ok" in text
    assert "gone: failed" in text
    assert "did you mean" in text
    assert json.loads(printed(capsys, "sources", "check", "flights", "--json"))[0]["ok"] is True
