"""In a store of many runs, what people and runs ask most is answered at once, and each step run adds little to it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solvent.metadata.opening import open_metadata
from solvent.metadata.store import MetadataStore
from tests import soak
from tests.metadata.history import CALLS, History

STEP_RUN_BYTES = 2000


def questions(store: MetadataStore) -> dict[str, Callable[[], object]]:
    """What is asked of a store, of a run in the middle of it where that makes a difference."""
    count = store.row("SELECT COUNT(*) FROM runs")[0]
    (middle, _) = store.row("SELECT id, started_at FROM runs ORDER BY started_at LIMIT 1 OFFSET ?", (count // 2,))
    newest = store.list_runs(limit=1)[0]
    steps = store.list_step_runs(middle)
    assert steps[4].execution
    assert steps[0].execution
    model = next(iter(steps[4].execution.outputs.values()))
    table = next(iter(steps[0].execution.outputs.values()))
    return {
        "`solvent runs`": lambda: store.list_runs(),
        "runs of a pipeline": lambda: store.list_runs("delays_3"),
        "runs that failed": lambda: store.list_runs(status="failed"),
        "runs that are open": lambda: store.list_runs(status=("running", "interrupted")),
        "a page of older runs": lambda: store.list_runs(before=middle),
        "a run by the end of its id": lambda: store.find_run(middle[-6:]),
        "what to go on from": lambda: store.find_interrupted(newest.target, newest.config, newest.code or ""),
        "a cache look-up": lambda: store.find_executions(steps[4].key),
        "a cache look-up in vain": lambda: store.find_executions("0" * 64),
        "the expected seconds of a step": lambda: store.mean_seconds("fit", "delays_3"),
        "`solvent show`": lambda: store.list_step_runs(middle),
        "`solvent why`": lambda: (
            store.last_run_with_step(newest.pipeline, "fit", newest.id),
            store.list_parts(middle, "fit"),
        ),
        "`solvent artifacts`": lambda: store.list_artifacts(),
        "lineage up from a model": lambda: store.walk_up(model.digest, model.type),
        "lineage down from a table": lambda: store.walk_down(table.digest, table.type),
        "consumers of a table": lambda: store.consumers(table.digest, table.type),
    }


def measure(store: MetadataStore) -> dict[str, float]:
    """Give the median of five answers to each question, in ms."""
    found = {}
    for name, ask in questions(store).items():
        times = []
        for _ in range(5):
            began = time.perf_counter()
            ask()
            times.append((time.perf_counter() - began) * 1000)
        found[name] = statistics.median(times)
    return found


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str, str | None]]:
    """A home and a URL for a store on each database."""
    url = request.getfixturevalue("postgres_url") if request.param == "PostgreSQL" else None
    return request.param, str(tmp_path), url


def fill(place: tuple[str, str, str | None], runs: int) -> tuple[MetadataStore, float]:
    """Make a store of so many runs; give the bytes that a step run takes in it."""
    database, home, url = place
    store = open_metadata(home, url)
    empty = size_bytes(store, home)
    History().fill(store, runs)
    if database == "PostgreSQL":
        store.execute("ANALYZE")
    else:
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return store, (size_bytes(store, home) - empty) / (runs * len(CALLS))


def size_bytes(store: MetadataStore, home: str) -> int:
    if isinstance(store.connection, _sqlite()):
        return os.stat(os.path.join(home, "metadata.sqlite")).st_size
    sql = (
        "SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
        " WHERE c.relkind = 'r' AND c.relnamespace = quote_ident(current_schema())::regnamespace"
    )
    return int(store.row(sql)[0])


def _sqlite() -> type:
    import sqlite3

    return sqlite3.Connection


@pytest.mark.slow
def test_a_thousand_runs_are_asked_and_weighed(place: tuple[str, str, str | None]) -> None:
    store, weight = fill(place, 1000)
    with store:
        slow = {name: took for name, took in measure(store).items() if took > 50}
    assert slow == {}
    assert weight < STEP_RUN_BYTES


@pytest.mark.soak
def test_a_hundred_thousand_runs_are_asked_and_weighed(place: tuple[str, str, str | None]) -> None:
    store, weight = fill(place, 100_000)
    with store:
        found = measure(store)
    slowest = max(found, key=lambda name: found[name])
    asked = ("`solvent runs`", "lineage up from a model", "lineage down from a table", "a cache look-up")
    said = "; ".join(f"{name} {found[name]:.1f} ms" for name in asked)
    soak.record(
        f"100,000 runs of 10 step runs, {place[0]}",
        f"{weight:.0f} bytes a step run; {said}; the slowest of {len(found)}: {slowest} {found[slowest]:.0f} ms",
        seed=0,
    )
    print("\n".join(f"{took:8.2f} ms  {name}" for name, took in found.items()))
    assert {name: took for name, took in found.items() if took > (50 if name in asked else 200)} == {}
    assert weight < STEP_RUN_BYTES
