"""Killed at each system call that changes the store, a command loses nothing; run again, it completes what it began."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.points import Point, calls_of, sample, try_all
from tests.crash.scenarios import Scenario, run_of_five_steps
from tests.crash.tracing import traceable
from tests.soak import record

pytestmark = traceable
RUNS = [run_of_five_steps("inline"), run_of_five_steps("processes")]


def named(scenario: Scenario) -> str:
    return scenario.name


@pytest.mark.slow
@pytest.mark.parametrize("scenario", RUNS, ids=named)
def test_killed_at_calls_of_every_kind_a_command_loses_nothing(scenario: Scenario, tmp_path: Path) -> None:
    calls = calls_of(scenario, tmp_path)
    points = [Point(at, ("kill", "end")[at % 2]) for at in sample(calls, 20, seed=3)]
    try_all(scenario, tmp_path, points).assert_clean()


@pytest.mark.soak
@pytest.mark.parametrize("scenario", RUNS, ids=named)
def test_killed_at_every_call_a_command_loses_nothing(scenario: Scenario, tmp_path: Path) -> None:
    calls = calls_of(scenario, tmp_path)
    points = [Point(at, do) for at in range(1, len(calls) + 1) for do in ways(calls, scenario)]
    tried = try_all(scenario, tmp_path, points)
    tried.assert_clean()
    record(f"kill at every call: {scenario.name}", f"{len(calls)} calls, {tried.met.total()} kills, 0 lost", "-")


def ways(calls: list[object], scenario: Scenario) -> list[str]:
    """With workers, the process that calls alone may die, or all at once."""
    return ["kill", "end"] if "processes" in scenario.name else ["kill"]
