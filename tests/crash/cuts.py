"""Runs on a disk whose power is cut at random moments, and what is left of them when it comes back."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tests.crash.disks import Disk, booted
from tests.crash.scenarios import environment
from tests.crash.stores import check_store, outputs, run_status
from tests.crash.tracing import TRACER

PROGRAM = """
import os
import random
import sys

import solvent
from solvent import Folder, log, pipeline, step


@step
def blob(n: int) -> bytes:
    return random.Random(n).randbytes(20_000 + n % 7)


@step
def folder(data: bytes, n: int) -> Folder:
    os.makedirs(f"made-{n % 3}", exist_ok=True)
    for name in "ab":
        with open(f"made-{n % 3}/{name}.txt", "wb") as file:
            file.write(name.encode() * 17_000 + data[:1_000])
    return Folder(f"made-{n % 3}")


@step
def several(data: bytes, n: int) -> tuple[int, bytes, str]:
    log.text("report", "a line of text\\n" * 2_000 + str(n))
    print(data[:4_000].hex())
    return n, data[::2], data[:10_000].hex()


@pipeline
def work(n: int = 0) -> list:
    data = blob(n)
    number, half, text = several(data, n)
    return [number, half, text, folder(data, n)]


if __name__ == "__main__":
    from solvent.metadata.store import MetadataStore

    # Another user of the store keeps it open, so that its log is written over and over instead of growing: a commit then
    # changes no length, and the system has no reason of its own to write names to the disk with it.
    kept = MetadataStore.open(os.path.join(os.environ["SOLVENT_HOME"], "metadata.sqlite"))
    n = int(sys.argv[2])
    while True:
        run = solvent.run(work, n=n, engine=sys.argv[1])
        print("DONE", n, run.id, run.status, flush=True)
        n += 1
"""


class Reported(NamedTuple):
    """A run that the program said was done, and what it was asked for."""

    n: int
    id: str
    status: str


class Worker:
    """A program that runs pipelines one after the other and tells of each when it is done."""

    def __init__(self, root: Path, home: Path, engine: str, *, syncing: bool = True) -> None:
        home.mkdir(exist_ok=True)
        words = [sys.executable, "work.py", engine, "1"]
        if not syncing:
            skip = ["--at", "1", "--do", "skip", "--on", "--names", "fsync,fdatasync", "--seconds", "3600"]
            report = str(root / "report.json")
            words = [
                sys.executable,
                "-I",
                "-S",
                str(TRACER),
                "--folder",
                str(home),
                "--report",
                report,
                *skip,
                "--",
                *words,
            ]
        self.reported: list[Reported] = []
        self.process = subprocess.Popen(
            words, cwd=root, env=at_home(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("DONE "):  # the rest is what the steps print
                _, n, id, status = line.split()
                self.reported.append(Reported(int(n), id, status))

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.reported) < count:
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def hold(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        assert self.process.stdout is not None
        self.process.stdout.close()


def at_home(home: Path) -> dict[str, str]:
    return {**environment(), "SOLVENT_HOME": str(home)}


class Found(NamedTuple):
    """What a number of cuts showed: how many runs were reported before each, and what was lost by them."""

    cuts: int
    reported: int
    lost: list[str]


def cut_often(folder: Path, engine: str, count: int, seed: int, *, syncing: bool = True) -> Found:
    """Cut the power `count` times while pipelines run, and look at what each cut leaves."""
    chosen = random.Random(seed)
    cuts = reported = 0
    lost: list[str] = []
    for disk_number in range(count):
        if cuts >= count:
            break
        place = folder / f"disk-{disk_number}"
        place.mkdir()
        (place / "solvent.toml").write_text("")
        (place / "work.py").write_text(PROGRAM)
        disk = Disk(place)
        worker = Worker(place, disk.mount / "store", engine, syncing=syncing)
        copies: list[tuple[Path, list[Reported]]] = []
        try:
            worker.wait_for(1)
            for number in range(min(20, count - cuts)):
                time.sleep(chosen.uniform(0.0, 0.5))
                before = list(worker.reported)
                copy = place / f"cut-{number}.img"
                disk.cut(copy, worker.hold)
                copies.append((copy, before))
        finally:
            worker.stop()
            disk.close()
        for copy, before in copies:
            cuts, reported = cuts + 1, reported + len(before)
            try:
                look(place, copy, before)
            except Exception as error:
                lost.append(f"{copy.name} after {len(before)} runs: {type(error).__name__}: {error}")
            copy.unlink()
    return Found(cuts, reported, lost)


def look(place: Path, copy: Path, reported: list[Reported]) -> None:
    """After a cut: all that was reported is there and whole, and the next run completes."""
    with booted(copy, place / "booted") as mount:
        home = mount / "store"
        for run in reported:
            assert run_status(home, run.id) == run.status == "done", f"run {run.n} was reported and is {run.status}"
        check_store(home)
        n = len(reported) + 1
        done = subprocess.run(
            [sys.executable, "-m", "solvent", "run", "work.py:work", "--set", f"n={n}", "--json", "--quiet"],
            cwd=place, env=at_home(home), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        again = json.loads(done.stdout.splitlines()[-1])
        assert again["status"] == "done"
        assert outputs(home, again["id"])["blob 0"]
        check_store(home)
