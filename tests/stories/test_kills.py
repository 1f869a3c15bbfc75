"""kill -9 at random moments: nothing that was committed is lost or done again, and the next run finishes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from solvent.metadata.locks import ByteLocks
from solvent.metadata.store import MetadataStore
from solvent.runs.lives import status_of
from tests.crash.stores import check_store, committed, executed, outputs
from tests.soak import record

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills need POSIX processes")

PROGRAM = """
import os
from solvent import File, pipeline, step


def note(name):
    # A write, not a read, so it is no observation.
    descriptor = os.open("executed.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{name}\\n".encode())
    os.close(descriptor)


@step
def start(n: int) -> bytes:
    note(f"start {n}")
    return bytes([n]) * 20_000


@step
def grow(data: bytes, n: int) -> bytes:
    note(f"grow {n}")
    print("growing", n)
    return data + bytes([n]) * 1_000


@step
def small(data: bytes, n: int) -> int:
    note(f"small {n}")
    return len(data) + n


@step
def total(numbers: list[int]) -> int:
    note("total 0")
    return sum(numbers)


@pipeline
def thirty() -> int:
    data = start(0)
    numbers = []
    for n in range(14):
        data = grow(data, n)
        numbers.append(small(data, n))
    return total(numbers)
"""
RESULT = sum(20_000 + 1_000 * (n + 1) + n for n in range(14))


def started(shop, engine: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "solvent", "run", "thirty.py", "--engine", engine, "--quiet"],
        cwd=shop.root,
        env=shop.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def worker_of(process: subprocess.Popen[str]) -> int | None:
    """Find a process below the runner's fork server."""
    try:
        servers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [
            pid for server in servers for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split()
        ]
    except OSError:
        return None
    return int(workers[0]) if workers else None


def measured_seconds(shop, engine: str) -> tuple[float, float]:
    """Time one whole run: until its first step is executed, and until its end."""
    began = time.perf_counter()
    process = started(shop, engine)
    while not executed(shop.root) and process.poll() is None:
        time.sleep(0.002)
    first = time.perf_counter() - began
    assert process.wait(60) == 0
    return first, time.perf_counter() - began


def wait_for_the_end_of(session: int) -> None:
    """Return when the workers of a killed runner are gone too: until then one may still write what it executed."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not any(_lives_in(session, entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()):
            return
        time.sleep(0.002)


def _lives_in(session: int, pid: str) -> bool:
    try:
        state, _, _, of_session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return False
    return int(of_session) == session and state not in "ZX"


def kill_once(shop, engine: str, victim: str, moment: float, expected: dict[str, list[str]]) -> str:
    """Kill at a moment, then run to the end and check everything; say what the kill met."""
    home = shop.root / ".solvent"
    (shop.root / "executed.txt").unlink(missing_ok=True)
    subprocess.run(["rm", "-rf", str(home)], check=True)
    process = started(shop, engine)
    time.sleep(moment)
    pid = worker_of(process) if victim == "worker" else process.pid
    met = "nothing" if pid is None or process.poll() is not None else victim
    if met == "runner":
        os.kill(process.pid, signal.SIGKILL)
    elif met == "worker":
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            met = "nothing"
    process.wait(60)
    wait_for_the_end_of(process.pid)
    before, kept = executed(shop.root), committed(home)
    if met == "runner" and kept:
        check_interrupted(shop)
    again = shop.run("thirty.py", "--engine", engine)
    assert again.result == RESULT
    assert outputs(home, again.id) == expected
    twice = {name for name, count in executed(shop.root).items() if count > 1}
    assert not twice & kept, "a committed step ran again"
    assert len(twice) <= 16
    assert set(before) - kept >= twice
    check_store(home)
    return met


def check_interrupted(shop) -> None:
    """Whoever looks at the store sees at once that the runner is gone."""
    locks = ByteLocks(str(shop.root / ".solvent" / "locks"))
    with MetadataStore.open(shop.root / ".solvent" / "metadata.sqlite") as metadata:
        deadline = time.monotonic() + 5
        for record in metadata.list_runs():
            while status_of(record, locks) == "running":
                assert time.monotonic() < deadline
    locks_path = shop.root / ".solvent" / "locks"
    assert locks_path.exists()


def kill_many(shop, seed: int, count: int) -> Counter[str]:
    """Kill until `count` kills have met a process at work; give what they met."""
    shop.write("thirty.py", PROGRAM)
    chosen = random.Random(seed)
    spans = {engine: measured_seconds(shop, engine) for engine in ("inline", "processes")}
    expected = outputs(shop.root / ".solvent", "latest")
    met: Counter[str] = Counter()
    for number in range(4 * count):
        engine, victim = (("inline", "runner"), ("processes", "runner"), ("processes", "worker"))[number % 3]
        first, last = spans[engine]
        # Spans are measured anew on a machine whose load changes, hence the margins.
        met[kill_once(shop, engine, victim, chosen.uniform(first * 0.8, last * 1.05), expected)] += 1
        if met["runner"] + met["worker"] == count:
            break
    assert met["runner"] + met["worker"] == count, met
    return met


def test_five_kills_lose_nothing(shop) -> None:
    kill_many(shop, seed=1, count=5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills_lose_nothing(shop, seed: int) -> None:
    kill_many(shop, seed=100 + seed, count=20)


SOAK_SEEDS = range(25)
_met: Counter[str] = Counter()


@pytest.mark.soak
@pytest.mark.parametrize("seed", SOAK_SEEDS)
def test_a_thousand_kills_lose_nothing(shop, seed: int) -> None:
    _met.update(kill_many(shop, seed=1000 + seed, count=40))
    kills = _met["runner"] + _met["worker"]
    found = f"{kills} kills ({_met['runner']} of runners, {_met['worker']} of workers): 0 lost or corrupt, 0 committed steps run again, {kills} resumed to identical digests"
    record("random kill -9", found, f"1000-{1000 + SOAK_SEEDS[-1]}")
