"""A team's metadata store on PostgreSQL: the same pipelines, the same commands, kills, crowds and a server that restarts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from solvent.metadata.opening import open_locks, open_metadata
from solvent.runs.lives import status_of
from tests import soak
from tests.servers import own_postgres, wait_until
from tests.stories.test_crowd import PROGRAM as CROWD
from tests.stories.test_kills import PROGRAM as THIRTY
from tests.stories.test_kills import RESULT

pytestmark = pytest.mark.slow

WAITING = """
import os
import time
from solvent import pipeline, step


@step
def first(n: int) -> int:
    return n + 1


@step(cache=False)
def wait(n: int) -> int:
    open("waiting", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return n + 1


@step
def last(n: int) -> int:
    return n + 1


@pipeline
def three() -> int:
    return last(wait(first(1)))
"""


@pytest.fixture
def team(shop, postgres_url: str):
    """A project whose metadata store is the team's; its URL is in the environment."""
    shop.url = postgres_url
    plain = shop.environment
    shop.environment = lambda more=None: {**plain(more), "SOLVENT_METADATA": shop.url}
    return shop


def begin(team, target: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "solvent", "run", target, "--json", "--quiet", *words],
        cwd=team.root,
        env=team.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_waits(team) -> None:
    """Wait until the second step is at work and the first one is committed."""
    wait_until((team.root / "waiting").exists)
    with open_metadata("", team.url) as metadata:
        wait_until(lambda: [each.name for each in metadata.list_step_runs(metadata.find_run("latest").id)] == ["first"])


def statuses(team) -> list[str]:
    done = team.command("runs", "--json")
    assert done.returncode == 0, done.stderr
    return [run["status"] for run in json.loads(done.stdout)]


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_pipeline_runs_and_is_reused_and_read_as_on_a_laptop(team, engine: str) -> None:
    team.write("thirty.py", THIRTY)
    first = team.run("thirty.py", "--engine", engine)
    assert first.result == RESULT
    again = team.run("thirty.py", "--engine", engine)
    assert again.ran == []
    assert not (team.root / ".solvent" / "metadata.sqlite").exists()
    for words in (
        ["runs"], ["show", "latest"], ["artifacts"], ["log", "grow"], ["why", "grow"], ["lineage", "latest/total"],
        ["note", "latest", "good"], ["tag", "latest", "best"], ["diff", "latest", "latest~1"], ["plan", "thirty.py"],
    ):  # fmt: skip
        done = team.command(*words)
        assert done.returncode == 0, (words, done.stderr)
    doctor = team.command("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "postgresql://pg@127.0.0.1" in doctor.stdout.replace("\n", "")
    assert "fsync=off" in doctor.stdout


def test_a_colleague_on_another_machine_sees_the_runs_and_reuses_their_results(team, tmp_path) -> None:
    team.write("three.py", WAITING)
    (team.root / "go").touch()
    team.run("three.py")
    (tmp_path / "colleague").mkdir()
    (tmp_path / "colleague" / "solvent.toml").write_text('project = "shop"')
    mine, team.root = team.root, tmp_path / "colleague"
    assert statuses(team) == ["done"]
    assert team.command("show", "latest").returncode == 0
    assert sorted(os.listdir(team.root)) == ["solvent.toml"], "looking leaves nothing behind"
    team.root = mine


def test_the_error_of_a_store_that_is_not_there_is_one_of_three_lines(team) -> None:
    team.write("thirty.py", THIRTY)
    team.url = "postgresql://zoe:secret@127.0.0.1:1/db"
    for words in (["run", "thirty.py"], ["runs"], ["doctor"]):
        done = team.command(*words)
        said = done.stdout + done.stderr
        assert done.returncode in (1, 2), said
        assert "can't be reached" in said.replace("\n", " ")
        assert "Traceback" not in said
        assert "secret" not in said


def test_a_killed_run_is_interrupted_at_once_and_the_next_goes_on_from_it(team) -> None:
    team.write("three.py", WAITING)
    process = begin(team, "three.py")
    wait_until_it_waits(team)
    assert statuses(team) == ["running"]
    os.kill(process.pid, signal.SIGSTOP)
    assert statuses(team) == ["running"], "a stopped runner is not dead"
    os.kill(process.pid, signal.SIGCONT)
    process.kill()
    process.communicate()
    began = time.monotonic()
    wait_until(lambda: statuses(team) == ["interrupted"])
    assert time.monotonic() - began < 30
    (team.root / "go").touch()
    record = team.run("three.py")
    assert record.result == 4
    assert record.names("reused") == ["first"]
    assert statuses(team) == ["done", "interrupted"]


def test_four_runs_at_once_share_their_work(team) -> None:
    team.write("crowd.py", CROWD)
    processes = [
        begin(team, "crowd.py", "--set", f"who={who}", "--engine", ("inline", "processes")[who % 2], "--workers", "2")
        for who in range(4)
    ]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["result"] == [n * n for n in range(10)]
    counts = Counter((team.root / "executed.txt").read_text().splitlines())
    assert set(counts.values()) == {1}, "each key is executed once"
    assert len(counts) == 10 + 4 * 5


@pytest.fixture
def own_team(team) -> Iterator:
    with own_postgres() as server:
        team.url, team.server = server.url(), server
        yield team


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_run_goes_on_when_the_server_is_restarted_under_it(own_team, engine: str) -> None:
    own_team.write("three.py", WAITING)
    process = begin(own_team, "three.py", "--engine", engine)
    wait_until_it_waits(own_team)
    own_team.server.stop(signal.SIGKILL)
    (own_team.root / "go").touch()
    own_team.server.start()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["result"] == 4
    with open_metadata("", own_team.url) as metadata:
        (record,) = metadata.list_runs()
        assert [each.status for each in metadata.list_step_runs(record.id)] == ["done"] * 3
        locks = open_locks("", own_team.url)
        assert status_of(record, locks) == "done"


def test_a_server_that_is_gone_for_good_stops_the_run_clearly_and_a_resume_works(own_team) -> None:
    """The patience of a minute is cut short here, in the program alone."""
    patient = "import sys; from solvent.metadata import sessions; sessions.PATIENCE_SECONDS = 2.0\n"
    own_team.write("three.py", WAITING)
    own_team.write("run.py", f"{patient}from solvent.cli.main import main\nsys.exit(main(sys.argv[1:]))")
    command = [sys.executable, "run.py", "run", "three.py", "--quiet"]
    process = subprocess.Popen(
        command,
        cwd=own_team.root,
        env=own_team.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until_it_waits(own_team)
    own_team.server.stop()
    (own_team.root / "go").touch()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "The metadata store could not be reached for 2 seconds" in err
    assert "What was reported as done is safe" in err
    assert "Traceback" not in err
    own_team.server.start()
    wait_until(lambda: statuses(own_team) == ["interrupted"])
    record = own_team.run("three.py")
    assert record.result == 4
    assert record.names("reused") == ["first"]
    assert statuses(own_team) == ["done", "interrupted"]


HUNDRED = """
from solvent import pipeline, step


@step
def grow(n: int, who: int) -> int:
    return n + 1


@pipeline
def hundred(who: int = 0) -> int:
    n = 0
    for _ in range(100):
        n = grow(n, who)
    return n
"""


@pytest.mark.soak
@pytest.mark.parametrize("crowd", [20, 50])
@pytest.mark.parametrize("place", ["SQLite", "PostgreSQL"])
def test_a_crowd_of_runs_of_a_hundred_steps_has_no_errors(
    shop, place: str, crowd: int, request: pytest.FixtureRequest
) -> None:
    team = request.getfixturevalue("team") if place == "PostgreSQL" else shop
    shop.write("hundred.py", HUNDRED)
    shop.run("hundred.py")
    began = time.monotonic()
    processes = [begin(team, "hundred.py", "--set", f"who={who + 1}", "--engine", "inline") for who in range(crowd)]
    ended = [(*process.communicate(timeout=600), process.returncode) for process in processes]
    took = time.monotonic() - began
    assert [err for _, err, code in ended if code] == []
    assert {json.loads(out)["result"] for out, _, _ in ended} == {100}
    assert Counter(status for status in statuses(team)) == {"done": min(20, crowd + 1)}
    soak.record(f"{crowd} runs of 100 steps at once, {place}", f"0 errors in {took:.0f} s")
