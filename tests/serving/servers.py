"""Endpoints for the tests: a bundle of the cancer pipeline, made once, and its server as a real process."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import wait_until

STORIES = Path(__file__).parents[1] / "stories"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: Any


class Server(NamedTuple):
    """A server at work; `url` has no path."""

    url: str
    process: subprocess.Popen[bytes]

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask(urllib.request.Request(self.url + path, data, {"content-type": "application/json", **headers}))

    def get(self, path: str) -> Answer:
        return self._ask(urllib.request.Request(self.url + path))

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=30) as answered:
                return _answer(answered.status, answered.headers, answered.read())
        except urllib.error.HTTPError as error:
            return _answer(error.code, error.headers, error.read())


def _answer(status: int, headers: Any, body: bytes) -> Answer:
    kind = headers.get("content-type", "")
    return Answer(status, headers, json.loads(body) if kind.startswith("application/json") else body)


def make_bundle(folder: Path, script: str = "cancer.py", name: str = "cancer") -> Path:
    """Run a pipeline of the stories in a project of its own and write the bundle of its endpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "solvent.toml").write_text("")
    shutil.copy(STORIES / script, folder / script)
    solvent(folder, "run", script, "--quiet", "--engine", "inline")
    solvent(folder, "bundle", name, "-o", "bundle")
    return folder / "bundle"


def solvent(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "solvent", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def serving(bundle: Path, *options: str) -> Iterator[Server]:
    """Start `python -m solvent.serving` on a free port and end it afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "solvent.serving", str(bundle), "--port", str(port), *options]
    process = subprocess.Popen(command, cwd=bundle.parent, env={**os.environ, "SOLVENT_HOME": "/nowhere"})
    try:
        wait_until(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, f"the server ended with exit code {process.returncode}"
        yield Server(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
