"""The commands on one small project: what they print at 80 columns, and what they say of wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from solvent.cli.main import COMMANDS, main
from tests.cli.conftest import PIPELINE


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code
    out, err = capsys.readouterr()
    text = out if code == 0 else err
    assert "--json" in words or all(len(line) <= 80 for line in text.splitlines()), text
    return text


def test_runs_lists_the_newest_first(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "runs").splitlines()
    assert lines[0].split() == ["run", "pipeline", "status", "started", "took", "ran", "result"]
    assert len(lines) == 3
    assert [run["status"] for run in json.loads(said(capsys, "runs", "--json"))] == ["done", "done"]


def test_show_gives_a_run_and_a_step(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "argument `count` 4 -> 5" in said(capsys, "show")
    step = said(capsys, "show", "total")
    assert "size 5" in step
    assert "input     numbers: list" in step


def test_why_and_log_and_diff(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "argument `count` 4 -> 5" in said(capsys, "why", "load")
    assert said(capsys, "log", "load") == "loading 5\n"
    difference = said(capsys, "diff")
    assert "count: 4 -> 5" in difference
    assert "total.size: 4 -> 5" in difference
    assert "environment" not in difference
    assert "no difference" in said(capsys, "diff", "latest", "latest")


def test_artifacts_and_lineage_lead_from_one_to_the_other(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = json.loads(said(capsys, "artifacts", "latest", "--json"))
    assert [each["step"] for each in made] == ["load", "total"]
    one = said(capsys, "artifacts", made[0]["digest"][:12])
    assert "made by   load" in one
    assert "total as `numbers`" in one
    lineage = said(capsys, "lineage", "latest/load")
    assert (
        lineage.index("came from")
        < lineage.index("load of run")
        < lineage.index("went into")
        < lineage.index("total of run")
    )


def test_notes_and_tags_are_kept(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "note", "latest", "a good one")
    said(capsys, "tag", "latest", "good", "kept")
    said(capsys, "tag", "latest", "kept", "--remove")
    assert "a good one" in said(capsys, "show")
    assert json.loads(said(capsys, "tag", "latest", "--json"))["tags"] == ["good"]
    assert len(json.loads(said(capsys, "runs", "--tag", "good", "--json"))) == 1


def test_plan_says_what_would_run(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(said(capsys, "plan", "shop_of_tests.py", "--set", "count=6", "--json"))["steps"]
    assert [row["what"] for row in rows] == ["run", "maybe"]
    assert "2 reuse" in said(capsys, "plan", "shop_of_tests.py")


def test_config_explain_names_sources(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "config", "explain", "shop_of_tests.py", "--set", "count=9").split()[3:] == [
        "count",
        "9",
        "--set",
    ]


def test_doctor_finds_a_missing_blob(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "big_of_tests.py").write_text(PIPELINE.replace("list(range(count))", "list(range(50_000))"))
    assert main(["run", "big_of_tests.py", "--engine", "inline", "--quiet"]) == 0
    capsys.readouterr()
    assert " are there, and their digests are right" in said(capsys, "doctor", "--deep")
    blobs = [path for path in (project / ".solvent" / "objects").rglob("*") if path.is_file()]
    max(blobs, key=lambda path: path.stat().st_size).unlink()
    assert main(["doctor"]) == 1
    assert "1 of 1 are missing" in capsys.readouterr().out


def test_init_overwrites_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "new").mkdir()
    (project / "new" / "pyproject.toml").write_text("mine")
    assert "kept  pyproject.toml" in said(capsys, "init", "new")
    assert (project / "new" / "pyproject.toml").read_text() == "mine"
    assert (project / "new" / "new" / "pipeline.py").exists()
    assert json.loads(said(capsys, "init", "new", "--json"))["made"] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rns"], "'runs'"),
        (["show", "nothing"], "nothing"),
        (["why", "laod"], "'load'"),
        (["why", "load[7]"], "[7]"),
        (["artifacts", "zzzz"], "zzzz"),
        (["lineage", "latest/laod"], "'load'"),
        (["diff", "nope"], "nope"),
        (["run", "shop_of_tests.py", "--engine", "inlin"], "'inline'"),
    ],
)
def test_wrong_words_get_the_nearest_and_exit_code_2(
    shop: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: str
) -> None:
    assert main(words) == 2
    assert expected in capsys.readouterr().err


NEEDS_NO_STORE = {"init", "run", "plan", "config", "copy", "doctor"}
NEEDS_NO_STORE |= {"sources", "sources show", "sources profile", "sources check"}


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - NEEDS_NO_STORE))
def test_without_a_store_a_command_says_what_to_do_first(
    project: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    needs = {"why": ["x"], "note": ["x"], "tag": ["x"], "lineage": ["x"], "remake": ["x"], "load": ["x"]}
    needs |= {"deploy": ["x"], "promote": ["x"], "rollback": ["x"], "models history": ["x"]}
    needs |= {"score": ["x", "--source", "y"], "monitor": ["x"]}
    needs |= {"bundle": ["x"], "serve": ["x"], "models compare": ["x", "y"]}
    needs |= {
        "data show": ["x"],
        "data diff": ["x", "y"],
        "data history": ["x"],
        "data remove": ["x@1"],
        "report": ["x"],
        "report data": ["x"],
        "report model": ["x"],
        "report compare": ["x", "y"],
        "export": ["card", "x"],
        "schema": ["x"],
        "accept": ["x"],
    }
    assert main([*command.split(), *needs.get(command, [])]) == 2
    assert "run a pipeline first" in capsys.readouterr().err
