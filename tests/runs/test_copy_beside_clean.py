"""A copy beside a clean-up, of either side: whatever comes first, what is there is whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solvent.config.project import Project, Settings
from solvent.model import Blob
from solvent.runs.clean import Choice, Cleaning
from solvent.runs.copy import Copied, copy_runs
from solvent.runs.stores import Stores
from tests import soak
from tests.runs.test_copy import Ends, add_run, copy, open_at, store

pytestmark = pytest.mark.slow

STAGES = ("condemn", "wait", "remove runs", "remove artifacts", "remove bytes", "remove leftovers")


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    """The target has the old run; the new ones, of which two reuse steps of it, are at the source alone."""
    with open_at(tmp_path / "here") as here, open_at(tmp_path / "there") as there:
        shared, large = store(here, b"shared" * 5000), store(here, b"large" * 9000)
        manifest = here.blobs.put(b"{}")
        add_run(here, "old", shared, large, started_at=1.0, snapshot=manifest.digest)
        add_run(here, "new", ("old", 0), store(here, b"new" * 7000), started_at=2.0, snapshot=manifest.digest)
        add_run(here, "next", ("old", 1), ("new", 1), large, started_at=3.0)
        add_run(here, "alone", shared, started_at=4.0)
        copy(Ends(here, there), "old")
        yield Ends(here, there)


def clean(folder: Path, at: Callable[[str], object] = lambda stage: None, **choice: object) -> None:
    with Stores(Project(str(folder), str(folder / "home"), Settings(project="here"))) as stores:
        Cleaning(stores, Choice(**choice or {"started_before": 1.5}), grace_seconds=0.0).run(at)  # type: ignore[arg-type]


def check_whole(stores: Stores) -> None:
    """Check that no row names what is not there."""
    dangling = (
        "SELECT s.run_id FROM step_runs s LEFT JOIN step_runs e ON e.run_id = s.source_run"
        " AND e.position = s.source_position WHERE s.source_run IS NOT NULL AND e.run_id IS NULL",
        "SELECT o.run_id FROM outputs o LEFT JOIN artifacts a ON a.digest = o.digest AND a.type = o.type"
        " WHERE a.digest IS NULL",
        "SELECT s.run_id FROM step_runs s LEFT JOIN runs r ON r.id = s.run_id WHERE r.id IS NULL",
    )
    assert [stores.metadata.rows(sql) for sql in dangling] == [[], [], []]
    assert not stores.blobs.missing(Blob(*each) for each in stores.metadata.all_blobs())
    for run in stores.metadata.list_runs():
        assert run.snapshot is None or stores.blobs.read(Blob(run.snapshot, -1)) == b"{}"
        for step in stores.metadata.list_step_runs(run.id):
            assert step.execution is not None
            assert step.execution.outputs


def in_background(folder: Path) -> tuple[threading.Thread, list[Copied | BaseException]]:
    """Copy all runs on connections of their own."""
    said: list[Copied | BaseException] = []

    def work() -> None:
        try:
            with open_at(folder / "here") as here, open_at(folder / "there") as there:
                said.append(copy(Ends(here, there)))
        except BaseException as error:
            said.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, said


@pytest.mark.parametrize("stage", STAGES)
def test_a_copy_that_begins_while_the_target_is_cleaned_arrives(ends: Ends, tmp_path: Path, stage: str) -> None:
    begun = []

    def begin(now: str) -> None:
        if now == stage:
            begun.append(in_background(tmp_path))
            # It ends, or waits for the clean-up: either shows within a moment.
            begun[0][0].join(0.5)

    clean(tmp_path / "there", begin)
    thread, said = begun[0]
    thread.join(30)
    assert isinstance(said[0], Copied), said
    assert not said[0].refused
    check_whole(ends.target)
    assert {run.id for run in ends.target.metadata.list_runs()} >= {"new", "next", "alone"}
    again = copy(ends)
    assert not again.refused
    assert {run.id for run in ends.target.metadata.list_runs()} == {"old", "new", "next", "alone"}
    check_whole(ends.target)


def test_a_run_that_was_cleaned_comes_back_with_its_copy(ends: Ends, tmp_path: Path) -> None:
    copy(ends)
    clean(tmp_path / "there")
    assert ends.target.metadata.find_run("old").status == "cleaned"
    check_whole(ends.target)
    assert copy(ends, "old").sent.runs == 1
    assert ends.target.metadata.find_run("old").status == "done"
    clean(tmp_path / "there", keep=9)
    check_whole(ends.target)
    assert len(ends.target.metadata.list_runs()) == 4


def test_what_a_clean_up_left_of_a_run_travels_with_those_that_reuse_it(ends: Ends, tmp_path: Path) -> None:
    clean(tmp_path / "here")
    with open_at(tmp_path / "third") as third:
        assert copy(Ends(ends.source, third)).sent.runs == 4
        check_whole(third)
        assert len(third.metadata.list_runs()) == 3
        assert copy(Ends(ends.source, third)).sent.runs == 0
        # The whole run and what is left of it are the same run, in both directions.
        assert not copy(ends).refused
        assert not copy(Ends(ends.target, third), "old").refused
        assert third.metadata.find_run("old").status == "done"
        check_whole(third)


def disturb(stores: Stores, at: int, work: Callable[[], None]) -> Callable[[], bool]:
    """Do something before the n-th statement of a connection, unless nobody else can write then."""
    left = at
    is_writing = False

    def look(sql: str) -> None:
        nonlocal left, is_writing
        if is_writing:
            is_writing = sql not in ("COMMIT", "ROLLBACK")
            return
        left -= 1
        if left == 0:
            work()
        is_writing = sql == "BEGIN IMMEDIATE"

    stores.metadata.connection.set_trace_callback(look)
    return lambda: left <= 0


@pytest.mark.parametrize(
    ("side", "every"), [("there", 1), ("here", 5), pytest.param("here", 1, marks=pytest.mark.soak)]
)
def test_a_clean_up_at_any_moment_of_a_copy_leaves_all_whole(tmp_path: Path, side: str, every: int) -> None:
    for at in range(1, 1000, every):
        folder = tmp_path / str(at)
        folder.mkdir()
        with open_at(folder / "here") as here, open_at(folder / "there") as there:
            shared = store(here, b"shared" * 5000)
            add_run(here, "old", shared, store(here, b"large" * 9000), started_at=1.0)
            add_run(here, "new", ("old", 0), store(here, b"new" * 7000), started_at=2.0)
            add_run(here, "alone", shared, started_at=3.0)
            copy(Ends(here, there), "old")
            watched = here if side == "here" else there
            was_reached = disturb(watched, at, lambda: clean(folder / side))  # noqa: B023
            copied = copy_runs(here, there, ["new", "alone"], origin="x")
            watched.metadata.connection.set_trace_callback(None)
            assert not copied.refused
            check_whole(here)
            check_whole(there)
            assert {run.id for run in there.metadata.list_runs()} >= {"new", "alone"}
            if not was_reached():
                assert at > 10
                if every == 1:
                    soak.record(f"copy: {side} is cleaned at each moment", f"{at - 1} moments, all whole")
                return
