"""A clean-up beside runs: each stops where it could harm the other, held there by events and not by time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import solvent
from solvent.config.project import Project
from solvent.errors import StoreError
from solvent.runs.clean import Choice, Cleaned, Cleaning
from solvent.runs.stores import Stores
from tests.runs.whole import check_whole
from tests.servers import wait_until

pytestmark = pytest.mark.slow

ALL = Choice(keep=0)
PATIENCE_SECONDS = 30.0


class Gate:
    """A place where a run stops until it is let through; what it is stored as is nothing special."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def wait(self) -> None:
        self.reached.set()
        assert self.opened.wait(PATIENCE_SECONDS)


class Slow:
    """A value whose encoding stops at a gate: what the writer stored before it is not on record yet."""

    def __reduce__(self) -> tuple[Any, ...]:
        if gates and threading.current_thread().name == "solvent-writer":
            gates[0].wait()
        return (Slow, ())


gates: list[Gate] = []


@solvent.step
def raw(number: int) -> bytes:
    return b"r" * 30_000 + str(number).encode()


@solvent.step
def model(data: bytes, depth: int) -> bytes:
    return data[:20_000] + b"m" * depth


class Pair(NamedTuple):
    data: bytes
    slow: Slow


@solvent.step
def held_in_encoding(number: int) -> Pair:
    return Pair(b"r" * 30_000 + str(number).encode(), Slow())


@solvent.step
def held_in_execution(number: int) -> int:
    if gates:
        gates[0].wait()
    return number


@solvent.pipeline
def main(number: int = 1, depth: int = 1) -> bytes:
    return model(raw(number), depth)


@solvent.pipeline
def encoding(number: int = 1) -> int:
    held_in_encoding(number)
    return number


@solvent.pipeline
def reusing(number: int = 1, depth: int = 1) -> bytes:
    held_in_encoding(number + 1000)
    return model(raw(number), depth)


@solvent.pipeline
def spanning(number: int = 1, depth: int = 1) -> bytes:
    data = raw(number)
    held_in_execution(number)
    return model(data, depth)


@pytest.fixture
def stores(project: Path) -> Iterator[Stores]:
    gates.clear()
    with Stores(Project.find()) as opened:
        yield opened
    gates.clear()


def clean(stores: Stores, choice: Choice = ALL, **more: Any) -> Cleaned:
    return Cleaning(stores, choice, **more).run()


class Beside:
    """A run on a thread of its own, stopped at its gate while the block runs."""

    def __init__(self, pipeline: Any, **config: Any) -> None:
        self.run: Any = None
        self.error: BaseException | None = None
        self._gate = Gate()
        self._thread = threading.Thread(target=self._work, args=(pipeline, config))

    def _work(self, pipeline: Any, config: dict[str, Any]) -> None:
        try:
            self.run = solvent.run(pipeline, **config)
        except BaseException as error:
            self.error = error
        finally:
            self._gate.reached.set()

    def __enter__(self) -> Beside:
        gates[:] = [self._gate]
        self._thread.start()
        assert self._gate.reached.wait(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        gates.clear()
        self._gate.opened.set()
        self._thread.join(PATIENCE_SECONDS)
        if self.error is not None:
            raise self.error


def lay_down(stores: Stores, data: bytes) -> None:
    """Leave old bytes in the store that nothing names."""
    os.utime(stores.blobs.path(stores.blobs.put(data)), (1, 1))


def test_bytes_that_a_writer_found_in_the_store_and_has_not_named_yet_stay(stores: Stores) -> None:
    lay_down(stores, b"r" * 30_000 + b"7")
    with Beside(encoding, number=7) as beside:
        report = clean(stores, grace_seconds=0.0)
    assert report.swept.removed_bytes == 0
    assert beside.run["held_in_encoding"].output.data == b"r" * 30_000 + b"7"
    clean(stores, Choice())
    check_whole(stores)


def test_what_a_run_has_looked_up_and_not_committed_stays_until_it_has(stores: Stores) -> None:
    first = solvent.run(main)
    with Beside(reusing) as beside:
        report = clean(stores)
        assert (report.removed_runs, report.held_runs) == (0, 1)
        assert [run.id for run in solvent.runs() if run.status != "running"] == []
        assert report.held_for == (solvent.runs()[0].id,)
    assert beside.run.result == first.result
    assert beside.run["raw"].status == "reused"
    report = clean(stores, Choice())
    assert (report.removed_runs, report.stubs, report.held_runs) == (0, 1, 0)
    check_whole(stores)
    assert solvent.runs()[0].result == first.result


def test_what_was_condemned_is_not_reused_by_a_run_that_begins_after_it(stores: Stores) -> None:
    solvent.run(main)
    with Beside(spanning, number=5):
        clean(stores)
        again = solvent.run(main)
        assert [step.status for step in again.steps] == ["done", "done"]
    clean(stores, Choice())
    check_whole(stores)
    assert {run.pipeline for run in solvent.runs()} == {"main", "spanning"}


def test_a_run_at_work_is_never_chosen_nor_what_it_made(stores: Stores) -> None:
    with Beside(spanning, number=3) as beside:
        report = clean(stores, grace_seconds=0.0)
        assert report.removed_runs == 0
    assert beside.run.status == "done"
    check_whole(stores)


def test_a_run_whose_process_died_may_go(stores: Stores) -> None:
    run = solvent.run(main)
    with stores.metadata.transaction():
        stores.metadata.update_run(run.id, status="running")
    assert clean(stores, Choice(status="interrupted")).removed_runs == 1


STOPPED = """
import os, sys, time
from pathlib import Path
import solvent

@solvent.step
def raw(number: int) -> bytes:
    return b"r" * 30_000 + str(number).encode()

@solvent.step
def wait(number: int) -> int:
    Path("reached").touch()
    while not Path("go").exists():
        time.sleep(0.01)
    return number

@solvent.step
def model(data: bytes, depth: int) -> bytes:
    return data[:20_000] + b"m" * depth

@solvent.pipeline
def main(held: bool = False) -> bytes:
    data = raw(1)
    if held:
        wait(1)
    return model(data, 1)

if __name__ == "__main__":
    solvent.run(main, held=len(sys.argv) > 1)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGSTOP")
def test_a_process_that_was_stopped_for_the_whole_clean_up_is_a_run_at_work(stores: Stores, project: Path) -> None:
    (project / "stopped.py").write_text(STOPPED)
    subprocess.run([sys.executable, "stopped.py"], check=True)
    with subprocess.Popen([sys.executable, "stopped.py", "held"]) as process:
        try:
            wait_until((project / "reached").exists)
            # Stopped in the middle of a commit it would keep every writer out.
            wait_until(lambda: stores.metadata.row("SELECT COUNT(*) FROM step_runs WHERE status = 'reused'")[0])
            os.kill(process.pid, signal.SIGSTOP)
            report = clean(stores, grace_seconds=0.0)
            assert (report.removed_runs, report.held_runs) == (0, 1)
            assert clean(stores, grace_seconds=0.0).held_runs == 1
            (project / "go").touch()
            os.kill(process.pid, signal.SIGCONT)
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
    clean(stores, Choice())
    check_whole(stores)
    assert [step.status for step in solvent.runs()[0].steps] == ["reused", "done", "done"]


def moments(stores: Stores) -> Callable[[Callable[[int], object]], None]:
    """Call a function, with its number, at each moment before a transaction of the clean-up begins."""

    def hear(act: Callable[[int], object]) -> None:
        count = 0

        def trace(sql: str) -> None:
            nonlocal count
            if sql.startswith("BEGIN IMMEDIATE"):
                count += 1
                act(count)

        stores.metadata.connection.set_trace_callback(trace)

    return hear


def history() -> None:
    for depth in (1, 2, 3):
        solvent.run(main, depth=depth)


def count_transactions(stores: Stores) -> int:
    history()
    stores.blobs.put(b"x" * 20_000)
    seen: list[int] = []
    moments(stores)(seen.append)
    clean(stores)
    stores.metadata.connection.set_trace_callback(None)
    return len(seen)


def test_a_run_between_any_two_transactions_of_a_clean_up_is_whole(stores: Stores) -> None:
    total = count_transactions(stores)
    assert total >= 8
    for moment in range(1, total + 1):
        history()
        made: list[Any] = []

        def act(number: int, moment: int = moment, made: list[Any] = made) -> None:
            if number == moment:
                made.append(solvent.run(main, depth=2))
                made.append(solvent.run(main, depth=9))

        moments(stores)(act)
        clean(stores)
        stores.metadata.connection.set_trace_callback(None)
        clean(stores, Choice())
        check_whole(stores)
        assert {run.id for run in made} <= {run.id for run in solvent.runs()}
        assert made[0].result == solvent.runs()[1].result
        clean(stores)


@pytest.mark.parametrize("begins", [1, 3, 5])
def test_a_run_that_begins_in_a_clean_up_and_outlives_it_is_whole(stores: Stores, begins: int) -> None:
    history()
    besides: list[Beside] = []

    def act(number: int) -> None:
        if number == begins:
            besides.append(Beside(spanning, depth=2))
            besides[0].__enter__()

    moments(stores)(act)
    clean(stores)
    stores.metadata.connection.set_trace_callback(None)
    besides[0].__exit__()
    clean(stores, Choice())
    check_whole(stores)
    assert besides[0].run.id in {run.id for run in solvent.runs()}


def test_two_clean_ups_at_once_are_one_and_a_refusal(stores: Stores) -> None:
    history()
    refused: list[str] = []

    def act(stage: str) -> None:
        with Stores(Project.find()) as others, pytest.raises(StoreError, match="another clean-up") as caught:
            clean(others)
        refused.append(str(caught.value))

    Cleaning(stores, ALL).run(act)
    assert len(refused) >= 5
    check_whole(stores)
    assert solvent.runs() == []


KILLED = """
import os, signal, sys
from solvent.config.project import Project
from solvent.runs.clean import Choice, Cleaning
from solvent.runs.stores import Stores

left = int(sys.argv[1])

def trace(sql):
    global left
    if sql.startswith(("BEGIN IMMEDIATE", "COMMIT", "DELETE", "INSERT", "UPDATE")):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

with Stores(Project.find()) as stores:
    stores.metadata.connection.set_trace_callback(trace)
    Cleaning(stores, Choice(keep=1)).run()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_at_a_statement_the_store_is_whole_and_the_next_clean_up_finishes(stores: Stores) -> None:
    statement, ended = 2, -signal.SIGKILL
    while ended == -signal.SIGKILL:
        history()
        kept = solvent.runs()[0]
        done = subprocess.run([sys.executable, "-c", KILLED, str(statement)], capture_output=True, check=False)
        ended = done.returncode
        assert ended in (0, -signal.SIGKILL), done.stderr
        check_whole(stores, clean=False)
        clean(stores, Choice(keep=1))
        check_whole(stores)
        assert [run.id for run in solvent.runs()] == [kept.id]
        statement += 9
    assert statement > 60
