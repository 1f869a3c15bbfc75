"""Many processes and one store: no error, nothing lost, each shared key executed once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from solvent.metadata.store import MetadataStore

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
