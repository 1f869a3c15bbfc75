"""Commands under the tracer: what they did to a store, call by call, and what a kill or an error at one call leaves."""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

TRACER = Path(__file__).with_name("tracer.py")


class Call(NamedTuple):
    """One system call that changes a store, or would have."""

    name: str
    paths: tuple[str, ...]
    process: int
    digests: tuple[str, ...] = ()


class Traced(NamedTuple):
    """How a command ended; `met` is the call that was struck, None if it made fewer calls."""

    status: int
    out: str
    err: str
    calls: tuple[Call, ...]
    met: Call | None
    late: bool


def traced(
    command: list[str], *, folder: Path, cwd: Path, environment: dict[str, str], at: int = 0, do: str = "kill",
    on: bool = False, names: tuple[str, ...] = (), every_open: bool = False,
) -> Traced:  # fmt: skip
    """Run a command; before its call `at` to files of `folder`, do what `do` says (see tracer.py)."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        words = ["--folder", str(folder), "--report", str(report), "--at", str(at), "--do", do]
        words += ["--on"] * on + ["--every-open"] * every_open + ["--names", ",".join(names)]
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(TRACER), *words, "--", *command],
            cwd=cwd, env=environment, capture_output=True, text=True, errors="replace", timeout=180, check=False,
        )  # fmt: skip
        if not report.exists():
            raise RuntimeError(f"the tracer failed: {done.stderr}")
        said: dict[str, Any] = json.loads(report.read_text())
    calls = tuple(map(_call, said["calls"]))
    met = _call(said["met"]) if said["met"] else None
    return Traced(said["status"], done.stdout, done.stderr, calls, met, said["late"])


def _call(said: dict[str, Any]) -> Call:
    return Call(said["name"], tuple(said["paths"]), said["process"], tuple(said.get("digests", ())))


@functools.cache
def why_not() -> str:
    """Tell why nothing can be traced here, or nothing."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"the tracer knows Linux on x86-64, not {sys.platform} on {platform.machine()}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            program = f"import os; os.mkdir({os.path.join(folder, 'made')!r})"
            found = traced(
                [sys.executable, "-c", program], folder=Path(folder), cwd=Path(folder), environment=dict(os.environ)
            )
        except RuntimeError as error:
            return f"this machine lets no process be traced: {error}"
    return "" if [call.name for call in found.calls] == ["mkdir"] else "this machine lets no process be traced"
