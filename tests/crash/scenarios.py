"""What is interrupted: a command at work on a store, and what must hold of the store afterwards."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from solvent.metadata.migrations import SCHEMA
from tests.crash.stores import NOTE, all_names, check_store, committed, executed, outputs, run_status
from tests.crash.tracing import Traced, traced
from tests.data.stores.unpacking import unpack

FIVE_STEPS = (
    NOTE
    + """

from PIL import Image

from solvent import Folder, log, pipeline, step, value
from solvent.errors import StepFailed


@step
def number(n: int) -> int:
    note("number 0")
    return n


@step
def blob(n: int) -> bytes:
    note("blob 0")
    return bytes([n]) * 40_000


@step
def folder(data: bytes) -> Folder:
    note("folder 0")
    os.makedirs("made", exist_ok=True)
    for name in "ab":
        with open(f"made/{name}.txt", "wb") as file:
            file.write(name.encode() * len(data))
    return Folder("made")


@step
def picture(data: bytes) -> int:
    note("picture 0")
    print("a square")
    log.metric("area", 64 * 64)
    log.figure("square", Image.new("L", (64, 64), data[0]))
    return len(data)


@step
def broken(n: int) -> int:
    raise ValueError("not today")


@pipeline
def five(n: int = 7) -> tuple[list[int], Folder]:
    data = blob(number(n))
    files, size = folder(data), picture(data)
    try:
        value(broken(size))
    except StepFailed:
        pass
    return [number(n), size], files
"""
)


class Scenario(NamedTuple):
    """A command line of `solvent`; `prepare` makes its project in an empty folder, once.

    `check` is called after each interruption with the project and what became of the command, and completes what
    was begun; it raises AssertionError if anything was lost.
    """

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Path], None]
    check: Callable[[Path, Traced], None]

    def trace(self, root: Path, *, at: int = 0, do: str = "kill", on: bool = False, every_open: bool = False) -> Traced:
        command = [sys.executable, "-m", "solvent", *self.words]
        return traced(
            command, folder=root / ".solvent", cwd=root, environment=environment(),
            at=at, do=do, on=on, every_open=every_open,
        )  # fmt: skip


def environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("SOLVENT_", "PYTHONDONT"))}
    return {**kept, "COLUMNS": "80", "OPENBLAS_NUM_THREADS": "1"}


def solvent(root: Path, *words: str, code: int = 0) -> str:
    """Run a command to its end and give what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "solvent", *words],
        cwd=root, env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def anew(template: Path, root: Path) -> None:
    """Put a project back to how it was prepared."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root, symlinks=True)


def run_of_five_steps(engine: str) -> Scenario:
    """Give the scenario of a first run: inline values, blobs, a folder, a figure, a step that fails."""
    words = ("run", "five.py", "--json", "--quiet", "--engine", engine, "--workers", "2")
    expected: dict[str, object] = {}

    def prepare(root: Path) -> None:
        root.mkdir()
        (root / "solvent.toml").write_text('project = "five"\n')
        (root / "five.py").write_text(FIVE_STEPS)
        said = json.loads(solvent(root, *words).splitlines()[-1])
        expected.update(result=said["result"], outputs=outputs(root / ".solvent", said["id"]))
        shutil.rmtree(root / ".solvent")
        (root / "executed.txt").unlink()

    def check(root: Path, found: Traced) -> None:
        home = root / ".solvent"
        if found.out:
            said = json.loads(found.out.splitlines()[-1])
            assert run_status(home, said["id"]) == said["status"], "what was reported is not in the store"
        check_store(home)
        kept = committed(home)
        again = json.loads(solvent(root, *words).splitlines()[-1])
        assert again["status"] == "done"
        assert again["result"] == expected["result"]
        assert outputs(home, again["id"]) == expected["outputs"]
        twice = {name for name, count in executed(root).items() if count > 1}
        assert not twice & kept, f"committed, and executed again: {twice & kept}"
        check_store(home)

    return Scenario(f"a run of five steps, {engine}", words, prepare, check)


def clean_up() -> Scenario:
    """Give the scenario of two runs that go and one that stays, and shares bytes with them."""
    words = ("clean", "--tag", "old", "--yes", "--grace", "0s", "--json")
    run = ("run", "five.py", "--json", "--quiet", "--engine", "inline")
    expected: dict[str, object] = {}

    def kept(home: Path) -> object:
        """What must be there whatever happens: the run that stays, with all that it gave."""
        return outputs(home, str(expected["id"]))

    def prepare(root: Path) -> None:
        root.mkdir()
        (root / "solvent.toml").write_text('project = "five"\n')
        (root / "five.py").write_text(FIVE_STEPS)
        for n in (8, 9, 7):
            said = json.loads(solvent(root, *run, "--set", f"n={n}").splitlines()[-1])
            if n != 7:
                solvent(root, "tag", said["id"], "old")
        expected.update(id=said["id"], result=said["result"])
        expected.update(kept=kept(root / ".solvent"))
        anew(root, root.with_name("cleaned"))
        solvent(root.with_name("cleaned"), *words)
        expected.update(blobs=sorted(all_names(root.with_name("cleaned") / ".solvent")))
        assert len(all_names(root / ".solvent")) > len(expected["blobs"])  # type: ignore[arg-type]

    def check(root: Path, found: Traced) -> None:
        home = root / ".solvent"
        check_store(home)
        assert kept(home) == expected["kept"]
        solvent(root, *words)
        check_store(home)
        assert kept(home) == expected["kept"]
        assert sorted(all_names(home)) == expected["blobs"], "a second clean-up does not complete the first"
        (root / "executed.txt").unlink()
        again = json.loads(solvent(root, *run).splitlines()[-1])
        assert again["result"] == expected["result"]
        assert not executed(root), "the run that stays is not reused"

    return Scenario("a clean-up", words, prepare, check)


def migration(archive: Path) -> Scenario:
    """Give the scenario of a store of an older release that is opened for the first time by this one."""
    words = ("runs", "--json")
    expected: list[str] = []

    def prepare(root: Path) -> None:
        unpack(archive, root.with_name("unpacked")).rename(root)
        expected.append(json.loads(solvent_in_copy(root, *words)))

    def check(root: Path, found: Traced) -> None:
        home = root / ".solvent"
        schema = schema_of(home / "metadata.sqlite")
        copies = list(home.glob("metadata.sqlite.before-*"))
        for copy in copies:
            assert schema_of(copy) < SCHEMA, "a copy that is none"
        assert copies or schema < SCHEMA, "brought to the new schema without a copy"
        check_store(home)
        assert json.loads(solvent(root, *words)) == expected[0]
        assert schema_of(home / "metadata.sqlite") == SCHEMA
        check_store(home)
        assert not list(home.glob("metadata.sqlite.copying-*"))

    return Scenario(f"a migration from {archive.name.partition('.')[0]}", words, prepare, check)


def copy_of_a_store() -> Scenario:
    """Give the scenario of a new store that gets a copy of all that is in another one."""
    words = ("copy", "--from", "source", "--all", "--json")
    run = ("run", "five.py", "--json", "--quiet", "--engine", "inline")
    expected: dict[str, object] = {}

    def prepare(root: Path) -> None:
        root.mkdir()
        (root / "solvent.toml").write_text('project = "five"\n')
        (root / "five.py").write_text(FIVE_STEPS)
        said = json.loads(solvent(root, *run).splitlines()[-1])
        expected.update(id=said["id"], result=said["result"], outputs=outputs(root / ".solvent", said["id"]))
        (root / ".solvent").rename(root / "source")
        (root / "executed.txt").unlink()

    def check(root: Path, found: Traced) -> None:
        home = root / ".solvent"
        check_store(home)
        solvent(root, *words)
        check_store(home)
        assert outputs(home, str(expected["id"])) == expected["outputs"]
        again = json.loads(solvent(root, *run).splitlines()[-1])
        assert again["result"] == expected["result"]
        assert not executed(root), "what was copied is not reused"

    return Scenario("a copy of a store", words, prepare, check)


def repair() -> Scenario:
    """Give the scenario of two artifacts whose bytes are gone and are made again."""
    words = ("verify", "--repair")
    run = ("run", "five.py", "--json", "--quiet", "--engine", "inline")

    def prepare(root: Path) -> None:
        root.mkdir()
        (root / "solvent.toml").write_text('project = "five"\n')
        (root / "five.py").write_text(FIVE_STEPS)
        solvent(root, *run)
        for path in (root / ".solvent" / "objects").glob("??/*"):
            if path.stat().st_size == 40_000:
                path.unlink()

    def check(root: Path, found: Traced) -> None:
        solvent(root, *words)
        check_store(root / ".solvent")

    return Scenario("a repair", words, prepare, check)


def solvent_in_copy(root: Path, *words: str) -> str:
    """Run a command in a copy of a project, for what it prints."""
    copy = root.with_name("once")
    anew(root, copy)
    return solvent(copy, *words)


def schema_of(path: Path) -> int:
    """Read the number of a store's schema, and check that the file is whole; nothing is changed in it."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        found: int = database.execute("SELECT MAX(number) FROM migrations").fetchone()[0]
    return found
