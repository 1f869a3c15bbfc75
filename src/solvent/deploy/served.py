"""A bundle served by a real process of its own, for as long as it is looked at: started, asked, measured, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from solvent.engines.processtree import Adoption
from solvent.errors import BundleError

READY = "/v2/health/ready"
START_SECONDS = 120.0
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Usage(NamedTuple):
    """What the process and its children have used so far, and hold now; None where the system does not tell."""

    cpu_seconds: float | None
    memory_bytes: int | None
    processes: int


class Served:
    """`python -m solvent.serving` on a free port; use it as `with Served(folder) as server`.

    `cold_seconds` and `cold_cpu_seconds` are what it took until it was ready. BundleError with its last words if it ends.
    """

    def __init__(self, folder: str, options: tuple[str, ...] = ()) -> None:
        self.folder = os.path.abspath(folder)
        self.port = free_port()
        self.cold_seconds = 0.0
        self.cold_cpu_seconds: float | None = None
        self._options = options

    def __enter__(self) -> Served:
        self._place = tempfile.TemporaryDirectory(prefix="solvent-verify-")
        command = [sys.executable, "-P", "-m", "solvent.serving", self.folder, "--port", str(self.port), *self._options]
        self._log = open(os.path.join(self._place.name, "log"), "w+b")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            cwd=self._place.name,
            env=own_environment(),
            stdout=self._log,
            stderr=self._log,
            preexec_fn=_dying_with(os.getpid()),
        )
        try:
            self._wait(began + START_SECONDS)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.cold_seconds = time.perf_counter() - began
        self.cold_cpu_seconds = self.usage().cpu_seconds
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()
        self._place.cleanup()

    def _wait(self, deadline: float) -> None:
        while not self._is_ready():
            if self.process.poll() is not None:
                raise BundleError(
                    f"the endpoint does not start: {self.last_words() or f'exit code {self.process.returncode}'}",
                    where=self.folder,
                )
            if time.perf_counter() > deadline:
                raise BundleError(f"the endpoint was not ready after {START_SECONDS:.0f} s", where=self.folder)
            time.sleep(0.005)

    def _is_ready(self) -> bool:
        """Whether it answers that it is ready, or answers at all where it has no such address."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", READY)
            return connection.getresponse().status in (200, 404)
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def last_words(self) -> str:
        """Give what the server wrote last: the error that it told, or its last line."""
        lines = Path(self._log.name).read_text("utf-8", errors="replace").strip().splitlines()
        told = [each.removeprefix("solvent: ") for each in lines if each.startswith("solvent: ")]
        return (told or lines or [""])[-1][:300]

    def usage(self) -> Usage:
        """Look at the server and all processes that it started."""
        if not os.path.isdir("/proc/self"):
            return usage_by_ps(self.process.pid)
        pids = _tree(self.process.pid)
        cpu = [_cpu_seconds(pid) for pid in pids]
        known = [each for each in cpu if each is not None]
        return Usage(sum(known) if known else None, memory_bytes(pids), len(pids))


def _dying_with(parent: int) -> Callable[[], None] | None:
    """Give what ties a new process to its parent: nobody is there to stop the server of one that was killed."""
    if os.name == "nt":
        return None
    adoption = Adoption()
    return lambda: adoption.die_with(parent)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own_environment() -> dict[str, str]:
    """Give the environment of a process that has Solvent and what is installed, and nothing of the project's folder."""
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOLVENT_")}
    return {**kept, "PYTHONPATH": ours, "PYTHONDONTWRITEBYTECODE": "1"}


def memory_bytes(pids: list[int]) -> int | None:
    """Give what processes hold in memory: resident bytes of one, and of several their shares of what they have together."""
    if len(pids) == 1:
        return _field(pids[0], "Rss")
    shares = [_field(pid, "Pss") for pid in pids]
    known = [each for each in shares if each is not None]
    return sum(known) if known else None


def usage_by_ps(pid: int) -> Usage:
    """Ask `ps` for a process and those below it, where the system has no /proc; their memory is that of each, summed."""
    try:
        told = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,rss=,time="], capture_output=True, text=True, check=True
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        return Usage(None, None, 1)
    rows = {int(pid): (int(parent), int(rss), time) for pid, parent, rss, time in map(str.split, filter(None, told))}
    found = {pid} if pid in rows else set()
    while more := {each for each, (parent, _, _) in rows.items() if parent in found} - found:
        found |= more
    kilobytes = sum(rows[each][1] for each in found)
    return Usage(sum(_clock_seconds(rows[each][2]) for each in found), kilobytes * 1024, len(found))


def _clock_seconds(text: str) -> float:
    """Read 1-02:03:04 or 3:04.56."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + 86_400 * int(days or 0)


def _field(pid: int, name: str) -> int | None:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    line = next((each for each in text.splitlines() if each.startswith(f"{name}:")), "")
    return int(line.split()[1]) * 1024 if line else None


def _tree(pid: int) -> list[int]:
    """Give a process and those below it."""
    found, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        found.append(each)
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                waiting += map(int, Path(f"/proc/{each}/task/{task}/children").read_text().split())
        except OSError:
            continue
    return found


def _cpu_seconds(pid: int) -> float | None:
    """Give what a process has used: to the nanosecond where the kernel tells it, else in ticks of some 10 ms."""
    try:
        tasks = [f"/proc/{pid}/task/{each}/schedstat" for each in os.listdir(f"/proc/{pid}/task")]
        return sum(int(Path(each).read_text().split()[0]) for each in tasks) / 1e9
    except (OSError, ValueError, IndexError):
        pass
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS
