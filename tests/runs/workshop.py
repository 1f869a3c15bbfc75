"""A pipeline of many kinds of artifacts, its store, and the ways in which blobs get damaged."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from solvent.artifacts.store import LocalBlobs
from solvent.errors import BlobError
from solvent.model import Blob

PIPELINE = """
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from solvent import File, Folder, log, pipeline, rng, step


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


@step
def load(source: File) -> pd.DataFrame:
    table = pd.read_csv(source)
    table["name"] = ["name %d" % each for each in table["number"]]
    return table


@step
def split(table: pd.DataFrame, share: float) -> Parts:
    chosen = rng().random(len(table)) < share
    log.text("chosen", "\\n".join(map(str, chosen)))
    return Parts(table[~chosen], table[chosen])


@step
def matrix(table: pd.DataFrame) -> np.ndarray:
    return np.outer(table["number"].to_numpy()[:200], table["value"].to_numpy()[:200])


@step
def fit(train: pd.DataFrame) -> RandomForestClassifier:
    model = RandomForestClassifier(30, random_state=3, n_jobs=1)
    return model.fit(train[["number", "value"]], train["number"] % 3)


@step
def describe(test: pd.DataFrame) -> str:
    return "\\n".join(f"{row.name} has {row.value}" for row in test.itertuples())


@step
def pages(table: pd.DataFrame, count: int) -> Folder:
    for number in range(count):
        Path("site/deep").mkdir(parents=True, exist_ok=True)
        Path(f"site/deep/{number}.txt").write_text(f"page {number}\\n" + "a line\\n" * 20 * number)
    return Folder("site")


@step
def blocks(table: pd.DataFrame, count: int) -> list[np.ndarray]:
    return [np.arange(3000) * number for number in range(count)]


@pipeline
def main(source: File = File("numbers.csv"), count: int = 30) -> dict:
    table = load(source)
    parts = split(table, 0.25)
    made = [matrix(table), describe(parts.test), pages(table, count), blocks(table, count)]
    return {"model": fit(parts.train), "made": made}
"""


class Damage(NamedTuple):
    """What was done to a blob."""

    kind: str
    digest: str


def make_workshop(folder: Path, count: int = 30) -> None:
    """Make a project with one run, in a process of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "solvent.toml").write_text("project = 'workshop'")
    (folder / "workshop_of_tests.py").write_text(PIPELINE)
    rows = [f"{number},{number * 0.37:.3f}" for number in range(4000)]
    (folder / "numbers.csv").write_text("number,value\n" + "\n".join(rows))
    command = [sys.executable, "-m", "solvent", "run", "workshop_of_tests.py", "--engine", "inline", "--quiet"]
    subprocess.run([*command, "--set", f"count={count}"], cwd=folder, check=True, capture_output=True)
    shutil.rmtree(folder / "site")


def blob_path(digest: str) -> Path:
    return Path(".solvent/objects") / digest[:2] / digest[2:]


def all_digests() -> list[str]:
    return sorted(
        path.parent.name + path.name for path in Path(".solvent/objects").glob("??/*") if len(path.name) == 62
    )


def damage(digest: str, rng: random.Random, kind: str | None = None) -> Damage:
    """Flip one bit of a blob, cut it off, empty or remove it."""
    path = blob_path(digest)
    size = path.stat().st_size
    kind = kind or rng.choice(["flip", "flip", "flip", "cut", "empty", "remove"])
    os.chmod(path, 0o644)
    if kind == "flip":
        with open(path, "r+b") as file:
            place = rng.randrange(size)
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ (1 << rng.randrange(8))]))
    elif kind == "remove":
        path.unlink()
    else:
        os.truncate(path, rng.randrange(size) if kind == "cut" else 0)
    if path.exists():
        os.chmod(path, 0o444)
    return Damage(kind, digest)


def is_found_on_read(digest: str, scratch: Path) -> bool:
    """Whether a reader refuses a damaged blob; it is read in a copy of its store, since reading moves it aside."""
    copy = LocalBlobs(scratch)
    blob = Blob(digest, 1)
    if blob_path(digest).exists():
        os.makedirs(os.path.dirname(copy.path(blob)), exist_ok=True)
        shutil.copyfile(blob_path(digest), copy.path(blob))
    try:
        copy.read(blob)
    except BlobError:
        return True
    return False


def clear_leftovers() -> None:
    for path in Path(".solvent/objects").glob("??/*.damaged*"):
        path.unlink()
