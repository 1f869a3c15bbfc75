"""Many processes and one store: no error, nothing lost, each shared key executed once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from solvent.metadata.opening import open_metadata
from solvent.metadata.store import MetadataStore
from tests import soak

PROGRAM = """
import os
from solvent import pipeline, step


def note(name):
    descriptor = os.open("executed.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{name}\\n".encode())
    os.close(descriptor)


@step
def shared(n: int) -> int:
    note(f"shared {n}")
    return n * n


@step
def own(n: int, who: int) -> bytes:
    note(f"own {n} {who}")
    return bytes([n]) * 20_000 + str(who).encode()


@pipeline
def crowd(who: int = 0) -> int:
    for n in range(5):
        own(n, who)
    return [shared(n) for n in range(10)]
"""


def own_words(who: int) -> list[str]:
    return ["--set", f"who={who}", "--engine", ("inline", "processes")[who % 2]]


def test_twenty_processes_run_against_one_store(shop) -> None:
    shop.write("crowd.py", PROGRAM)
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "solvent",
                "run",
                "crowd.py",
                "--json",
                "--quiet",
                "--workers",
                "2",
                *own_words(who),
            ],
            cwd=shop.root,
            env=shop.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for who in range(20)
    ]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["result"] == [n * n for n in range(10)]
    counts = Counter((shop.root / "executed.txt").read_text().splitlines())
    assert set(counts.values()) == {1}, "each key is executed once"
    assert len(counts) == 10 + 20 * 5
    with MetadataStore.open(shop.root / ".solvent" / "metadata.sqlite") as metadata:
        assert len(metadata.list_runs(status="done", limit=100)) == 20
        assert metadata.row("SELECT COUNT(*) FROM step_runs") == (20 * 15,)
        assert metadata.check() == []


CHAIN = """
from solvent import pipeline, step


@step
def grow(n: int, who: int) -> int:
    return n + 1


@pipeline
def chain(who: int = 0, steps: int = 100) -> int:
    n = 0
    for _ in range(steps):
        n = grow(n, who)
    return n
"""


def run_at_once(shop: Any, runs: int, steps: int, settings: dict[str, str]) -> tuple[float, list[str]]:
    """Start so many runs of a chain of steps at once; give the seconds until the last one ended, and every error."""
    shop.write("chain.py", CHAIN)
    words = [sys.executable, "-m", "solvent", "run", "chain.py", "--quiet", "--json", "--engine", "inline"]
    began = time.monotonic()
    processes = [
        subprocess.Popen(
            [*words, "--set", f"who={who}", "--set", f"steps={steps}"],
            cwd=shop.root,
            env=shop.environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for who in range(runs)
    ]
    errors = []
    for process in processes:
        out, err = process.communicate(timeout=1200)
        if process.returncode or json.loads(out)["result"] != steps:
            errors.append(err)
    return time.monotonic() - began, errors


def check_all_there(url: str | None, home: Path, runs: int, steps: int) -> None:
    with open_metadata(str(home), url) as metadata:
        assert len(metadata.list_runs(status="done", limit=runs + 1)) == runs
        assert metadata.row("SELECT COUNT(*) FROM step_runs WHERE status = 'done'") == (runs * steps,)
        assert metadata.check() == []


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """The name and the URL of the metadata store that a crowd shares."""
    return request.param, request.getfixturevalue("postgres_url") if request.param == "PostgreSQL" else None


@pytest.mark.slow
def test_ten_runs_of_thirty_steps_at_once(shop: Any, database: tuple[str, str | None]) -> None:
    url = database[1]
    _, errors = run_at_once(shop, 10, 30, {"SOLVENT_METADATA": url} if url else {})
    assert errors == []
    check_all_there(url, shop.root / ".solvent", 10, 30)


@pytest.mark.soak
@pytest.mark.parametrize("runs", [20, 50])
def test_many_runs_of_a_hundred_steps_at_once(shop: Any, database: tuple[str, str | None], runs: int) -> None:
    name, url = database
    alone, errors = run_at_once(shop, 1, 100, {"SOLVENT_METADATA": url} if url else {})
    took, more = run_at_once(shop, runs, 100, {"SOLVENT_METADATA": url} if url else {})
    soak.record(
        f"{runs} runs of 100 steps at once, {name}",
        f"{len(errors) + len(more)} errors; {took:.1f} s for all, one alone takes {alone:.1f} s",
    )
    assert errors + more == []
    with open_metadata(str(shop.root / ".solvent"), url) as metadata:
        assert metadata.row("SELECT COUNT(*) FROM step_runs") == ((runs + 1) * 100,)
        assert metadata.check() == []
