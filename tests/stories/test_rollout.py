"""Versions exchanged and workers killed while many ask: every answer is that of the version it names, none is missing."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from solvent.serving.control import Control, Place, write_control
from solvent.serving.folder import open_bundle
from tests.servers import wait_until
from tests.serving.fleet import Fleet, fleet
from tests.serving.tiny import write_tiny
from tests.soak import record

CLIENT = Path(__file__).with_name("rollout_client.py")
CLIENTS = 4
AFTER_A_KILL_SECONDS = 2.0
"""A connection to a killed worker is found broken at the next request on it, at once, unless its client had no processor."""


class Crowd:
    """Clients at work as processes of their own; `done` counts their requests."""

    def __init__(self, port: int, count: int, offsets: dict[str, float], folder: Path) -> None:
        self.done = 0
        self.found: list[dict[str, Any]] = []
        self._stop = folder / "stop"
        words = [sys.executable, str(CLIENT), str(port), str(count // CLIENTS)]
        self._processes = [
            subprocess.Popen(
                [*words, str(seed), json.dumps(offsets), str(self._stop)], stdout=subprocess.PIPE, text=True
            )
            for seed in range(CLIENTS)
        ]
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._read, args=(each,)) for each in self._processes]
        for thread in self._threads:
            thread.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with self._lock:
                    if line.startswith("{"):
                        self.found.append(json.loads(line))
                    else:
                        self.done += int(line)

    def finish(self) -> dict[str, Any]:
        """Wait for all; give what they found together."""
        self._stop.touch()
        for thread in self._threads:
            thread.join()
        assert [process.wait() for process in self._processes] == [0] * CLIENTS
        versions: dict[str, int] = {}
        for each in self.found:
            for version, number in each["versions"].items():
                versions[version] = versions.get(version, 0) + number
        return {
            "answered": sum(each["answered"] for each in self.found),
            "refused": sum(each["refused"] for each in self.found),
            "wrong": [wrong for each in self.found for wrong in each["wrong"]],
            "broken": [at for each in self.found for at in each["broken"]],
            "versions": versions,
        }


def story(folder: Path, count: int, swaps: int, kills: int) -> str:
    """Ask `count` times while versions are exchanged and workers killed, evenly spread; tell what came of it."""
    bundles = [write_tiny(folder / str(at), 100.0 * at) for at in range(3)]
    places = [Place("champion", str(each), open_bundle(str(each)).digest, str(at)) for at, each in enumerate(bundles)]
    control, began, chance = str(folder / "control.json"), time.monotonic(), random.Random(0)
    write_control(control, Control((places[0],)))
    with fleet("--control", control, "--port", "0", "--workers", "2") as served:
        crowd = Crowd(served.port, count, {str(at): 100.0 * at for at in range(3)}, folder)
        killed: list[float] = []
        marks = sorted(
            [((at + 0.5) / swaps, "swap") for at in range(swaps)]
            + [((at + 1) / (kills + 1), "kill") for at in range(kills)]
        )
        swapped = 0
        for share, what in marks:
            wait_until(lambda share=share: crowd.done >= share * count, 600)
            if what == "swap":
                swapped += 1
                swap(served, control, places[swapped % 3])
            else:
                killed.append(kill(served, chance))
        found = crowd.finish()
        served.stop()
    seconds = time.monotonic() - began
    unexplained = [
        at for at in found["broken"] if not any(-0.1 <= at - each <= AFTER_A_KILL_SECONDS for each in killed)
    ]
    assert found["wrong"] == []
    assert unexplained == []
    total = found["answered"] + found["refused"]
    assert total >= count
    assert found["refused"] >= count // 100
    assert len(found["broken"]) <= kills * CLIENTS
    assert set(found["versions"]) == {"0", "1", "2"}
    return (
        f"{total:,} requests, {swapped} swaps, {len(killed)} kills: 0 wrong, 0 failed by swaps,"
        f" {len(found['broken'])} broken off by kills and answered when asked again; {seconds:.0f} s"
    )


def swap(served: Fleet, control: str, place: Place) -> None:
    """Exchange the model, and wait until all workers have it."""
    before = len(served.of("serving"))
    write_control(control, Control((place,)))
    wait_until(lambda: any(each["models"][0]["version"] == place.version for each in served.of("serving")[before:]), 60)


def kill(served: Fleet, chance: random.Random) -> float:
    """Kill one of the workers; give the moment."""
    workers = wait_until(lambda: len(found := served.workers()) == 2 and found, 60)
    moment = time.time()
    os.kill(chance.choice(workers), signal.SIGKILL)
    return moment


@pytest.mark.slow
def test_two_thousand_requests_during_swaps_and_kills(tmp_path: Path) -> None:
    assert "0 wrong" in story(tmp_path, 2000, 3, 2)


@pytest.mark.soak
def test_a_hundred_thousand_requests_during_swaps_and_kills(tmp_path: Path) -> None:
    record("requests during rollouts", story(tmp_path, 100_000, 20, 20), 0)
