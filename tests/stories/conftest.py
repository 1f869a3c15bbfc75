"""Whole projects on disk, run by the command as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


class Shop:
    """A project in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "solvent.toml").write_text("")

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def command(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run one `solvent` command in the project."""
        return subprocess.run(
            [sys.executable, "-m", "solvent", *words],
            cwd=self.root,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOLVENT_", "PYTHONDONT"))}
        return {**kept, "COLUMNS": "80", **(more or {})}

    def run(self, target: str, *words: str, env: dict[str, str] | None = None, code: int = 0) -> Record:
        """Run a pipeline and give what `--json` says of it."""
        done = self.command("run", target, "--json", *words, env=env)
        assert done.returncode == code, done.stderr + done.stdout
        return Record(json.loads(done.stdout.splitlines()[-1]), done.stderr)


class Record:
    """What a run said of itself."""

    def __init__(self, said: dict[str, Any], printed: str) -> None:
        self.said = said
        self.printed = printed
        self.id: str = said["id"]
        self.status: str = said["status"]
        self.result = said["result"]

    def names(self, status: str) -> list[str]:
        return [step["name"] for step in self.said["steps"] if step["status"] == status]

    @property
    def ran(self) -> list[str]:
        return self.names("done")

    def why(self, name: str) -> str:
        return str(next(step["why"] for step in self.said["steps"] if step["name"] == name))


@pytest.fixture(scope="session")
def traceable() -> None:
    """Skips where no process can be traced."""
    from tests.crash.tracing import why_not

    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def cuttable() -> None:
    """Skips where no disk can be mounted and its power cut."""
    from tests.crash.disks import why_not

    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shop(folder)
