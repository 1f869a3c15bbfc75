"""`solvent trust` adds, lists and takes back, and says what is trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from solvent.cli.main import main
from tests.cli.conftest import Say


@pytest.fixture
def digest(shop: Path, say: Say) -> str:
    return str(json.loads(say("artifacts", "--json"))[0]["digest"])


def test_trust_is_added_listed_and_taken_back(digest: str, say: Say) -> None:
    assert "nothing is trusted" in say("trust")
    told = say("trust", digest[:8])
    assert told.startswith(f"trusted {digest[:12]}: int")
    assert "of this project; it needed no trust" in told
    (listed,) = json.loads(say("trust", "--json"))
    assert listed["digest"] == digest
    assert digest[:16] in say("trust")
    assert "no more" in say("trust", digest[:6], "--remove")
    assert json.loads(say("trust", "--json")) == []


@pytest.mark.slow
def test_what_is_not_there_is_refused(digest: str, say: Say) -> None:
    assert "no artifact 'ffffffff'" in say("trust", "ffffffff", code=2)
    assert "is not trusted" in say("trust", digest[:6], "--remove", code=2)
    assert "needs the digest" in say("trust", "--remove", code=2)


@pytest.mark.slow
def test_json_names_the_writers(digest: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["trust", digest, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["trusted"] is True
    assert {each["project"] for each in told["writers"]} == {Path.cwd().name}
