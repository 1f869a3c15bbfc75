"""Killed at each system call that changes the store, a command loses nothing; run again, it completes what it began."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash.order import Disk, commits, committed_too_early
from tests.crash.points import Point, calls_of, sample, try_all
from tests.crash.scenarios import Scenario, clean_up, copy_of_a_store, environment, migration, repair, run_of_five_steps
from tests.crash.stores import all_names
from tests.crash.tracing import traced
from tests.data.stores.unpacking import RELEASED
from tests.soak import record

pytestmark = pytest.mark.usefixtures("traceable")
RUNS = [run_of_five_steps("inline"), run_of_five_steps("processes")]
ALL = [*RUNS, clean_up(), *map(migration, RELEASED)]
MORE = [copy_of_a_store(), repair()]


def named(scenario: Scenario) -> str:
    return scenario.name


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ALL, ids=named)
def test_killed_at_calls_of_every_kind_a_command_loses_nothing(scenario: Scenario, tmp_path: Path) -> None:
    calls = calls_of(scenario, tmp_path)
    points = [Point(at, ("kill", "end")[at % 2]) for at in sample(calls, 0, seed=3)[::4]]
    try_all(scenario, tmp_path, points).assert_clean()


@pytest.mark.slow
@pytest.mark.parametrize("scenario", RUNS, ids=named)
def test_no_row_is_committed_before_all_that_it_names_is_synced(scenario: Scenario, tmp_path: Path) -> None:
    calls = calls_of(scenario, tmp_path)
    assert commits(calls) >= 3
    assert committed_too_early(calls, tmp_path / "counted" / ".solvent") == []


TWO_WRITERS = """
import sys
from solvent.artifacts.store import LocalBlobs

first, second = LocalBlobs(sys.argv[1]), LocalBlobs(sys.argv[1])
first.put(b"the same bytes")
{store}
second.sync()
"""


@pytest.mark.slow
@pytest.mark.parametrize("store", ["second.put(b'the same bytes')", "second.put([b'the same ', b'bytes'])"])
def test_bytes_that_another_wrote_and_did_not_sync_are_synced_with_all_their_folders(
    store: str, tmp_path: Path
) -> None:
    home = tmp_path / ".solvent"
    found = traced(
        [sys.executable, "-c", TWO_WRITERS.format(store=store), str(home)],
        folder=home, cwd=tmp_path, environment=environment(),
    )  # fmt: skip
    disk = Disk(home)
    for call in found.calls:
        disk.take(call)
    assert disk.blobs
    assert [disk.at_risk(digest) for digest in all_names(home)] == [[]]


@pytest.mark.soak
@pytest.mark.parametrize(
    ("scenario", "do"),
    # With workers, the process that calls may die alone, or all at once.
    [*((scenario, "kill") for scenario in [*ALL, *MORE]), (RUNS[1], "end")],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_killed_at_every_call_a_command_loses_nothing(scenario: Scenario, do: str, tmp_path: Path) -> None:
    calls = calls_of(scenario, tmp_path)
    tried = try_all(scenario, tmp_path, [Point(at, do) for at in range(1, len(calls) + 1)])
    tried.assert_clean()
    who = "kill of all processes" if do == "end" else "kill"
    record(f"{who} at every call: {scenario.name}", f"{len(calls)} calls, {tried.met.total()} kills, 0 lost", "-")
