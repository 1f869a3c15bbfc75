"""Stored bytes that are gone or damaged are never reused: whoever needs them makes them again."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from solvent.config.project import Project
from solvent.runs.stores import Stores
from solvent.runs.views import Run

PROGRAM = """
from solvent import File, pipeline, step


@step
def make(n: int) -> bytes:
    return bytes([n]) * 20_000


@step
def join(parts: list[bytes]) -> bytes:
    return b"".join(parts)


@step
def size(data: bytes) -> int:
    return len(data)


@pipeline
def main() -> int:
    return size(join([make(n) for n in range(3)]))


@step
def write(text: str) -> File:
    with open("out.txt", "w") as file:
        file.write(text)
    return File("out.txt")


@step
def overwrite(before: File) -> File:
    with open("out.txt", "w") as file:
        file.write("spoiled")
    return File("out.txt")


@step
def read(file: File, after: File) -> str:
    return file.read_text()


@pipeline
def files() -> str:
    written = write("good")
    return read(written, overwrite(written))
"""


def objects(shop) -> list[Path]:
    return sorted(path for path in (shop.root / ".solvent" / "objects").rglob("*") if path.stat().st_size >= 20_000)


def harm(path: Path, how: str) -> None:
    path.chmod(0o644)
    data = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(data[: random.Random(1).randrange(len(data))])
    else:
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


@pytest.mark.parametrize("engine", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", ["deleted", "truncated"])
def test_bytes_that_are_gone_are_computed_again(shop, how: str, engine: str) -> None:
    shop.write("bytes_.py", PROGRAM)
    shop.run("bytes_.py:main", "--engine", engine)
    for path in objects(shop):
        name = path.name
        harm(path, how)
        again = shop.run("bytes_.py:main", "--engine", engine)
        assert again.status == "done"
        assert len(again.ran) == 1
        (why,) = [step["why"] for step in again.said["steps"] if step["status"] == "done"]
        assert "missing, damaged or dropped" in why
        assert again.result == 60_000
        assert name in [each.name for each in objects(shop)]


KINDS = """
import os
from typing import NamedTuple
import numpy as np
import pandas as pd
from solvent import Folder, pipeline, step


class Parts(NamedTuple):
    table: pd.DataFrame
    array: np.ndarray


@step
def split() -> Parts:
    return Parts(pd.DataFrame({"a": np.random.default_rng(0).random(20_000)}), np.arange(20_000.0))


@step
def nested() -> dict:
    return {"x": [np.arange(9_000.0), pd.DataFrame({"s": np.arange(30_000)})], "t": "t" * 40_000}


@step
def folder() -> Folder:
    os.makedirs("out", exist_ok=True)
    for name in "abc":
        with open(f"out/{name}.txt", "w") as file:
            file.write(name * 30_000)
    return Folder("out")


@step
def pickled() -> object:
    return np.ma.masked_array(np.arange(20_000), mask=False)


@step
def use(k: int, table, array, nested, folder, pickled) -> float:
    return k + len(table) + len(array) + len(nested["x"]) + len(list(folder.iterdir())) + len(pickled)


@pipeline
def main(k: int = 0) -> float:
    parts = split()
    return use(k, parts.table, parts.array, nested(), folder(), pickled())
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "processes"])
@pytest.mark.parametrize("how", ["deleted", "truncated"])
def test_every_kind_of_value_is_computed_again(shop, how: str, engine: str) -> None:
    shop.write("kinds.py", KINDS)
    first = shop.run("kinds.py", "--engine", engine)
    for path in objects(shop):
        harm(path, how)
    again = shop.run("kinds.py", "--engine", engine)
    assert sorted(again.ran) == ["folder", "nested", "pickled", "split"]
    assert again.result == first.result
    assert shop.run("kinds.py", "--engine", engine, "--set", "k=1").ran == ["use"]


@pytest.mark.parametrize(
    ("engine", "every"),
    [
        ("inline", 9),
        *(pytest.param(each, 1, marks=pytest.mark.slow) for each in ("inline", "processes")),
    ],
)
def test_flipped_bits_are_found_when_they_are_read_and_made_again_by_the_same_run(
    shop, engine: str, every: int
) -> None:
    shop.write("kinds.py", KINDS)
    shop.run("kinds.py", "--engine", engine)
    for number, path in enumerate(objects(shop)[::every], 1):
        before = path.read_bytes()
        harm(path, "flipped")
        shutil.rmtree(shop.root / ".solvent" / "files")  # checked copies of files are as good as the blobs
        again = shop.run("kinds.py", "--engine", engine, "--set", f"k={number}")
        assert again.ran == ["use"]
        assert "making 1 artifact of run" in again.printed
        assert path.read_bytes() == before


@pytest.mark.slow
def test_flipped_bits_that_can_not_be_made_again_end_the_step_that_needs_them(shop) -> None:
    shop.write("kinds.py", KINDS.replace("np.arange(20_000.0)", "np.random.default_rng().random(20_000)"))
    shop.run("kinds.py")
    with Stores(Project.find(shop.root), create=False) as stores:
        run = Run(stores.metadata.find_run("latest"), stores)
        (blob,) = run["split"][0].artifacts["array"]._ref.all_blobs()
        harm(Path(stores.blobs.path(blob)), "flipped")
    failed = shop.run("kinds.py", "--set", "k=1", code=1)
    assert failed.names("failed") == ["use"]
    assert "step `use` failed: BlobError: its input `array` can't be read" in failed.printed
    assert "not reproducible" in failed.printed
    assert "Traceback" not in failed.printed


def test_a_value_that_the_body_asks_for_is_checked_too(shop) -> None:
    program = PROGRAM.replace("return size(", "return len(value(").replace("range(3)])", "range(3)]))")
    shop.write(
        "bytes_.py", program.replace("import File", "import File, value").replace("bytes([n])", "bytes([n + 9])")
    )
    shop.run("bytes_.py:main")
    for path in objects(shop):
        if path.stat().st_size == 60_000:
            harm(path, "flipped")
    again = shop.run("bytes_.py:main")
    assert (again.ran, again.result) == ([], 60_000)
    assert "making 1 artifact of run" in again.printed


def test_reading_back_what_is_gone_and_can_not_be_made_again_says_so(shop) -> None:
    shop.write("bytes_.py", PROGRAM.replace("@step\ndef join", "@step(cache=False)\ndef join"))
    shop.run("bytes_.py:main")
    for path in objects(shop):
        harm(path, "deleted")
    assert shop.command("show").returncode == 0
    read = "import solvent; print(solvent.runs()[0]['join'].output)"
    done = subprocess.run(
        [sys.executable, "-c", read], cwd=shop.root, env=shop.environment(), capture_output=True, text=True, check=False
    )
    assert "BlobError" in done.stderr
    assert "are not in the store" in done.stderr
    assert "cache=False" in done.stderr


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_file_is_handed_on_as_it_was_returned(shop, engine: str) -> None:
    shop.write("bytes_.py", PROGRAM)
    assert shop.run("bytes_.py:files", "--engine", engine).result == "good"


def test_settings_of_a_step_come_from_the_project_and_the_command(shop) -> None:
    shop.write(
        "slow_.py",
        "import time\nfrom solvent import pipeline, step\n@step\ndef nap() -> int:\n    time.sleep(60)\n    return 1\n@pipeline\ndef p() -> int:\n    return nap()\n",
    )
    shop.write("solvent.toml", '[steps."*"]\ntimeout_seconds = 0.3\n')
    assert "timeout_seconds=0.3" in shop.run("slow_.py", code=1).printed
    assert (
        "timeout_seconds=0.2"
        in shop.run("slow_.py", "--step", "nap.timeout_seconds=0.2", "--engine", "inline", code=1).printed
    )
    assert "'cpus'" in shop.command("run", "slow_.py", "--step", "nap.cpu=1").stderr
