"""Servers of several processes for the tests: what they tell is read as it comes."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import wait_until


class Fleet:
    """A server at work; `events` are what it told, `url` where it is."""

    def __init__(self, *words: str, module: str = "solvent.serving", cwd: Path | None = None) -> None:
        command = [sys.executable, "-m", module, *words, "--json"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env={**os.environ}
        )
        self.events: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._read_events, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def wait_for(self, kind: str, seconds: float = 30, **facts: Any) -> dict[str, Any]:
        """Wait for an event that has these facts."""

        def found() -> Any:
            hit = next((each for each in self.of(kind) if facts.items() <= each.items()), None)
            assert hit or self.process.poll() is None, f"ended with {self.process.returncode}: {self.errors}"
            return hit

        event: dict[str, Any] = wait_until(found, seconds)
        return event

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in list(self.events) if each["event"] == kind]

    @property
    def port(self) -> int:
        return int(self.wait_for("ready")["url"].rpartition(":")[2])

    def connect(self, timeout: float = 20) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, a: float = 1.0, b: float = 2.0, **headers: str) -> dict[str, Any]:
        connection = self.connect()
        try:
            return post(connection, {"columns": {"a": [a], "b": [b]}}, headers)[1]
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """Give the processes below the server."""
        return children(self.process.pid)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        for thread in self._threads:
            thread.join(10)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.stop()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _read_events(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors += iter(self.process.stderr)


@contextmanager
def fleet(*words: str, **where: Any) -> Iterator[Fleet]:
    found = Fleet(*words, **where)
    try:
        yield found
    finally:
        found.close()


def post(
    connection: http.client.HTTPConnection, body: Any, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Ask on a connection; give the status and the answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", "/predict", data, {"content-type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def children(pid: int) -> list[int]:
    """Give the processes that a process has started and that still are."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
