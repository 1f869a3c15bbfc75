"""Several serving processes on one socket: started, restarted when one dies, stopped together.

It imports no model and no numeric library: it costs a few megabytes, and no request passes through it.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from solvent.serving.settings import Settings, settings_from

Tell = Callable[[Mapping[str, Any]], None]

SHORT_LIFE_SECONDS = 5.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.25, 30.0
ATTEMPTS = 5
"""So many workers in a row may die before they are ready; if none is left that answers, the server gives up."""
KILL_SECONDS = 5.0
"""So long after their time to stop, workers that don't are killed."""


@dataclass(frozen=True)
class Order:
    """What a worker is to do: follow a control file, within limits, for those who have one of the keys of a file.

    Several workers leave what they count in a folder.
    """

    control: str
    settings: Settings
    keys_file: str | None = None
    counts_folder: str = ""

    def to_bytes(self) -> bytes:
        """Write it as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def order_from(line: bytes) -> Order:
    """Read what `to_bytes` wrote."""
    tree = json.loads(line)
    return Order(**{**tree, "settings": settings_from(tree["settings"])})


@dataclass(eq=False)
class _Worker:
    """One process: `ready_at` is when it could answer, None before."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    started_at: float
    ready_at: float | None = None
    heard: bytearray = field(default_factory=bytearray)


class Supervisor:
    """Keeps `count` workers alive, each of which follows `order`. Run it in the main thread.

    `tell` is given what the workers tell, each with its `pid`, and `died`, `gave up` and `stopped` events; `prepare` is
    called before a worker starts.
    """

    def __init__(
        self,
        listening: socket.socket,
        order: Order,
        count: int,
        tell: Tell,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._listening = listening
        self._order = order
        self._count = count
        self._tell = tell
        self._prepare = prepare
        self._stop_seconds = order.settings.stop_seconds
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._wait_seconds = 0.0
        self._start_at = 0.0
        self._failures = 0
        self._was_ready = False
        self._stopping = 0
        self._signals, self._wakeup = os.pipe()
        self._code = 0

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT, or until no worker can be started; give the exit code."""
        before = self._listen_to_signals()
        try:
            while not self._stopping and self._fill():
                self._hear(self._patience())
                self._bury()
            self._stop()
        finally:
            for worker in self._workers:
                worker.process.kill()
            self._restore(before)
        return self._code

    @property
    def pids(self) -> list[int]:
        return [worker.process.pid for worker in self._workers]

    def _fill(self) -> bool:
        """Start the workers that are missing, when their time has come; False to give up."""
        if self._failures and not self._was_ready:
            return False
        if self._failures >= ATTEMPTS and not any(worker.ready_at for worker in self._workers):
            self._tell({"event": "gave up", "after": self._failures})
            self._code = self._code or 1
            return False
        # The first one shows whether the model can be served at all: the reason is told once.
        wanted = self._count if self._was_ready else 1
        while len(self._workers) < wanted and time.monotonic() >= self._start_at:
            self._start()
        return True

    def _start(self) -> None:
        self._prepare()
        mine, theirs = socket.socketpair()
        handed = (self._listening.fileno(), theirs.fileno())
        command = [sys.executable, "-P", "-m", "solvent.serving.process", *map(str, handed)]
        # A group of its own: Ctrl-C is for this process, which stops the workers one way only.
        process = subprocess.Popen(command, pass_fds=handed, stdin=subprocess.DEVNULL, process_group=0)
        theirs.close()
        mine.sendall(self._order.to_bytes())
        mine.setblocking(False)
        worker = _Worker(process, mine, time.monotonic())
        self._workers.append(worker)
        self._selector.register(mine, selectors.EVENT_READ, worker)

    def _patience(self) -> float | None:
        if len(self._workers) >= self._count or not self._was_ready:
            return None
        return max(0.0, self._start_at - time.monotonic())

    def _hear(self, seconds: float | None) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._obey()
            else:
                self._hear_one(key.data)

    def _obey(self) -> None:
        for number in os.read(self._signals, 512):
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stopping += 1

    def _hear_one(self, worker: _Worker) -> None:
        try:
            data = worker.channel.recv(1 << 16)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(worker.channel)
            return
        worker.heard += data
        while b"\n" in worker.heard:
            line, _, worker.heard = worker.heard.partition(b"\n")
            event = json.loads(line)
            if event["event"] == "ready":
                worker.ready_at = time.monotonic()
                self._was_ready, self._failures = True, 0
            self._tell({**event, "pid": worker.process.pid})

    def _bury(self) -> None:
        """Take leave of workers that have died, and say when the next may start."""
        for worker in [each for each in self._workers if each.process.poll() is not None]:
            self._forget(worker)
            now = time.monotonic()
            lived = worker.ready_at is not None and now - worker.ready_at >= SHORT_LIFE_SECONDS
            self._wait_seconds = (
                0.0 if lived else min(LONGEST_WAIT_SECONDS, self._wait_seconds * 2 or FIRST_WAIT_SECONDS)
            )
            self._start_at = now + (self._wait_seconds if worker.ready_at is None else 0.0)
            if worker.ready_at is None:
                self._failures += 1
                self._code = max(worker.process.returncode, 0) or 1
            self._tell({"event": "died", "pid": worker.process.pid, "code": worker.process.returncode})

    def _forget(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        if worker.channel in self._selector.get_map():
            # What it said last may still be on its way.
            self._hear_one(worker)
        if worker.channel in self._selector.get_map():
            self._selector.unregister(worker.channel)
        worker.channel.close()

    def _stop(self) -> None:
        """Let the workers finish what they have begun; a second signal, or too long a time, ends them."""
        if self._stopping:
            self._code = 0
        self._listening.close()
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + self._stop_seconds + KILL_SECONDS
        while self._workers and self._stopping < 2 and time.monotonic() < deadline:
            self._hear(0.05)
            for worker in [each for each in self._workers if each.process.poll() is not None]:
                self._forget(worker)
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
        if self._stopping:
            self._tell({"event": "stopped"})

    def _listen_to_signals(self) -> dict[int, Any]:
        for each in (self._signals, self._wakeup):
            os.set_blocking(each, False)
        self._selector.register(self._signals, selectors.EVENT_READ, None)
        watched = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
        before: dict[int, Any] = {each: signal.signal(each, lambda number, frame: None) for each in watched}
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        return before

    def _restore(self, before: Mapping[int, Any]) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        self._selector.close()
        os.close(self._signals)
        os.close(self._wakeup)
