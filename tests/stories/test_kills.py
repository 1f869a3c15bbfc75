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

from solvent.artifacts.store import LocalBlobs
from solvent.metadata.locks import ByteLocks
from solvent.metadata.store import MetadataStore
from solvent.model import Blob
from solvent.runs.lives import status_of

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


def executed(shop) -> Counter[str]:
    path = shop.root / "executed.txt"
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def committed(shop) -> set[str]:
    """Name the executions that the store holds as done."""
    path = shop.root / ".solvent" / "metadata.sqlite"
    if not path.exists():
        return set()
    with MetadataStore.open(path) as metadata:
        rows = metadata.rows("SELECT name, occurrence FROM step_runs WHERE status = 'done' AND source_run IS NULL")
    return {f"{name} {occurrence}" for name, occurrence in rows}


def check_store(shop) -> None:
    """Every row's bytes are present and have the digest that the row says."""
    blobs = LocalBlobs(str(shop.root / ".solvent"))
    with MetadataStore.open(shop.root / ".solvent" / "metadata.sqlite") as metadata:
        assert metadata.check() == []
        for digest, size_bytes in metadata.all_blobs():
            blobs.read(Blob(digest, size_bytes))


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
    while not executed(shop) and process.poll() is None:
        time.sleep(0.002)
    first = time.perf_counter() - began
    assert process.wait(60) == 0
    return first, time.perf_counter() - began


def kill_once(shop, engine: str, victim: str, moment: float) -> str:
    """Kill at a moment, then run to the end and check everything; say what the kill met."""
    for name in ("executed.txt",):
        (shop.root / name).unlink(missing_ok=True)
    subprocess.run(["rm", "-rf", str(shop.root / ".solvent")], check=True)
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
    before, kept = executed(shop), committed(shop)
    if met == "runner" and kept:
        check_interrupted(shop)
    again = shop.run("thirty.py", "--engine", engine)
    assert again.result == RESULT
    twice = {name for name, count in executed(shop).items() if count > 1}
    assert not twice & kept, "a committed step ran again"
    assert len(twice) <= 16
    assert set(before) - kept >= twice
    check_store(shop)
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


def kill_many(shop, seed: int, count: int) -> None:
    shop.write("thirty.py", PROGRAM)
    chosen = random.Random(seed)
    spans = {engine: measured_seconds(shop, engine) for engine in ("inline", "processes")}
    met: Counter[str] = Counter()
    for number in range(count):
        engine, victim = (("inline", "runner"), ("processes", "runner"), ("processes", "worker"))[number % 3]
        first, last = spans[engine]
        # Spans are measured anew on a machine whose load changes, hence the margins.
        met[kill_once(shop, engine, victim, chosen.uniform(first * 0.8, last * 1.05))] += 1
    assert met["runner"] + met["worker"] > count // 4, met


def test_ten_kills_lose_nothing(shop) -> None:
    kill_many(shop, seed=1, count=10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_three_hundred_kills_lose_nothing(shop, seed: int) -> None:
    kill_many(shop, seed=100 + seed, count=29)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(25))
def test_a_thousand_kills_lose_nothing(shop, seed: int) -> None:
    kill_many(shop, seed=1000 + seed, count=40)
