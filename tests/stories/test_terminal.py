"""On a terminal a run shows a live tree, and its workers are still forked from the process that loaded the pipeline."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty")

PROGRAM = """
import os
from solvent import pipeline, step

HOME = os.getpid()


@step
def where() -> int:
    print("hello from a step")
    return HOME


@pipeline
def main() -> int:
    return where()
"""


def test_a_run_on_a_terminal_shows_its_steps(shop) -> None:
    shop.write("where.py", PROGRAM)
    ours, theirs = pty.openpty()
    environment = {name: text for name, text in shop.environment({"TERM": "xterm"}).items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "solvent", "run", "where.py"],
        cwd=shop.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.returncode == 0, shown
    assert "hello from a step" in shown.decode()
    assert "where" in shown.decode()
    assert "1 done" in shown.decode()
    assert out.rstrip().endswith(f": {process.pid}"), "the worker has the module as the runner loaded it"
