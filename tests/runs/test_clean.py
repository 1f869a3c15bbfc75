"""What a clean-up takes and what it leaves, on the stores of real runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import pytest

import solvent
from solvent.config.project import Project
from solvent.errors import StoreError
from solvent.metadata.pins import add_pin
from solvent.model import Blob
from solvent.runs.clean import Choice, Cleaned, Cleaning
from solvent.runs.stores import Stores

pytestmark = pytest.mark.slow

ALL, NO_RUN = Choice(keep=0), Choice()


@solvent.step
def raw(number: int) -> bytes:
    return b"r" * 30_000 + str(number).encode()


@solvent.step
def model(data: bytes, depth: int) -> bytes:
    return data[:20_000] + b"m" * depth


@solvent.pipeline
def main(number: int = 1, depth: int = 1) -> bytes:
    return model(raw(number), depth)


@solvent.step
def read() -> bytes:
    return Path("data.bin").read_bytes()


@solvent.step(cache=False)
def uncached() -> bytes:
    return b"u" * 30_000


@solvent.pipeline
def sources() -> list[bytes]:
    return [read(), uncached()]


@solvent.pipeline
def other(number: int = 1) -> int:
    return len(solvent.value(raw(number)))


@pytest.fixture
def stores(project: Path) -> Iterator[Stores]:
    with Stores(Project.find()) as opened:
        yield opened


def clean(stores: Stores, choice: Choice = NO_RUN, **more: float) -> Cleaned:
    return Cleaning(stores, choice, **more).run()


def blobs(stores: Stores) -> set[str]:
    return {blob.digest for blob in stores.blobs.listing()}


def test_without_a_choice_no_run_goes_and_no_byte_that_one_reaches(stores: Stores) -> None:
    run = solvent.run(main)
    unnamed = stores.blobs.put(b"x" * 20_000)
    report = clean(stores)
    assert report.removed_runs == 0
    assert report.swept.removed_bytes == 20_000
    assert unnamed.digest not in blobs(stores)
    assert solvent.runs()[0].result == run.result


def test_a_run_goes_with_its_rows_and_its_bytes(stores: Stores) -> None:
    solvent.run(main)
    report = clean(stores, ALL)
    assert report.removed_runs == 1
    assert report.swept.after_bytes == 0
    assert blobs(stores) == set()
    for table in ("runs", "step_runs", "outputs", "inputs", "artifacts", "blobs", "codes", "environments", "condemned"):
        assert stores.metadata.row(f"SELECT COUNT(*) FROM {table}") == (0,), table


def test_what_a_kept_run_reuses_stays_of_the_run_that_executed_it(stores: Stores) -> None:
    first = solvent.run(main, depth=1)
    second = solvent.run(main, depth=2)
    report = clean(stores, Choice(keep=1))
    assert (report.removed_runs, report.stubs) == (0, 1)
    assert [run.id for run in solvent.runs()] == [second.id]
    kept = solvent.runs()[0]
    assert kept["raw"].output == first["raw"].output
    assert kept["model"].inputs["data"] == first["raw"].output
    assert kept.result == second.result
    left = stores.metadata.list_step_runs(first.id)
    assert [step.name for step in left] == ["raw"]
    assert clean(stores, ALL).removed_runs == 2
    assert blobs(stores) == set()


def test_a_pinned_run_stays_whole(stores: Stores) -> None:
    first = solvent.run(main, depth=1)
    solvent.run(main, depth=2)
    with stores.metadata.transaction():
        add_pin(stores.metadata, "run", first.id, "june", "me")
    clean(stores, ALL)
    assert [run.id for run in solvent.runs()] == [first.id]
    assert solvent.runs()[0].result == first.result


def test_a_pinned_artifact_keeps_its_bytes_and_where_it_came_from(stores: Stores) -> None:
    run = solvent.run(main)
    made = run["model"].artifacts["output"]
    with stores.metadata.transaction():
        add_pin(stores.metadata, "artifact", f"{made.digest} {made.type}", "champion", "me")
    report = clean(stores, ALL)
    assert (report.removed_runs, report.stubs) == (0, 1)
    assert solvent.load(made.digest) == run.result
    assert [step.name for step in stores.metadata.list_step_runs(run.id)] == ["raw", "model"]


@solvent.step
def many(data: bytes) -> list[numpy.ndarray]:
    solvent.log.text("report", "t" * 30_000)
    return [numpy.arange(9_000.0), numpy.ones(9_000)]


@solvent.pipeline
def parts() -> int:
    return len(solvent.value(many(raw(1))))


@pytest.mark.parametrize("which", ["a part", "an attachment"])
def test_a_pinned_part_or_attachment_keeps_where_it_came_from(stores: Stores, which: str) -> None:
    run = solvent.run(parts)
    execution = stores.metadata.step_run(run.id, 1).execution
    assert execution is not None
    made = execution.outputs[""].children[0] if which == "a part" else execution.attachments[0].artifact
    with stores.metadata.transaction():
        add_pin(stores.metadata, "artifact", f"{made.digest} {made.type}", "champion", "me")
    clean(stores, ALL)
    assert [step.name for step in stores.metadata.list_step_runs(run.id)] == ["raw", "many"]


def test_choices_are_joined_and_the_newest_of_each_pipeline_are_spared(stores: Stores) -> None:
    runs = [solvent.run(main, depth=depth) for depth in (1, 2, 3)]
    apart = solvent.run(other)
    runs[0].tag("release")
    clean(stores, Choice(keep=1, not_tag="release"))
    assert {run.id for run in solvent.runs()} == {runs[0].id, runs[2].id, apart.id}
    clean(stores, Choice(pipeline="main", status="done"))
    assert [run.id for run in solvent.runs()] == [apart.id]


def test_a_plan_says_what_then_goes_and_changes_nothing(stores: Stores) -> None:
    for depth in (1, 2, 3):
        solvent.run(main, depth=depth)
    stores.blobs.put(b"x" * 20_000)
    before = blobs(stores)
    plan = Cleaning(stores, Choice(keep=1)).preview()
    assert blobs(stores) == before
    assert len(solvent.runs()) == 3
    report = clean(stores, Choice(keep=1))
    assert plan.after == report.after
    assert (plan.runs.runs, plan.runs.stubs) == (report.removed_runs + report.stubs, report.stubs)
    freed = sum(each.size_bytes for each in plan.before) - sum(each.size_bytes for each in plan.after)
    assert freed + plan.swept.removed_bytes == report.swept.removed_bytes


def test_snapshots_and_diffs_of_runs_that_stay_are_kept(stores: Stores) -> None:
    run = solvent.run(main)
    clean(stores)
    assert run.record.snapshot in blobs(stores)
    assert not stores.blobs.missing([Blob(digest, size) for digest, size in stores.metadata.all_blobs()])


def test_leftovers_of_crashes_are_removed(stores: Stores) -> None:
    solvent.run(main)
    home = Path(stores.home)
    (home / "tmp").mkdir(exist_ok=True)
    for place in ("tmp/20200101-000000-abcdef-0.log", "objects/new/1-2-3", "objects/ab/cd.damaged"):
        (home / place).parent.mkdir(exist_ok=True)
        (home / place).write_bytes(b"x" * 100)
    assert clean(stores).leftover_bytes == 300


def test_the_folder_of_a_repair_that_was_killed_is_removed(stores: Stores) -> None:
    place = Path(stores.home, "tmp", "remake-abc")
    place.mkdir(parents=True)
    (place / "log").write_bytes(b"x" * 100)
    clean(stores)
    assert place.exists()
    os.utime(place, (1, 1))
    assert clean(stores).leftover_bytes == 100
    assert not place.exists()


INSIDE = """
import solvent

@solvent.step
def raw(number: int) -> bytes:
    return b"r" * 30_000 + str(number).encode()

@solvent.step
def model(data: bytes, depth: int) -> bytes:
    return data[:20_000] + b"m" * depth

@solvent.pipeline
def main(number: int = 1, depth: int = 1) -> bytes:
    return model(raw(number), depth)
"""


@pytest.fixture
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A pipeline of the project: what is elsewhere is on record, but not made again."""
    (project / "cleaned_inside.py").write_text(INSIDE)
    monkeypatch.syspath_prepend(project)
    monkeypatch.delitem(sys.modules, "cleaned_inside", raising=False)
    return import_module("cleaned_inside").main


def test_what_is_dropped_is_made_again_when_it_is_asked_for(stores: Stores, inside: Any) -> None:
    run = solvent.run(inside)
    value, made = run.result, run["model"].artifacts["output"]
    assert Cleaning(stores, NO_RUN).drop(pretend=True).size_bytes == 50_002
    assert not made.dropped
    assert Cleaning(stores, NO_RUN).drop().blobs == 2
    assert made.dropped
    assert Cleaning(stores, NO_RUN).drop().blobs == 0
    assert clean(stores).swept.removed_bytes == 0
    assert solvent.load(made.digest) == value
    assert not made.dropped
    assert [step.status for step in solvent.run(inside).steps] == ["reused", "reused"]


def test_what_was_dropped_and_made_by_a_run_again_is_no_longer_noted(stores: Stores, inside: Any) -> None:
    solvent.run(inside)
    assert Cleaning(stores, NO_RUN).drop().blobs == 2
    assert [step.status for step in solvent.run(inside).steps] == ["done", "done"]
    clean(stores)
    assert stores.metadata.row("SELECT COUNT(*) FROM dropped") == (0,)


def test_pinned_sources_and_uncached_bytes_are_not_dropped(stores: Stores, project: Path, inside: Any) -> None:
    (project / "data.bin").write_bytes(b"d" * 30_000)
    solvent.run(sources)
    solvent.run(main, depth=7)
    first = solvent.run(inside)
    with stores.metadata.transaction():
        add_pin(stores.metadata, "run", first.id, "june", "me")
    assert Cleaning(stores, NO_RUN).drop().blobs == 0


def test_beside_writers_only_what_has_lain_unnamed_for_long_goes(stores: Stores) -> None:
    young, old = stores.blobs.put(b"y" * 20_000), stores.blobs.put(b"o" * 20_000)
    os.utime(stores.blobs.path(old), (1, 1))
    report = clean(stores, grace_seconds=3600.0)
    assert blobs(stores) == {young.digest}
    assert (report.swept.removed_bytes, report.swept.young_bytes) == (20_000, 20_000)


def test_bytes_that_are_stored_again_count_as_new(stores: Stores) -> None:
    old = stores.blobs.put(b"o" * 20_000)
    os.utime(stores.blobs.path(old), (1, 1))
    stores.blobs.put(b"o" * 20_000)
    clean(stores, grace_seconds=3600.0)
    assert blobs(stores) == {old.digest}


def test_only_one_clean_up_is_at_work(stores: Stores) -> None:
    stores.locks.try_lock("clean")
    with pytest.raises(StoreError, match="another clean-up is at work"):
        clean(stores)
    stores.locks.unlock("clean")
    clean(stores)
