"""A clock that jumps: runs recorded in the future, or backwards, mislead neither `latest` nor resuming nor the cache."""

from __future__ import annotations

import json

import pytest

DAY = 86_400

PROGRAM = """
import os
import time

from solvent import pipeline, step

real = time.time
time.time = lambda: real() + float(os.environ.get("SHIFT", "0"))


def note(name):
    descriptor = os.open("executed.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{name}\\n".encode())
    os.close(descriptor)


@step(cache=False)
def ask() -> int:
    note("ask")
    return 1


@step
def jump(n: int) -> int:
    note("jump")
    time.time = lambda: real() - 7200
    return n + 1


@step
def end(n: int) -> bytes:
    note("end")
    if os.path.exists("die"):
        time.sleep(0.2)
        os._exit(9)
    return bytes([n]) * 20_000


@pipeline
def p() -> bytes:
    return end(jump(ask()))
"""


def executed(shop) -> list[str]:
    path = shop.root / "executed.txt"
    found = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def interrupted(shop, shift: int) -> None:
    (shop.root / "die").touch()
    assert shop.command("run", "p.py", "--engine", "inline", env={"SHIFT": str(shift)}).returncode == 9
    (shop.root / "die").unlink()
    executed(shop)


@pytest.mark.slow
def test_a_run_recorded_in_the_future_does_not_stand_for_the_latest(shop) -> None:
    shop.write("p.py", PROGRAM)
    ahead = shop.run("p.py", "--engine", "inline", env={"SHIFT": str(DAY)})
    assert json.loads(shop.command("show", "latest", "--json").stdout)["id"] == ahead.id
    now = shop.run("p.py", "--engine", "inline")
    assert sorted(now.names("reused")) == ["end", "jump"], "the cache asks no clock"
    assert json.loads(shop.command("show", "latest", "--json").stdout)["id"] == now.id
    assert json.loads(shop.command("show", "latest~1", "--json").stdout)["id"] == ahead.id


@pytest.mark.slow
def test_what_was_interrupted_in_the_future_is_asked_again(shop) -> None:
    shop.write("p.py", PROGRAM)
    interrupted(shop, DAY)
    for _ in range(2):
        shop.run("p.py", "--engine", "inline")
        assert "ask" in executed(shop), "an uncached step is not taken from a run whose time has not come"


@pytest.mark.slow
def test_what_is_interrupted_after_a_run_of_the_future_is_gone_on_from(shop) -> None:
    shop.write("p.py", PROGRAM)
    shop.run("p.py", "--engine", "inline", "--no-cache", env={"SHIFT": str(DAY)})
    (shop.root / "die").touch()
    assert shop.command("run", "p.py", "--engine", "inline", "--no-cache").returncode == 9
    (shop.root / "die").unlink()
    executed(shop)
    shop.run("p.py", "--engine", "inline")
    assert "ask" not in executed(shop)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_clock_that_jumps_back_in_mid_run_harms_nothing(shop, engine: str) -> None:
    shop.write("p.py", PROGRAM)
    first = shop.run("p.py", "--engine", engine)
    assert "-" not in shop.command("show", first.id).stdout.split("steps")[0].partition("took")[2].split("\n")[0]
    again = shop.run("p.py", "--engine", engine)
    assert sorted(again.names("reused")) == ["end", "jump"]
    assert json.loads(shop.command("show", "latest", "--json").stdout)["id"] == again.id
