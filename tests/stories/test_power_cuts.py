"""The power fails at a random moment: what was reported done is there and whole, and the next run goes on from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.cuts import cut_often
from tests.soak import record

pytestmark = pytest.mark.usefixtures("cuttable")


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "count"), [("inline", 2), ("processes", 3)])
def test_five_power_cuts_lose_nothing_that_was_reported(engine: str, count: int, tmp_path: Path) -> None:
    found = cut_often(tmp_path, engine, count, seed=6)
    assert found.lost == []
    assert found.cuts == count
    assert found.reported > 0


@pytest.mark.slow
@pytest.mark.usefixtures("traceable")
def test_without_syncing_power_cuts_lose_what_was_reported(tmp_path: Path) -> None:
    found = cut_often(tmp_path, "inline", 2, seed=6, syncing=False)
    assert found.lost


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_hundred_power_cuts_lose_nothing_that_was_reported(engine: str, tmp_path: Path) -> None:
    found = cut_often(tmp_path, engine, 100, seed=7)
    assert found.lost == []
    record(f"power cuts, {engine}", f"{found.cuts} cuts, {found.reported} runs reported before them, 0 lost", 7)


@pytest.mark.soak
@pytest.mark.usefixtures("traceable")
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_without_syncing_twenty_power_cuts_show_losses(engine: str, tmp_path: Path) -> None:
    found = cut_often(tmp_path, engine, 20, seed=8, syncing=False)
    assert found.lost
    record(
        f"power cuts without syncing (the control), {engine}", f"{found.cuts} cuts, {len(found.lost)} with losses", 8
    )
