"""A store that is moved, removed or exchanged while a run writes to it: the run ends in words and reports nothing as done."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.stores import check_store, committed, run_status

WAITING = """
import os
import time

from solvent import pipeline, step


@step
def first(n: int) -> bytes:
    return bytes([n]) * 40_000


@step
def waits(data: bytes) -> bytes:
    open("waiting", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return data[::2]


@step
def last(data: bytes) -> int:
    return len(data)


@pipeline
def p() -> int:
    return last(waits(first(7)))
"""


def move(home: Path) -> None:
    home.rename(home.with_name("moved"))


def exchange(home: Path) -> None:
    move(home)
    home.mkdir()


def remove(home: Path) -> None:
    shutil.rmtree(home)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no folder with open files")
@pytest.mark.parametrize("change", [move, exchange, remove])
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_run_whose_store_goes_away_says_so(shop, engine: str, change: Callable[[Path], None]) -> None:
    shop.write("p.py", WAITING)
    home = shop.root / ".solvent"
    words = [sys.executable, "-m", "solvent", "run", "p.py", "--engine", engine, "--json"]
    running = subprocess.Popen(
        words, cwd=shop.root, env=shop.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not (shop.root / "waiting").exists() or "first 0" not in committed(home):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    change(home)
    (shop.root / "go").touch()
    out, said = running.communicate(timeout=60)
    assert running.returncode in (1, 2), said
    assert '"status": "done"' not in out
    assert "moved or removed" in said or "missing" in said or "not in the store" in said or "No such file" in said, said
    assert "Traceback" not in said
    if change is not remove:
        moved = home.with_name("moved")
        check_store(moved)
        assert run_status(moved, "latest") == "running"
        shop_env = {"SOLVENT_HOME": str(moved)}
        again = shop.run("p.py", "--engine", engine, env=shop_env)
        assert again.result == 20_000
        assert "first" not in again.ran, "what was committed before is in the moved store"
        check_store(moved)
    assert shop.run("p.py", "--engine", engine).result == 20_000
    check_store(home)
