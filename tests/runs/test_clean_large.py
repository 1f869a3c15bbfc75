"""A clean-up of a store with 100,000 step runs and 10,000 blobs: how long it takes, and how long it holds writers up."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import time
from pathlib import Path

import pytest

from solvent.config.project import Project
from solvent.model import ArtifactRef, Blob, Execution, Identity, Input, RunRecord, StepRunRecord
from solvent.runs.clean import Choice, Cleaning
from solvent.runs.stores import Stores
from tests.soak import record

pytestmark = pytest.mark.soak

RUNS, STEPS, BYTES = "builtins:bytes", 10, 600


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def lay_blobs(stores: Stores, count: int) -> list[Blob]:
    """Write blobs as the store lays them, without syncing each."""
    blobs = []
    for _ in range(count):
        data = os.urandom(BYTES)
        blob = Blob(hashlib.sha256(data).hexdigest(), BYTES)
        path = Path(stores.blobs.root, "objects", blob.digest[:2], blob.digest[2:])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        blobs.append(blob)
    return blobs


def records(number: int, blob: Blob, project: str) -> tuple[RunRecord, list[StepRunRecord]]:
    """Make a run of ten steps, the first three of which reuse those of the first of its fifty."""
    id, first = f"r{number:07d}", number // 50 * 50
    result = json.dumps({"artifact": [digest(number, 9), RUNS, "bytes"]})
    at = 1e9 + number
    run = RunRecord(
        id, f"p{number % 7}", "p.py:main", "done", at, at + 1, f"u{number % 3}", result=result, project=project
    )
    steps = []
    for step in range(STEPS):
        source = (f"r{first:07d}", step) if step < 3 and number != first else None
        identity, last = Identity(digest(number, step), RUNS), step == STEPS - 1
        made = ArtifactRef(identity, "bytes", BYTES, None if last else b"x", (blob,) if last else ())
        steps.append(
            StepRunRecord(
                id,
                step,
                f"s{step}",
                0,
                "reused" if source else "done",
                digest(number, step, "key"),
                "why",
                source=source,
                finished_at=at,
                execution=None if source else Execution({"": made}, at, 0.1, 0.1, 1000, "step"),
                inputs=(Input("a", digest(number, step - 1), RUNS, id, step - 1, ""),) if step else (),
            )
        )
    return run, steps


def test_100_000_step_runs_and_10_000_blobs_go_in_seconds(project: Path) -> None:
    with Stores(Project.find()) as stores:
        metadata = stores.metadata
        blobs = lay_blobs(stores, 10_000)
        for start in range(0, 10_000, 200):
            with metadata.transaction():
                for number in range(start, start + 200):
                    run, steps = records(number, blobs[number], stores.project_name)
                    metadata.add_run(run)
                    for step in steps:
                        metadata.add_step_run(step)
        held: list[float] = [0.0]
        began = 0.0

        def trace(sql: str) -> None:
            nonlocal began
            if sql.startswith("BEGIN IMMEDIATE"):
                began = time.perf_counter()
            elif sql == "COMMIT":
                held.append(time.perf_counter() - began)

        metadata.connection.set_trace_callback(trace)
        usage, before = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        report = Cleaning(stores, Choice(keep=100)).run()
        seconds, after = time.perf_counter() - before, resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
        metadata.connection.set_trace_callback(None)
    assert report.removed_runs + report.stubs == 9300
    assert report.swept.removed_blobs == 9300
    assert after.ru_maxrss - usage.ru_maxrss < 50_000  # kB
    record(
        "clean 93,000 of 100,000 step runs and 9,300 blobs",
        f"{seconds:.1f} s, {cpu:.1f} s of CPU; writers held up {max(held):.2f} s at most",
    )
    assert cpu < 30
