"""`solvent copy`: which stores and runs a word means, what is said, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from solvent.cli.main import main
from tests.cli.conftest import Say, stable

slow = pytest.mark.slow


def test_a_copy_says_what_it_sent_and_the_second_one_what_was_there(shop: Path, say: Say) -> None:
    first, second = (stable(say("copy", "--all", "--to", "./team")).splitlines() for _ in range(2))
    assert first[0] == "copied to ./team"
    assert first[1].startswith("  sent  2 runs, 4 step runs, 4 artifacts, ")
    assert second[1:3] == [
        "  sent  0 runs, 0 step runs, 0 artifacts, 0 B",
        "  there  2 runs, 4 step runs, 4 artifacts, 0 B",
    ]


@slow
def test_a_profile_names_its_stores(shop: Path, say: Say) -> None:
    (shop / "solvent.toml").write_text('[profiles.team]\nhome = "team"\n[profiles.here]\nworkers = 2\n')
    assert json.loads(say("copy", "latest", "--to", "team", "--json"))["sent"]["runs"] == 1
    assert (shop / "team" / "metadata.sqlite").exists()
    assert "did you mean 'team'?" in say("copy", "latest", "--to", "taem", code=2)
    assert not (shop / "taem").exists()
    assert "both ends are the same store" in say("copy", "latest", "--to", "here", "--json", code=2)


@slow
def test_a_folder_may_be_a_project_or_a_store(shop: Path, say: Say) -> None:
    other = shop / "other"
    other.mkdir()
    (other / "solvent.toml").write_text('home = "kept"\n')
    say("copy", "--all", "--to", "other")
    assert (other / "kept" / "metadata.sqlite").exists()
    assert json.loads(say("copy", "--all", "--from", "other/kept", "--to", "./third", "--json"))["sent"]["runs"] == 2
    assert json.loads(say("copy", "--limit", "1", "--from", "third", "--to", "./plain", "--json"))["sent"]["runs"] == 1
    assert json.loads(say("copy", "--all", "--from", ".", "--to", "plain", "--json"))["sent"]["runs"] == 1


@slow
def test_a_dry_run_makes_no_store(shop: Path, say: Say) -> None:
    assert json.loads(say("copy", "--all", "--to", "./new", "--dry-run", "--json"))["sent"]["runs"] == 2
    assert not (shop / "new").exists()


@slow
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["latest"], "needs --to or --from"),
        (["--to", "./x"], "needs to know which runs"),
        (["latest", "--all", "--to", "./x"], "don't go together"),
        (["--all", "--tag", "good", "--to", "./x"], "don't go together"),
        (["nothing", "--to", "./x"], "There is no run 'nothing'"),
        (["--tag", "nothing", "--to", "./x"], "no run there is like that"),
        (["latest", "--from", "nowhere"], "there is no store 'nowhere'"),
        (["latest", "--to", "x"], "for a new folder write ./x"),
        (["latest", "--to", "x", "--dry-run"], "for a new folder write ./x"),
        (["latest", "--to", "env:TEAM_METADATA"], "stores elsewhere have two URLs"),
        (["latest", "--to", "postgresql://ada:secret@host/db"], "stores elsewhere have two URLs"),
        (["latest", "--to", "."], "both ends are the same store"),
    ],
)
def test_what_can_not_be_meant_is_refused(
    shop: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["copy", *words]) == 2
    printed = capsys.readouterr().err
    assert told in printed
    assert "secret" not in printed
    assert not (shop / "x").exists()


@slow
def test_a_refused_run_is_named_with_its_parts(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (shop / ".solvent" / "objects").glob("??/*"):
        path.unlink()
    assert main(["copy", "latest", "--to", "./team"]) == 1
    assert "the snapshot of its code" in capsys.readouterr().out
