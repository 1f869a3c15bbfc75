"""However much a step prints, it is not held up, and memory, disk and record stay small."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from solvent.metadata.store import MetadataStore
from tests import soak

PROGRAM = """
import ctypes, os, subprocess, sys
from solvent import pipeline, step

LINE = "x" * 99


def loop(count):
    for _ in range(count):
        print(LINE)


def descriptor(count):
    data = (LINE + "\\n").encode() * 10
    for _ in range(count // 10):
        os.write(1, data)


def child(count):
    subprocess.run(["sh", "-c", f"yes {LINE} | head -n {count}"], check=True)


def native(count):
    puts = ctypes.CDLL(None).puts
    line = LINE.encode()
    for _ in range(count):
        puts(line)


def endless(count):
    for _ in range(count // 10_000):
        print("y" * 1_000_000, end="")


def garbage(count):
    block = os.urandom(1_000_000)
    for _ in range(count // 10_000):
        sys.stdout.buffer.write(block)


WAYS = {each.__name__: each for each in (loop, descriptor, child, native, endless, garbage)}


@step(cache=False)
def shout(way: str, count: int) -> int:
    WAYS[way](count)
    return count


@pipeline
def main(way: str = "loop", count: int = 10) -> int:
    return shout(way, count)


if __name__ == "__main__":
    WAYS[sys.argv[1]](int(sys.argv[2]))
"""

HEARD = {
    "inline": ("loop", "endless", "garbage"),
    "processes": ("loop", "descriptor", "child", "native", "endless", "garbage"),
}
"""Inline the streams of Python are heard, in a worker all that is written to the descriptors."""


def disk_bytes(folder: Path) -> int:
    """How much room the log files of running steps take."""
    found = 0
    for path in folder.glob("*.log"):
        try:
            found += os.stat(path).st_blocks * 512
        except OSError:
            continue
    return found


def peak_memory_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def measure(shop: Any, command: list[str], out: str) -> tuple[float, float, float]:
    """Run a command with its output in a file; give its CPU seconds, the peak memory and the peak of log files in MB."""
    disk, memory, over = 0, 0.0, threading.Event()

    def watch() -> None:
        nonlocal disk, memory
        while not over.wait(0.02):
            # The system's account of an ended process begins with the memory of the one that started it.
            memory = max(memory, peak_memory_mb(process.pid))
            disk = max(disk, disk_bytes(shop.root / ".solvent" / "tmp"))

    watcher = threading.Thread(target=watch)
    with open(shop.root / out, "wb") as file:
        process = subprocess.Popen(command, cwd=shop.root, env=shop.environment(), stdout=file, stderr=file)
        watcher.start()
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    over.set()
    watcher.join()
    assert process.returncode == 0, (shop.root / out).read_text()[-2000:]
    return used.ru_utime + used.ru_stime, memory, disk / 1e6


def shout(shop: Any, engine: str, way: str, count: int) -> tuple[float, float, float]:
    """Let a step print and check its record; give how often the CPU of the plain program, memory and disk."""
    shop.write("loud.py", PROGRAM)
    plain, _, _ = measure(shop, [sys.executable, "loud.py", way, str(count)], "plain.txt")
    (shop.root / "plain.txt").unlink()
    words = ["run", "loud.py", "--quiet", "--engine", engine, "--set", f"way={way}", "--set", f"count={count}"]
    small = [*words[:-1], "count=10000"]
    idle, _, _ = measure(shop, [sys.executable, "-m", "solvent", *small], "shown.txt")
    cpu, memory, disk = measure(shop, [sys.executable, "-m", "solvent", *words], "shown.txt")
    with MetadataStore.open(shop.root / ".solvent" / "metadata.sqlite") as metadata:
        record = metadata.step_run(metadata.find_run("latest").id, 0)
    assert record.execution is not None
    assert record.execution.log_bytes == count * 100
    assert len(record.execution.log) < (8 << 20) + 100
    assert b"bytes of output were cut here" in record.execution.log
    assert list((shop.root / ".solvent" / "tmp").glob("*.log")) == []
    return (cpu - idle) / max(plain, 0.05), memory, disk


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "way"), [("inline", "loop"), ("processes", "child"), ("processes", "endless")])
def test_a_step_prints_fifty_megabytes(shop: Any, engine: str, way: str) -> None:
    _, memory, _ = shout(shop, engine, way, 500_000)
    assert memory < 150


@pytest.mark.soak
@pytest.mark.parametrize(("engine", "way"), [(engine, way) for engine, ways in HEARD.items() for way in ways])
def test_a_step_prints_a_gigabyte(shop: Any, engine: str, way: str) -> None:
    times, memory, disk = shout(shop, engine, way, 10_000_000)
    soak.record(
        f"1 GB printed by a step: {way}, {engine}",
        f"{times:.1f} x the CPU of the plain program into a file; at most {memory:.0f} MB of memory, {disk:.0f} MB of disk",
    )
    assert memory < 150
    # Five times a second what lies in the middle of the file is given back.
    assert way == "garbage" or disk < 500
    assert times < 2
