from __future__ import annotations

import os
import pickle
import re
import select
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from solvent.engines.processes import ProcessEngine, crash
from solvent.engines.protocol import Engine, Report
from solvent.errors import EngineError
from solvent.model import StepSpec, Ticket

HERE = str(Path(__file__).parent)
PATIENCE_SECONDS = 20.0

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def ticket(number: int, step: str, /, *, isolated: bool = False, limit: float | None = None, **given: Any) -> Ticket:
    log_path = given.pop("log_path", "")
    spec = StepSpec(step, "entries", step, "entries.py", 1, isolated=isolated, timeout_seconds=limit)
    return Ticket(number, "run", spec, "key", 0, "store", "project", pickle.dumps(given), log_path=log_path)


def engine_of(workers: int, *, fork: bool) -> ProcessEngine:
    return ProcessEngine("entries:execute", workers, fork=fork, sys_path=[HERE, *sys.path])


@pytest.fixture(scope="module", autouse=True)
def _entries_are_importable() -> Iterator[None]:
    sys.path.insert(0, HERE)
    yield
    sys.path.remove(HERE)


@pytest.fixture(params=[True, False], ids=["forked", "fresh"])
def engine(request: pytest.FixtureRequest) -> Iterator[ProcessEngine]:
    made = engine_of(2, fork=request.param)
    yield made
    made.close(now=True)


@pytest.fixture
def forked() -> Iterator[ProcessEngine]:
    made = engine_of(2, fork=True)
    yield made
    made.close(now=True)


def collect(engine: Engine, count: int) -> dict[int, Report]:
    found: dict[int, Report] = {}
    late = time.monotonic() + PATIENCE_SECONDS
    while len(found) < count:
        assert time.monotonic() < late, f"only {len(found)} of {count} reports came"
        for report in engine.poll(1.0):
            assert report.ticket_id not in found
            found[report.ticket_id] = report
    return found


def perform(engine: Engine, step: str, /, **given: Any) -> Report:
    engine.start(ticket(1, step, **given))
    return collect(engine, 1)[1]


def result(report: Report) -> str:
    assert report.failure is None, report.failure
    assert report.execution is not None
    inline = report.execution.outputs[""].inline
    assert inline is not None
    return inline.decode()


def failure(report: Report) -> tuple[str, str, str | None]:
    assert report.failure is not None
    assert report.execution is None
    return report.failure.kind, report.failure.message, report.failure.signal


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(happened: Any) -> None:
    late = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < late
        select.select([], [], [], 0.002)


def read_when_there(path: Path) -> list[int]:
    until(path.exists)
    return [int(word) for word in path.read_text().split()]


def test_step_runs_in_another_process_and_its_execution_comes_back(engine: ProcessEngine) -> None:
    assert int(result(perform(engine, "pid"))) != os.getpid()
    assert result(perform(engine, "echo", value={"a": [1, None]})) == "{'a': [1, None]}"


def test_worker_stays_warm_between_steps(engine: ProcessEngine) -> None:
    assert len({result(perform(engine, "pid")) for _ in range(5)}) == 1


def test_forked_workers_have_exactly_what_was_loaded(forked: ProcessEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    import entries  # type: ignore[import-not-found]

    monkeypatch.setitem(entries.LOADED, "value", "changed in memory")
    with engine_of(1, fork=True) as engine:
        assert result(perform(engine, "loaded")) == "'changed in memory'"
    assert result(perform(forked, "loaded")) == "'as imported'"


def test_steps_run_side_by_side_up_to_the_capacity(engine: ProcessEngine, tmp_path: Path) -> None:
    for number, other in ((0, 1), (1, 0)):
        engine.start(ticket(number, "meet", mine=str(tmp_path / str(number)), other=str(tmp_path / str(other))))
    assert len(collect(engine, 2)) == 2
    gate = tmp_path / "gate"
    for number in range(2):
        engine.start(ticket(number, "meet", mine=str(tmp_path / f"busy{number}"), other=str(gate)))
    engine.start(ticket(2, "meet", mine=str(tmp_path / "third"), other=str(gate)))
    until(lambda: (tmp_path / "busy0").exists() and (tmp_path / "busy1").exists())
    assert engine.poll(0.01) == []
    assert not (tmp_path / "third").exists()
    gate.touch()
    assert len(collect(engine, 3)) == 3


def test_isolated_step_has_a_process_of_its_own(forked: ProcessEngine) -> None:
    warm = result(perform(forked, "pid"))
    pids = [result(perform(forked, "pid", isolated=True)) for _ in range(3)]
    assert len({warm, *pids}) == 4
    assert result(perform(forked, "pid")) == warm


@pytest.mark.slow
def test_hundred_isolated_steps_each_have_their_own_process(forked: ProcessEngine) -> None:
    for number in range(100):
        forked.start(ticket(number, "pid", isolated=True))
    reports = collect(forked, 100)
    assert len({result(report) for report in reports.values()}) == 100


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (signal.SIGSEGV, "ended by signal SIGSEGV (segmentation fault)"),
        (signal.SIGKILL, "ended by SIGKILL (often the out-of-memory killer)"),
        (signal.SIGTERM, "ended by signal SIGTERM (terminated)"),
    ],
)
def test_step_that_dies_of_a_signal_fails_with_its_name(forked: ProcessEngine, number: int, message: str) -> None:
    assert failure(perform(forked, "crash", number=int(number))) == (
        "WorkerCrashed",
        message,
        signal.Signals(number).name,
    )


def test_step_that_segfaults_fails_alone_and_leaves_its_log(forked: ProcessEngine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    forked.start(ticket(7, "sleep", seconds=0.05))
    forked.start(ticket(8, "segfault", log_path=str(log)))
    reports = collect(forked, 2)
    assert result(reports[7]) == "'slept'"
    assert failure(reports[8])[1] == "ended by signal SIGSEGV (segmentation fault)"
    assert b"in segfault" in log.read_bytes()
    assert result(perform(forked, "echo", value=1)) == "1"


@pytest.mark.parametrize("code", [0, 3])
def test_step_that_leaves_its_process_fails_with_the_exit_code(forked: ProcessEngine, code: int) -> None:
    assert failure(perform(forked, "leave", code=code)) == ("WorkerCrashed", f"called os._exit({code})", None)


def test_unknown_signal_numbers_have_words_too() -> None:
    assert crash(40).message.startswith("ended by signal signal 40 (")


def test_error_of_the_entry_point_is_a_failure_with_its_traceback(forked: ProcessEngine) -> None:
    report = perform(forked, "fail", text="no such luck")
    assert failure(report) == ("ValueError", "no such luck", None)
    assert report.failure is not None
    assert "in fail" in report.failure.traceback


@pytest.mark.parametrize("step", ["leave_politely", "interrupt", "unpicklable"])
def test_worker_survives_every_python_exception(forked: ProcessEngine, step: str) -> None:
    before = result(perform(forked, "pid"))
    assert perform(forked, step).failure is not None
    assert result(perform(forked, "pid")) == before


def test_unknown_entry_point_is_the_failure_of_each_ticket() -> None:
    with ProcessEngine("no_such_module:execute", 1, fork=True) as engine:
        assert failure(perform(engine, "pid"))[0] == "ModuleNotFoundError"


def test_ticket_that_can_not_be_pickled_fails_alone(forked: ProcessEngine) -> None:
    bad = ticket(1, "echo", value=0)
    forked.start(Ticket(**{name: getattr(bad, name) for name in Ticket.__slots__} | {"run_id": lambda: 0}))  # type: ignore[arg-type]
    kind, message, _ = failure(collect(forked, 1)[1])
    assert kind in ("PicklingError", "AttributeError")
    assert message.startswith("can't be sent to a worker process: ")


def test_large_tickets_and_results_do_not_block(forked: ProcessEngine) -> None:
    big = bytes(50_000_000)
    forked.start(ticket(1, "length", value=big))
    forked.start(ticket(2, "length", value=big))
    forked.start(ticket(3, "grow", count=30_000_000))
    reports = collect(forked, 3)
    assert [result(reports[number]) for number in (1, 2)] == ["50000000"] * 2
    assert len(result(reports[3])) == 30_000_003


def test_step_that_takes_too_long_is_ended(engine: ProcessEngine) -> None:
    report = perform(engine, "sleep", limit=0.05, seconds=600)
    assert failure(report) == ("TimeoutError", "took longer than 0.05 s (timeout_seconds=0.05)", None)
    assert result(perform(engine, "echo", value=1)) == "1"


def test_clock_of_a_step_starts_when_the_step_does(forked: ProcessEngine, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    for number in range(2):
        forked.start(ticket(number, "meet", mine=str(tmp_path / str(number)), other=str(gate)))
    forked.start(ticket(2, "echo", limit=0.2, value=1))
    assert forked.poll(0.21) == []
    gate.touch()
    assert result(collect(forked, 3)[2]) == "1"


@linux
def test_time_limit_ends_everything_that_the_step_started(forked: ProcessEngine, tmp_path: Path) -> None:
    path = tmp_path / "pids"
    limit = 0.15
    while not path.exists():  # a busy machine may need longer to start them all
        assert failure(perform(forked, "family", limit=limit, path=str(path)))[0] == "TimeoutError"
        limit *= 2
    pids = read_when_there(path)
    assert len(pids) == 6
    assert not any(map(alive, pids))


@linux
def test_crash_ends_everything_that_the_step_started(forked: ProcessEngine, tmp_path: Path) -> None:
    path = tmp_path / "pids"
    forked.start(ticket(1, "family", path=str(path)))
    pids = read_when_there(path)
    assert sum(map(alive, pids)) >= 5  # the daemon's parent may have ended
    os.kill(pids[0], signal.SIGKILL)
    assert failure(collect(forked, 1)[1])[2] == "SIGKILL"
    assert not any(map(alive, pids))


@linux
def test_cancel_ends_everything_that_the_step_started_and_reports_nothing(
    forked: ProcessEngine, tmp_path: Path
) -> None:
    path = tmp_path / "pids"
    forked.start(ticket(1, "family", path=str(path)))
    pids = read_when_there(path)
    forked.start(ticket(2, "sleep", seconds=0.01))
    forked.cancel(1)
    assert not any(map(alive, pids))
    assert set(collect(forked, 1)) == {2}
    assert forked.poll(0) == []


@linux
def test_isolated_step_leaves_nothing_in_the_background(forked: ProcessEngine, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    assert result(perform(forked, "abandon", isolated=True, path=str(path))) == "'left'"
    until(lambda: not alive(int(path.read_text())))


def test_cancelled_ticket_that_waits_never_runs(forked: ProcessEngine, tmp_path: Path) -> None:
    for number in range(2):
        forked.start(ticket(number, "sleep", seconds=0.05))
    forked.start(ticket(2, "abandon", path=str(tmp_path / "never")))
    forked.cancel(2)
    forked.cancel(99)
    assert set(collect(forked, 2)) == {0, 1}
    assert forked.poll(0) == []
    assert not (tmp_path / "never").exists()


def test_worker_that_dies_while_idle_is_replaced_unseen(engine: ProcessEngine) -> None:
    for _ in range(3):
        pid = int(result(perform(engine, "pid")))
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: not alive(pid))
        assert int(result(perform(engine, "pid"))) != pid


def test_poll_comes_back_when_woken_from_another_thread(forked: ProcessEngine) -> None:
    forked.start(ticket(1, "sleep", seconds=600))
    thread = threading.Thread(target=forked.wake)
    thread.start()
    assert forked.poll(PATIENCE_SECONDS) == []
    thread.join()


def test_wake_before_poll_is_not_lost(forked: ProcessEngine) -> None:
    forked.wake()
    began = time.monotonic()
    assert forked.poll(PATIENCE_SECONDS) == []
    assert time.monotonic() - began < PATIENCE_SECONDS / 2


def test_wake_during_a_cancel_is_not_lost(forked: ProcessEngine) -> None:
    forked.start(ticket(1, "sleep", seconds=600))
    forked.wake()
    forked.cancel(1)
    began = time.monotonic()
    assert forked.poll(PATIENCE_SECONDS) == []
    assert time.monotonic() - began < PATIENCE_SECONDS / 2


def test_poll_without_work_comes_back_when_its_time_is_over(forked: ProcessEngine) -> None:
    assert forked.poll(0) == []
    assert forked.poll(0.01) == []


def test_lines_come_while_the_step_runs(forked: ProcessEngine, tmp_path: Path) -> None:
    fifo, log = tmp_path / "fifo", tmp_path / "log"
    os.mkfifo(fifo)
    forked.start(ticket(5, "speak", texts=["one\ntw", "o\n10%\r90%\r", "é"], fifo=str(fifo), log_path=str(log)))
    seen: list[tuple[int, str]] = []

    def heard() -> bool:
        seen.extend(forked.lines())
        return len(seen) >= 2

    until(heard)
    assert seen == [(5, "one"), (5, "two")]
    fifo.write_text("")
    collect(forked, 1)
    assert forked.lines() == [(5, "égoodbye")]
    assert forked.lines() == []


@pytest.fixture
def sockets_before() -> set[str]:
    """The sockets that this process had open already: connections that other tests left to the garbage collector."""
    return {os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd") if is_socket(int(each))}


def is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def test_workers_hold_no_descriptors_of_the_runner_or_of_each_other(
    sockets_before: set[str], forked: ProcessEngine
) -> None:
    forked.start(ticket(1, "sleep", seconds=0.05))
    forked.start(ticket(2, "descriptors"))
    found = result(collect(forked, 2)[2])
    assert len(set(re.findall(r"socket:\[\d+\]", found)) - sockets_before) == 1


def test_workers_have_their_own_session_and_plain_signals(engine: ProcessEngine) -> None:
    interrupt, terminate, session, pid = eval(result(perform(engine, "signals")))
    assert interrupt
    assert terminate
    assert session == pid


def test_workers_import_no_multiprocessing() -> None:
    with engine_of(1, fork=False) as engine:
        assert result(perform(engine, "modules")) == "['subprocess']"  # the test's own entry module imports that


def test_close_lets_started_steps_end(forked: ProcessEngine, tmp_path: Path) -> None:
    for number in range(3):
        forked.start(ticket(number, "abandon", path=str(tmp_path / str(number))))
    forked.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0", "1", "2"]
    forked.close()
    with pytest.raises(EngineError):
        forked.start(ticket(9, "pid"))


@linux
def test_close_now_leaves_no_process(engine: ProcessEngine, tmp_path: Path) -> None:
    path = tmp_path / "pids"
    idle = int(result(perform(engine, "pid")))
    engine.start(ticket(1, "family", path=str(path)))
    pids = [idle, *read_when_there(path)]
    engine.close(now=True)
    assert not any(map(alive, pids))


@linux
def test_descriptors_do_not_pile_up(forked: ProcessEngine) -> None:
    perform(forked, "pid", isolated=True)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        perform(forked, "pid", isolated=True)
    until(lambda: forked.poll(0) == [] and len(os.listdir("/proc/self/fd")) <= before + 1)


def test_lost_fork_server_is_an_error_and_ends_the_workers(engine: ProcessEngine) -> None:
    pid = int(result(perform(engine, "pid")))
    engine.start(ticket(1, "sleep", seconds=600))
    os.kill(engine._server, signal.SIGKILL)
    with pytest.raises(EngineError, match="has ended"):
        collect(engine, 1)
    until(lambda: not alive(pid))


def test_no_workers_is_refused() -> None:
    with pytest.raises(EngineError, match="0 workers"):
        ProcessEngine("entries:execute", 0, fork=True)


SCRIPT = """
import os, pickle, sys
from solvent.engines.processes import ProcessEngine
from solvent.model import StepSpec, Ticket
path, fork = sys.argv[1], sys.argv[2] == "fork"
engine = ProcessEngine("entries:execute", 2, fork=fork)
def send(number, step, **given):
    spec = StepSpec(step, "entries", step, "entries.py", 1)
    engine.start(Ticket(number, "run", spec, "key", 0, "s", "p", pickle.dumps(given)))
send(1, "pid")
print(engine.poll(20)[0].execution.outputs[""].inline.decode(), engine._server, flush=True)
send(2, "family", path=path)
engine.poll(600)
"""


@linux
@pytest.mark.parametrize("way", ["fork", "fresh"])
@pytest.mark.parametrize("victims", ["runner", "runner and server"])
def test_nothing_outlives_a_killed_runner(way: str, victims: str, tmp_path: Path) -> None:
    path = tmp_path / "pids"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([HERE, *sys.path])}
    command = [sys.executable, "-c", SCRIPT, str(path), way]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        idle, server = map(int, runner.stdout.readline().split())
        pids = read_when_there(path)
        if victims == "runner and server":
            os.kill(server, signal.SIGKILL)
            pids = pids[:1]  # what the step started is beyond reach when both are killed at once
        runner.kill()
        runner.wait()
    try:
        until(lambda: not any(map(alive, [idle, server, *pids])))
    finally:
        for pid in read_when_there(path):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
