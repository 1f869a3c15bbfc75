"""How runs end: stopped, failed, crashed, timed out, tried again; and what they leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals need POSIX processes")

SLOW = """
import os, time
from pathlib import Path
from solvent import pipeline, step


def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)


@step
def first() -> int:
    return 1


@step(cache=False)
def uncached(x: int) -> int:
    with open("uncached.txt", "a") as file:
        file.write("x")
    return x + 1


@step
def waiting(x: int) -> int:
    Path("started").write_text("")
    wait_for("go")
    return x + 1


@step
def last(x: int) -> int:
    Path("last").write_text("")
    return x + 1


@pipeline
def slow() -> int:
    return last(waiting(uncached(first())))
"""

ENGINES = ("inline", "processes")
ONE_QUICK = ("processes", pytest.param("inline", marks=pytest.mark.slow))
"""Where both engines do the same work, the quick tests try one."""


def start(shop, target: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "solvent", "run", target, "--json", *words],
        cwd=shop.root,
        env=shop.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(true, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("engine", ENGINES)
def test_one_interrupt_lets_running_steps_finish_and_the_next_run_goes_on(shop, engine: str) -> None:
    shop.write("slow.py", SLOW)
    process = start(shop, "slow.py", "--engine", engine)
    wait_until((shop.root / "started").exists)
    process.send_signal(signal.SIGINT)
    (shop.root / "go").write_text("")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Ctrl-C again" in err
    said = json.loads(out.splitlines()[-1])
    assert said["status"] == "interrupted"
    assert [s["status"] for s in said["steps"]][:3] == ["done", "done", "done"]
    assert not (shop.root / "last").exists()
    again = shop.run("slow.py", "--engine", engine)
    assert again.ran == ["last"]
    assert said["id"] in again.why("uncached")
    assert (shop.root / "uncached.txt").read_text() == "x"
    fresh = shop.run("slow.py", "--engine", engine)
    assert fresh.ran == ["uncached"], "a run that ended is not resumed"


@pytest.mark.parametrize("engine", ENGINES)
def test_fresh_adopts_nothing_of_an_interrupted_run(shop, engine: str) -> None:
    shop.write("slow.py", SLOW)
    process = start(shop, "slow.py", "--engine", engine)
    wait_until((shop.root / "started").exists)
    process.send_signal(signal.SIGINT)
    (shop.root / "go").write_text("")
    process.communicate(timeout=60)
    assert shop.run("slow.py", "--engine", engine, "--fresh").ran == ["uncached", "last"]


@pytest.mark.parametrize("engine", ENGINES)
def test_two_interrupts_stop_now(shop, engine: str) -> None:
    shop.write("slow.py", SLOW)
    process = start(shop, "slow.py", "--engine", engine)
    wait_until((shop.root / "started").exists)
    process.send_signal(signal.SIGINT)
    stderr = process.stderr
    assert stderr is not None
    while "Ctrl-C again" not in stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    said = json.loads(out.splitlines()[-1])
    assert said["status"] == "interrupted"
    assert said["steps"][2]["status"] == "cancelled"
    assert "Traceback" not in err
    (shop.root / "go").write_text("")
    assert shop.run("slow.py", "--engine", engine).ran == ["waiting", "last"]


def stop_at_once(shop, engine: str) -> None:
    """Start a run, wait until `waiting` runs, and interrupt it twice."""
    (shop.root / "started").unlink(missing_ok=True)
    process = start(shop, "slow.py", "--engine", engine)
    wait_until((shop.root / "started").exists)
    process.send_signal(signal.SIGINT)
    stderr = process.stderr
    assert stderr is not None
    while "Ctrl-C again" not in stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


@pytest.mark.parametrize("engine", ONE_QUICK)
def test_what_was_adopted_once_is_adopted_again_and_leads_to_its_execution(shop, engine: str) -> None:
    shop.write("slow.py", SLOW)
    stop_at_once(shop, engine)
    first = json.loads(shop.command("runs", "--json").stdout)[0]["id"]
    stop_at_once(shop, engine)
    (shop.root / "go").write_text("")
    assert shop.run("slow.py", "--engine", engine).ran == ["waiting", "last"]
    assert (shop.root / "uncached.txt").read_text() == "x"
    made = json.loads(shop.command("show", "uncached", "--json").stdout)
    assert list(made["outputs"]), "a reused step shows the outputs of its execution"
    assert first in shop.command("why", "uncached").stdout


CRASH = """
import ctypes, os, signal
from solvent import pipeline, step


@step
def good(n: int) -> int:
    return n


@step
def crashes(n: int, how: str) -> int:
    print("before the end", flush=True)
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "exit":
        os._exit(3)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


@pipeline
def crash(how: str) -> list[int]:
    return [good(1), crashes(good(2), how), good(3)]
"""


@pytest.mark.parametrize(("how", "words"), [("segfault", "SIGSEGV"), ("exit", "os._exit(3)"), ("kill", "SIGKILL")])
def test_a_step_that_crashes_its_worker_fails_alone(shop, how: str, words: str) -> None:
    shop.write("crash.py", CRASH)
    failed = shop.run("crash.py", "--set", f"how={how}", "--keep-going", code=1)
    assert failed.status == "failed"
    assert failed.names("failed") == ["crashes"]
    assert failed.names("done") == ["good", "good", "good"]
    assert words in failed.printed
    assert "before the end" in shop.command("log", "crashes").stdout


def test_a_step_that_crashes_an_inline_run_leaves_it_interrupted(shop) -> None:
    shop.write("crash.py", CRASH)
    done = shop.command("run", "crash.py", "--set", "how=exit", "--engine", "inline")
    assert done.returncode == 3
    assert json.loads(shop.command("runs", "--json").stdout)[0]["status"] == "interrupted"


LIMITED = """
import os, subprocess, sys, time
from pathlib import Path
from solvent import pipeline, step


@step(timeout_seconds=0.7)
def endless() -> int:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    Path("pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)
    return 1


@step(isolated=True)
def alone() -> int:
    return os.getpid()


@pipeline
def limited() -> int:
    return endless()


@pipeline
def apart() -> int:
    return alone()
"""


@pytest.mark.parametrize("engine", ONE_QUICK)
def test_a_time_limit_ends_a_step_and_all_that_it_started(shop, engine: str) -> None:
    shop.write("limited.py", LIMITED)
    failed = shop.run("limited.py:limited", "--engine", engine, code=1)
    assert failed.names("failed") == ["endless"]
    assert "timeout_seconds=0.7" in failed.printed
    for pid in (shop.root / "pids").read_text().split():
        wait_until(lambda pid=pid: not alive(int(pid)))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_isolated_step_has_a_process_of_its_own(shop, engine: str) -> None:
    shop.write("limited.py", LIMITED)
    assert not alive(shop.run("limited.py:apart", "--engine", engine).result)


FAILING = """
import os
from pathlib import Path
from solvent import pipeline, step, value
from solvent.errors import StepFailed


@step(retries=2)
def flaky() -> int:
    tries = Path("tries")
    count = int(tries.read_text()) + 1 if tries.exists() else 1
    tries.write_text(str(count))
    if count < 3:
        raise OSError("not yet")
    return count


@step
def bad(x: int) -> int:
    raise ValueError("no such luck")


@step
def good(x: int) -> int:
    return x


@pipeline
def retried() -> int:
    return flaky()


@pipeline
def failing() -> list[int]:
    return [good(bad(1)), good(2)]


@pipeline
def caught() -> int:
    try:
        return value(bad(1))
    except StepFailed:
        return value(good(7))
"""


@pytest.mark.parametrize("engine", ONE_QUICK)
def test_a_failing_step_is_tried_again(shop, engine: str) -> None:
    shop.write("failing.py", FAILING)
    record = shop.run("failing.py:retried", "--engine", engine)
    assert record.result == 3
    assert "not yet" in record.printed
    assert json.loads(shop.command("show", "flaky", "--json").stdout)["attempt"] == 3


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failure_skips_what_depends_on_it_and_the_rest_may_go_on(shop, engine: str) -> None:
    shop.write("failing.py", FAILING)
    failed = shop.run("failing.py:failing", "--engine", engine, "--keep-going", code=1)
    assert [step["status"] for step in failed.said["steps"]] == ["failed", "skipped", "done"]
    assert "ValueError: no such luck" in failed.printed
    assert 'failing.py", line' in failed.printed
    assert "solvent/runs" not in failed.printed


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failure_that_the_body_handles_does_not_fail_the_run(shop, engine: str) -> None:
    shop.write("failing.py", FAILING)
    record = shop.run("failing.py:caught", "--engine", engine)
    assert record.status == "done"
    assert record.result == 7


FAN = """
import logging, os, time
from pathlib import Path
from solvent import pipeline, step


@step
def nap(n: int) -> tuple[float, float]:
    began = time.time()
    time.sleep(0.05)
    return began, time.time()


@step
def heavy(n: int) -> tuple[float, float]:
    began = time.time()
    time.sleep(0.05)
    return began, time.time()


@step
def loud() -> int:
    print("printed")
    logging.getLogger("shop").warning("logged")
    os.write(1, b"native\\n")
    return 1


@pipeline
def fan() -> list[tuple[float, float]]:
    return [(nap if n % 2 else heavy)(n) for n in range(8)]


@pipeline
def noise() -> int:
    return loud()
"""


def overlap(one: list[float], other: list[float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def test_a_step_that_needs_all_cpus_runs_alone(shop) -> None:
    shop.write("fan.py", FAN)
    shop.write("solvent.toml", "[steps.heavy]\ncpus = 2\n")
    spans = shop.run("fan.py:fan", "--workers", "2").result
    heavy, naps = spans[0::2], spans[1::2]
    assert not any(overlap(one, other) for one in heavy for other in spans if other is not one)
    assert any(overlap(one, other) for one in naps for other in naps if other is not one)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_step_prints_and_logs_is_kept_and_shown(shop, engine: str) -> None:
    shop.write("fan.py", FAN)
    record = shop.run("fan.py:noise", "--engine", engine)
    log = shop.command("log", "loud").stdout
    assert "printed\n" in log
    assert log.count("logged") == 1
    assert "printed" in record.printed
    if engine == "processes":
        assert "native\n" in log
    assert "printed" in shop.command("log", "loud").stdout, "a reused step shows the log of its execution"


FORKING = """
import os
from solvent import pipeline, step


@step
def split(way: str) -> str:
    reader, writer = os.pipe()
    if os.fork() == 0:
        print("the child was here")
        if way == "exit":
            raise SystemExit(3)
        if way == "error":
            raise ValueError("only the child's")
        return "the child's"
    os.close(writer)
    os.read(reader, 1)  # comes to its end when the child has ended
    return f"mine, and it gave {os.waitstatus_to_exitcode(os.wait()[1])}"


@pipeline
def main(way: str = "return") -> str:
    return split(way)
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", "inline"])
@pytest.mark.parametrize(("way", "code"), [("return", 0), ("exit", 3), ("error", 1)])
def test_a_process_that_a_step_forks_never_answers_for_it(shop, way: str, code: int, engine: str) -> None:
    shop.write("forking.py", FORKING)
    run = shop.run("forking.py", "--set", f"way={way}", "--engine", engine)
    assert run.result == f"mine, and it gave {code}"
    assert run.status == "done"
