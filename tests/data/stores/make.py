"""Make the fixture of one release: `python tests/data/stores/make.py` writes schema-N.tar.gz beside this file.

The store is a real one: the pipeline below is run by the `solvent` that this Python imports. What tells of the machine it
was made on is written over afterwards.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PLACE = Path(tempfile.gettempdir()) / "solvent-fixture" / "shop"

PIPELINE = '''
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from solvent import File, Folder, log, pipeline, step, value


class Model:
    """A plain class: only pickle can keep it."""

    def __init__(self, factor):
        self.factor = factor


@dataclass(frozen=True)
class Report:
    name: str
    values: tuple[float, ...]


class Parts(NamedTuple):
    train: list[float]
    test: list[float]


@step
def load(source: File) -> list[float]:
    print("read", Path(source).name)
    return [float(line) for line in Path(source).read_text().split()]


@step
def split(numbers: list[float], share: float) -> Parts:
    cut = int(len(numbers) * share)
    return Parts(numbers[:cut], numbers[cut:])


@step
def fit(train: list[float]) -> Model:
    log.metric("loss", 0.5, step=0)
    log.metric("loss", 0.25, step=1)
    log.text("summary", "a small model")
    return Model(sum(train))


@step(dataset="numbers")
def table(numbers: list[float]) -> "pandas.DataFrame":
    import pandas

    return pandas.DataFrame({"number": numbers, "name": [str(n) for n in numbers]})


@step
def long_text(numbers: list[float]) -> str:
    return "é" * 20_000


@step
def write(numbers: list[float]) -> Folder:
    folder = Path("made")
    (folder / "sub").mkdir(parents=True, exist_ok=True)
    (folder / "sub" / "numbers.txt").write_text(" ".join(map(str, numbers)))
    return Folder(folder)


@step(cache=False)
def report(model: Model, test: list[float]) -> Report:
    return Report("score", tuple(x * model.factor for x in test))


@step
def fails(report: Report) -> int:
    raise ValueError(f"no good: {report.name}")


@step
def dies(numbers: list[float]) -> int:
    os.kill(os.getpid(), signal.SIGKILL)


@pipeline
def main(source: File = File("numbers.txt"), share: float = 0.5) -> Report:
    numbers = load(source)
    parts = split(numbers, share)
    table(numbers), long_text(numbers), write(numbers)
    return report(fit(parts.train), parts.test)


@pipeline
def broken(source: File = File("numbers.txt"), share: float = 0.5) -> int:
    parts = split(load(source), share)
    return fails(report(fit(parts.train), parts.test))


@pipeline
def killed(source: File = File("numbers.txt")) -> int:
    numbers = load(source)
    value(numbers)
    return dies(numbers)
'''


def make(code: str) -> None:
    """Fill a store with runs of every kind: new, reused, changed, failed, killed; with tags and notes."""
    shutil.rmtree(PLACE.parent, ignore_errors=True)
    PLACE.mkdir(parents=True)
    (PLACE / "solvent.toml").write_text("")
    (PLACE / "numbers.txt").write_text("1\n2\n3\n4\n")
    (PLACE / "shop.py").write_text(PIPELINE)
    said = [
        ("run", "shop.py:main", "--engine", "inline", "--tag", "first", "--quiet"),
        ("run", "shop.py:main", "--workers", "1", "--quiet"),
        ("run", "shop.py:main", "--engine", "inline", "--set", "share=0.75", "--quiet"),
        ("note", "latest", "with a larger share"),
        ("note", "latest/fit", "the best so far"),
        ("tag", "latest/fit", "kept"),
        ("run", "shop.py:broken", "--engine", "inline", "--quiet"),
        ("run", "shop.py:killed", "--engine", "inline", "--quiet"),
    ]
    for words in said:
        env = {**os.environ, "PYTHONPATH": code, "SOLVENT_USER": "ann", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([sys.executable, "-m", "solvent", *words], cwd=PLACE, env=env, check=False)
        expected = {"shop.py:broken": 1, "shop.py:killed": -signal.SIGKILL}.get(words[1], 0)
        assert done.returncode == expected, (words, done.returncode)


def scrub() -> int:
    """Write over what tells of this machine, and give the number of the schema."""
    store = sqlite3.connect(PLACE / ".solvent" / "metadata.sqlite")
    store.execute("UPDATE runs SET host = 'laptop'")
    about = '{"distributions": {"solvent": "0.1.0"}, "platform": "linux-x86_64", "python": "3.11.0"}'
    store.execute("UPDATE environments SET record = ?, lock_text = 'solvent==0.1.0' || char(10)", (about,))
    store.commit()
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.execute("VACUUM")
    (number,) = store.execute("SELECT MAX(number) FROM migrations").fetchone()
    store.close()
    for leftover in ("tmp", "cache", "locks"):
        path = PLACE / ".solvent" / leftover
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return int(number)


def pack(number: int) -> Path:
    """Put project and store into one file, owned by nobody and of one time."""
    target = HERE / f"schema-{number}.tar.gz"

    def nameless(one: tarfile.TarInfo) -> tarfile.TarInfo | None:
        one.uid = one.gid = 0
        one.uname = one.gname = ""
        return None if "__pycache__" in one.name or one.name.endswith("/made") or "/made/" in one.name else one

    with tarfile.open(target, "w:gz", compresslevel=9) as archive:
        archive.add(PLACE, "shop", filter=nameless)
    return target


if __name__ == "__main__":
    import solvent

    make(str(Path(solvent.__file__).parents[1]))
    made = pack(scrub())
    print(f"{made.name}: {made.stat().st_size} bytes")
