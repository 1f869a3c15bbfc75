"""A store that lost bytes: runs go on, readers get what they ask for, `verify --repair` puts back all at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.object_servers import seaweed

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from solvent import pipeline, step


def note(name):
    with open("executed.txt", "a") as file:
        file.write(name + " ")


@step
def first(n: int) -> bytes:
    note("first")
    return bytes([n]) * 20_000


@step
def second(data: bytes) -> bytes:
    note("second")
    return data + b"2"


@step
def third(data: bytes) -> bytes:
    note("third")
    return data + b"3"


@step{options}
def last(data: bytes, k: int) -> int:
    note("last")
    return len(data) + k


@pipeline
def main(k: int = 0) -> int:
    return last(third(second(first(7))), k)
"""


def write(shop, options: str = "") -> None:
    shop.write("chain.py", PROGRAM.replace("{options}", options))


def executed(shop) -> list[str]:
    path = shop.root / "executed.txt"
    names = path.read_text().split()
    path.unlink()
    return names


def large(shop) -> list[Path]:
    found = [path for path in (shop.root / ".solvent" / "objects").rglob("*") if path.stat().st_size >= 20_000]
    return sorted(found, key=lambda path: path.stat().st_size)


def flip(path: Path) -> None:
    path.chmod(0o644)
    data = path.read_bytes()
    path.write_bytes(data[:99] + bytes([data[99] ^ 1]) + data[100:])
    path.chmod(0o444)


@pytest.mark.parametrize(
    ("engine", "options"), [("inline", ""), ("processes", ""), ("inline", "(isolated=True)")], ids=str
)
def test_a_run_that_meets_damaged_inputs_makes_them_again_and_goes_on(shop, engine: str, options: str) -> None:
    write(shop, options)
    shop.run("chain.py", "--engine", engine)
    executed(shop)
    for path in large(shop):
        flip(path)
    again = shop.run("chain.py", "--engine", engine, "--set", "k=1")
    assert again.result == 20_003
    assert again.ran == ["last"]
    # The size of a damaged blob is right, so only its reader finds out; then its own inputs are looked at.
    assert executed(shop) == ["first", "second", "third", "last"]
    assert "making 1 artifact of run" in again.printed


def test_a_run_whose_input_can_not_be_made_again_says_why(shop) -> None:
    shop.write(
        "chain.py", PROGRAM.replace("{options}", "").replace("return bytes([n])", "import os; return os.urandom(1)")
    )
    shop.run("chain.py", "--engine", "inline")
    flip(large(shop)[0])
    flip(large(shop)[1])
    shop.write("chain.py", (shop.root / "chain.py").read_text().replace('data + b"3"', 'data + b"4"'))
    failed = shop.run("chain.py", "--engine", "inline", code=1)
    assert "`first` was made again, but differs; it is not reproducible" in failed.printed


def test_verify_repairs_a_whole_chain_at_once(shop) -> None:
    write(shop)
    shop.run("chain.py", "--engine", "inline")
    executed(shop)
    for path in large(shop):
        flip(path)
    found = shop.command("verify", "--json")
    assert found.returncode == 1, found.stderr
    problems = json.loads(found.stdout)["problems"]
    assert [each["kind"] for each in problems] == ["damaged"] * 3
    assert all(each["obstacle"] == "" for each in problems)
    mended = shop.command("verify", "--repair")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert "all is well: 3 mended" in mended.stdout
    assert executed(shop) == ["first", "second", "third"]
    assert json.loads(shop.command("verify", "--json").stdout)["problems"] == []


def test_what_was_lost_is_saved_by_who_asks_for_it(shop) -> None:
    write(shop)
    shop.run("chain.py", "--engine", "inline")
    for path in large(shop):
        path.unlink()
    saved = shop.command("artifacts", "latest/second", "--save", "second.bin")
    assert saved.returncode == 0, saved.stderr
    assert "making 1 artifact of run" in saved.stderr
    assert (shop.root / "second.bin").read_bytes() == bytes([7]) * 20_000 + b"2"
    read = "import solvent; print(len(solvent.runs()[0]['third'].output), solvent.runs()[0]['first'].output == b'\\x07' * 20_000)"
    done = subprocess.run(
        [sys.executable, "-c", read], cwd=shop.root, env=shop.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "20002 True\n"


def test_remake_says_whether_a_run_gives_the_same_again(shop) -> None:
    write(shop)
    shop.run("chain.py", "--engine", "processes")
    assert "4 of 4 made again with the recorded digest" in shop.command("remake", "latest").stdout
    shop.write(
        "chain.py", PROGRAM.replace("{options}", "").replace("return data + b", "import os; return os.urandom(9) + b")
    )
    shop.run("chain.py", "--engine", "inline")
    again = shop.command("remake", "latest/second")
    assert again.returncode == 1
    assert "`second` was made again, but differs; it is not reproducible" in " ".join(again.stdout.split())


def test_a_store_on_postgresql_is_verified_and_repaired(shop, postgres_url: str) -> None:
    plain = shop.environment
    shop.environment = lambda more=None: {**plain(more), "SOLVENT_METADATA": postgres_url}
    write(shop)
    shop.run("chain.py", "--engine", "inline")
    for path in large(shop):
        flip(path)
    found = shop.command("verify", "--json")
    assert len(json.loads(found.stdout)["problems"]) == 3, found.stderr
    mended = shop.command("verify", "--repair")
    assert "all is well: 3 mended" in mended.stdout, mended.stderr


def test_an_object_store_is_read_past_the_cache(shop) -> None:
    server = seaweed()
    folder = f"repairs/{os.getpid()}"
    plain = shop.environment
    settings = {**server.environment, "SOLVENT_ARTIFACTS": server.url(folder)}
    shop.environment = lambda more=None: {**plain(more), **settings}
    write(shop)
    shop.run("chain.py", "--engine", "inline")
    driver = server.driver()
    objects = [path for path in driver.find(server.url(f"{folder}/objects")) if driver.size(path) >= 20_000]
    assert len(objects) == 3
    cut, flipped, gone = sorted(objects)
    driver.pipe(cut, driver.cat(cut)[:-5])
    driver.pipe(flipped, b"!" + driver.cat(flipped)[1:])
    driver.rm(gone)
    found = json.loads(shop.command("verify", "--json").stdout)
    assert sorted(each["kind"] for each in found["problems"]) == ["damaged", "damaged", "missing"]
    assert "all is well: 3 mended" in shop.command("verify", "--repair").stdout
    assert json.loads(shop.command("verify", "--json").stdout)["problems"] == []
    assert all(driver.exists(path) for path in objects)
