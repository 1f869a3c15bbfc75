"""Copies to and from PostgreSQL and an object store: the same runs, the same bytes, from whichever side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from solvent.cli.main import main
from solvent.config.project import Project, Settings
from solvent.model import Blob
from solvent.runs.copy import copy_runs
from solvent.runs.elsewhere import store_name
from solvent.runs.stores import Stores
from tests.object_servers import moto
from tests.runs.test_copy import Ends, add_run, add_whole_run, copy, open_at, rows, store

pytestmark = pytest.mark.slow


def open_team(folder: Path, name: str, metadata: str, artifacts: str | None) -> Stores:
    """Open the team's stores as one of its machines: with a home, and a cache of blobs, of its own."""
    home = folder / name
    home.mkdir(exist_ok=True)
    return Stores(Project(str(home), str(home / "home"), Settings(metadata=metadata, artifacts=artifacts)))


@pytest.fixture
def team(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    server = moto()
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    return postgres_url, server.url(tmp_path.name)


@pytest.fixture
def ends(tmp_path: Path, team: tuple[str, str]) -> Iterator[Ends]:
    with open_at(tmp_path / "here") as here, open_team(tmp_path, "there", *team) as there:
        yield Ends(here, there)


def test_a_run_goes_to_the_team_and_comes_home_to_another_laptop(
    ends: Ends, tmp_path: Path, team: tuple[str, str]
) -> None:
    add_whole_run(ends.source)
    add_run(ends.source, "reusing", ("whole", 0), store(ends.source, bytes(range(256)) * 20_000))
    sent = copy(ends).sent
    assert (sent.runs, sent.step_runs, sent.blobs) == (2, 5, 7)
    assert copy(ends).found.runs == 2
    with open_team(tmp_path, "colleague", *team) as away, open_at(tmp_path / "other") as other:
        back = Ends(away, other)
        assert copy(back).sent == sent
        assert copy(back).found.runs == 2
        here, there = rows(ends.source), rows(other)
        # PostgreSQL has no character 0, which the failure's message holds; it is written with an escape there.
        for each in (here, there):
            each["step_runs"] = [tuple(str(cell).replace("\x00", "\\x00") for cell in row) for row in each["step_runs"]]
        assert there == here
        assert not other.blobs.missing(Blob(*each) for each in other.metadata.all_blobs())
        assert copy(Ends(other, ends.source)).found.runs == 2


def test_bytes_lost_at_the_team_are_named_and_brought_again(ends: Ends, tmp_path: Path, team: tuple[str, str]) -> None:
    made = store(ends.source, b"made" * 10_000)
    add_run(ends.source, "a", made)
    copy(ends)
    ends.target.blobs.remove([made.blobs[0].digest])
    with open_team(tmp_path, "colleague", *team) as away, open_at(tmp_path / "other") as other:
        assert copy(Ends(away, other)).refused["a"].parts == [f"{made.digest[:12]} (m:Table)"]
        assert copy(ends).sent.bytes == 40_000
    with open_team(tmp_path, "third", *team) as away, open_at(tmp_path / "other") as other:
        assert copy(Ends(away, other)).sent.runs == 1
        assert other.blobs.read(made.blobs[0]) == b"made" * 10_000


def test_a_lost_connection_to_the_database_is_survived(ends: Ends, postgres_url: str) -> None:
    for number in range(120):
        add_run(ends.source, f"r{number}", store(ends.source, b"%d" % number * 9), started_at=number)

    class Cutting:
        """Ends the connection to the team's database after each group of runs."""

        def planned(self, runs: int) -> None:
            pass

        def moved(self, size_bytes: int) -> None:
            pass

        def carried(self, runs: int) -> None:
            import psycopg

            (own,) = ends.target.metadata.row("SELECT pg_backend_pid()")
            with psycopg.connect(postgres_url.partition("?")[0], autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (own,))

    copied = copy_runs(ends.source, ends.target, [f"r{n}" for n in range(120)], origin="x", watcher=Cutting())
    assert copied.sent.runs == 120
    assert rows(ends.target, of=ends.source) == rows(ends.source)


def test_two_urls_on_the_command_line_name_the_stores(
    project: Path, team: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Stores(Project.find()) as own:
        made = store(own, b"made" * 10_000)
        add_run(own, "20260101-000000-aaaaaa", made)
    monkeypatch.setenv("TEAM_METADATA", team[0])
    words = f"env:TEAM_METADATA,{team[1]}"
    assert main(["copy", "--all", "--to", words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sent"]["bytes"] == 40_000
    monkeypatch.setenv("SOLVENT_HOME", "colleague")
    assert main(["copy", "--all", "--from", words, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sent"]["bytes"] == 40_000
    assert not (project / "colleague" / "metadata.sqlite").exists()
    assert main(["copy", "aaaaaa", "--from", words]) == 0
    assert "1 run, 1 step run, 1 artifact, 40.0 kB" in capsys.readouterr().out
    with Stores(Project.find(), create=False) as colleague:
        assert colleague.blobs.read(made.blobs[0]) == b"made" * 10_000


def test_no_password_is_in_the_name_of_a_store(tmp_path: Path, postgres_url: str) -> None:
    url = postgres_url.replace("pg@", "pg:secret-word@")
    with open_team(tmp_path, "there", url, None) as there:
        assert "secret-word" not in store_name(there)
        assert "127.0.0.1" in store_name(there)
