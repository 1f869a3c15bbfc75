"""Child processes of a step report what they read to a file of this process."""

from __future__ import annotations

import os
import sys
from ast import literal_eval
from contextlib import suppress
from typing import Any

from solvent.config.private import make_folder
from solvent.runs import witness

_HOOK_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child")
_STARTERS = ("subprocess", "multiprocessing")


class ChildReports:
    """The report file of this process: `mark` before a step, `read` what children wrote since."""

    def __init__(self) -> None:
        self._path = ""
        self._owner = 0

    def mark(self, folder: str) -> int:
        """Make ready for children if this process is able to start some, and give the place from which to read."""
        if any(name in sys.modules for name in _STARTERS):
            self.prepare(folder)
        return os.path.getsize(self._path) if self._ready() else 0

    def prepare(self, folder: str) -> None:
        """Set up the report file and the environment that makes children use it."""
        if self._ready():
            return
        make_folder(folder)
        self._owner = os.getpid()
        self._path = os.path.join(folder, f"witness-{self._owner}")
        os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        os.environ[witness.REPORT_VARIABLE] = self._path
        paths = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each and each != _HOOK_FOLDER]
        os.environ["PYTHONPATH"] = os.pathsep.join([_HOOK_FOLDER, *paths])

    def read(self, since: int) -> list[tuple[str, str, Any]]:
        """Give (kind, path, seen) of each line that children wrote since a mark."""
        if not self._ready() or os.path.getsize(self._path) <= since:
            return []
        with open(self._path, encoding="utf-8") as file:
            file.seek(since)
            return [literal_eval(line) for line in file if line.endswith("\n")]

    def close(self) -> None:
        """Remove the report file and leave the environment as it was."""
        if not self._ready():
            return
        with suppress(OSError):
            os.unlink(self._path)
        os.environ.pop(witness.REPORT_VARIABLE, None)
        paths = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each != _HOOK_FOLDER]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        if not paths:
            del os.environ["PYTHONPATH"]
        self._path = ""

    def _ready(self) -> bool:
        return bool(self._path) and self._owner == os.getpid() and os.path.exists(self._path)


reports = ChildReports()
