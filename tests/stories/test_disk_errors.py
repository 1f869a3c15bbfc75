"""A disk that refuses one call, or every one from there on: the command says so in words, and nothing reported is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.crash.points import Point, calls_of, sample, try_all
from tests.crash.scenarios import Scenario, clean_up, migration, run_of_five_steps
from tests.crash.tracing import Call, Traced
from tests.data.stores.unpacking import RELEASED
from tests.soak import record

pytestmark = pytest.mark.usefixtures("traceable")
RUNS = [run_of_five_steps("inline"), run_of_five_steps("processes")]
ALL = [*RUNS, clean_up(), *map(migration, RELEASED)]
SAID = {
    "EIO": "input/output|disk|i/o|writ",
    "ENOSPC": "no space|full|disk|writ",
    "EDQUOT": "quota|disk|writ",
    "EACCES": "permission|read-only|disk|opened|writable",
    "EMFILE": "too many open files|open files|opened|unable to open|disk|writ",
}
MAKES_NAMES = ("openat", "mkdir", "rename", "unlink", "chmod", "fchmod")
TAKES_SPACE = ("openat", "mkdir", "write", "pwrite64", "ftruncate", "fallocate", "fsync", "fdatasync", "rename")


def possible(error: str, call: Call) -> bool:
    """Whether the system can give this error for this call."""
    if error == "EMFILE":
        # Outside of the store it would be the interpreter that looks for modules.
        return call.name == "openat" and "/.solvent" in call.paths[0]
    if error == "EACCES":
        return call.name in MAKES_NAMES
    return error == "EIO" or call.name in TAKES_SPACE


def said_in_words(error: str, found: Traced) -> None:
    """The command did what was asked after all, or said what stood in its way; never a traceback of ours."""
    if found.met and not possible(error, found.met):
        return  # two threads at work: another call than the one that was counted had its turn
    assert "/solvent/" not in found.err
    assert "<frozen" not in found.err
    assert found.status in (0, 1, 2)
    if found.status:
        assert re.search(SAID[error], found.err.lower())


def named(scenario: Scenario) -> str:
    return scenario.name


@pytest.mark.slow
@pytest.mark.parametrize("scenario", RUNS, ids=named)
def test_an_error_at_calls_of_every_kind_is_said_and_loses_nothing(scenario: Scenario, tmp_path: Path) -> None:
    calls = calls_of(scenario, tmp_path)
    for number, error in enumerate(("EIO", "ENOSPC", "EACCES")):
        fitting = [at for at in sample(calls, 0, seed=number) if possible(error, calls[at - 1])]
        points = [Point(at, error, on=bool(at % 2)) for at in fitting[number::8]]
        try_all(scenario, tmp_path, points, lambda found, error=error: said_in_words(error, found)).assert_clean()


@pytest.mark.soak
@pytest.mark.parametrize("on", [False, True], ids=["once", "from there on"])
@pytest.mark.parametrize("error", SAID)
@pytest.mark.parametrize("scenario", ALL, ids=named)
def test_an_error_at_every_call_is_said_and_loses_nothing(
    scenario: Scenario, error: str, on: bool, tmp_path: Path
) -> None:
    calls = calls_of(scenario, tmp_path, every_open=error == "EMFILE")
    points = [Point(at, error, on) for at, call in enumerate(calls, 1) if possible(error, call)]
    tried = try_all(scenario, tmp_path, points, lambda found: said_in_words(error, found))
    tried.assert_clean()
    when = "from every call on" if on else "at every call"
    record(f"{error} {when}: {scenario.name}", f"{len(points)} calls, {tried.met.total()} errors, 0 lost", "-")
