"""Commands that read the record: which run or step a word means, filters, bytes, and runs that died."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from solvent.cli.main import main
from solvent.config.project import Project
from solvent.model import RunRecord
from solvent.runs.stores import Stores
from tests.cli.conftest import Say


def add_runs(records: list[RunRecord]) -> None:
    with Stores(Project.find()) as stores, stores.metadata.transaction():
        for record in records:
            stores.metadata.add_run(record)


def a_run(number: int, status: str) -> RunRecord:
    return RunRecord(f"20200101-000000-{number:06x}", "old", "old.py:old", status, 1.0e9 + number)


def test_a_filter_looks_beyond_the_first_page(project: Path, say: Say) -> None:
    dead = [a_run(number, "running") for number in range(3)]
    add_runs([*dead, *(a_run(number, "done") for number in range(3, 250))])
    found = json.loads(say("runs", "--status", "interrupted", "--limit", "2", "--json"))
    assert [run["id"] for run in found] == [dead[2].id, dead[1].id]
    assert {run["status"] for run in found} == {"interrupted"}
    assert "no such run" in say("runs", "--status", "running")


def test_an_unknown_pipeline_gets_the_nearest(shop: Path, say: Say) -> None:
    assert "did you mean 'main'?" in say("runs", "--pipeline", "mian", code=2)


def test_tags_given_to_a_run_are_listed_and_found(shop: Path, say: Say) -> None:
    say("run", "shop_of_tests.py", "--engine", "inline", "--quiet", "--tag", "good", "--tag", "kept")
    assert "#good #kept" in say("runs").splitlines()[1]
    assert len(json.loads(say("runs", "--tag", "kept", "--json"))) == 1


def test_a_step_comes_before_a_run_that_ends_alike(project: Path, say: Say) -> None:
    (project / "adder_of_tests.py").write_text(
        "from solvent import pipeline, step\n@step\ndef add(x: int) -> int:\n    return x + 1\n"
        "@pipeline\ndef p() -> int:\n    return add(1)\n"
    )
    add_runs([a_run(0xADD, "done")])
    say("run", "adder_of_tests.py", "--engine", "inline", "--quiet")
    assert say("why", "add").startswith("add of run")
    assert say("show", "20200101-000000-000add").startswith("run 20200101")


def test_log_takes_a_run_and_a_step(shop: Path, say: Say) -> None:
    assert say("log", "latest~1", "load") == "loading 4\n"
    assert say("log", "latest/total") == "nothing was printed\n"
    assert "did you mean 'load'?" in say("log", "latest", "laod", code=2)


def test_a_reused_step_shows_the_execution_that_it_reuses(shop: Path, say: Say) -> None:
    say("run", "shop_of_tests.py", "--engine", "inline", "--quiet", "--set", "count=5")
    assert "reuses" in say("show", "total")
    assert json.loads(say("show", "total", "--json"))["metrics"] == {"size": 5.0}
    assert json.loads(say("why", "total", "--json"))["differences"] == []


def test_show_says_in_what_environment_a_run_was(shop: Path, say: Say) -> None:
    assert f"python    {sys.version.split()[0]} on" in say("show")
    assert json.loads(say("show", "--json"))["environment"]["distributions"] > 0


def test_artifacts_save_writes_the_bytes_and_overwrites_nothing(shop: Path, say: Say) -> None:
    assert "saved numbers.json" in say("artifacts", "latest/load", "--save", "numbers.json")
    assert json.loads((shop / "numbers.json").read_text()) == [0, 1, 2, 3, 4]
    assert "is there already" in say("artifacts", "latest/load", "--save", "numbers.json", code=2)
    assert "names none" in say("artifacts", "latest", "--save", "other", code=2)


def test_artifacts_save_writes_a_value_of_several_parts_as_a_folder(project: Path, say: Say) -> None:
    (project / "folder_of_tests.py").write_text(
        "from pathlib import Path\nfrom solvent import Folder, pipeline, step\n@step\ndef make() -> Folder:\n"
        "    place = Path('made')\n    (place / 'deep').mkdir(parents=True)\n    (place / 'empty').mkdir()\n"
        "    (place / 'deep' / 'a.txt').write_text('a' * 20_000)\n    (place / 'b.txt').write_text('b')\n"
        "    return Folder('made')\n@pipeline\ndef p() -> Folder:\n    return make()\n"
    )
    say("run", "folder_of_tests.py", "--engine", "inline", "--quiet")
    say("artifacts", "latest/make", "--save", "copy")
    found = sorted(path.relative_to(project / "copy").as_posix() for path in (project / "copy").rglob("*"))
    assert found == ["b.txt", "deep", "deep/a.txt", "empty"]
    assert (project / "copy" / "deep" / "a.txt").read_text() == "a" * 20_000


def test_notes_and_tags_of_steps_and_artifacts_are_shown_with_them(shop: Path, say: Say) -> None:
    say("note", "latest/load", "slow today")
    assert "slow today" in say("show", "load")
    digest = json.loads(say("artifacts", "latest", "--json"))[0]["digest"]
    say("tag", digest[:12], "golden")
    assert "golden" in say("artifacts", digest[:12])
    assert "did you mean 'golden'?" in say("tag", digest[:12], "goldne", "--remove", code=2)
    assert "is empty" in say("note", "latest", " ", code=2)


def test_doctor_notes_a_run_that_died_and_a_project_without_a_store(project: Path, say: Say) -> None:
    assert "none at" in " ".join(say("doctor").split())
    add_runs([a_run(1, "running")])
    assert a_run(1, "running").id in say("doctor")


def test_doctor_finds_a_damaged_database(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / ".solvent" / "metadata.sqlite").write_bytes(b"this is no database" * 1000)
    for name in ("metadata.sqlite-wal", "metadata.sqlite-shm"):
        (shop / ".solvent" / name).unlink(missing_ok=True)
    assert main(["doctor"]) == 1
    assert "wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "expected"), [("json", "would hide"), ("class", "can't be the name"), ("a-b", "can't be the name")]
)
def test_init_refuses_a_name_that_can_not_be_imported(project: Path, say: Say, name: str, expected: str) -> None:
    assert expected in say("init", "made", "--name", name, code=2)
    assert not (project / "made").exists()


def test_what_init_makes_runs_and_passes_its_own_test(project: Path, say: Say) -> None:
    say("init", "fresh", "--name", "fresh_of_tests")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOLVENT_")}
    source = str(Path(__file__).parents[2] / "src")
    for words in (["-m", "solvent", "run", "fresh_of_tests.pipeline:main", "--json"], ["-m", "pytest", "-q"]):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=project / "fresh",
            env={**kept, "PYTHONPATH": source},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_exit_codes_and_the_command_are_those_of_the_process(shop: Path, say: Say) -> None:
    source = str(Path(__file__).parents[2] / "src")

    def code(*words: str) -> int:
        command = [sys.executable, "-m", "solvent", *words]
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": source}, capture_output=True).returncode

    assert code("rns") == 2
    assert code("runs", "--limit", "x") == 2
    assert code("run", "shop_of_tests.py", "--quiet") == 0
    assert "command   solvent run shop_of_tests.py --quiet" in say("show")
