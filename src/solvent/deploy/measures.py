"""What an endpoint costs: memory, processor time, latency, throughput, cold start; measured on the real server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from solvent.deploy.load import Load, run_load
from solvent.deploy.replay import Recorded, body_of
from solvent.deploy.served import Served, own_environment
from solvent.serving.verification import BatchPoint, Measure

BATCHES = (1, 8, 32, 128)
CLIENTS = 8
SECONDS = 1.0
"""How long each load test takes; those of batches half of it."""
_WINDOWS = 2
_EXACT_SECONDS = 0.2
"""Processor time is told in ticks of 10 ms: less than this is not exact to 5 %."""
_BODIES = 64
_MB = 1e6


class Measured(NamedTuple):
    """All that was measured: numbers, and what batches cost."""

    measures: tuple[Measure, ...]
    batches: tuple[BatchPoint, ...]


class _Loaded(NamedTuple):
    """A load test: processor seconds of a request in the cheapest window, and the latencies of all."""

    cpu_seconds: float
    load: Load


def measure(server: Served, recorded: Recorded, modules: Sequence[str], seconds: float = SECONDS) -> Measured:
    """Measure a server that is ready, for about five times `seconds`; the clients are threads of this process."""
    loaded = server.usage().memory_bytes
    bodies = {rows: _bodies(recorded, rows) for rows in BATCHES}
    run_load(server.port, bodies[1], 1, seconds / 10)
    one = _load(server, bodies[1], 1, seconds)
    many = _load(server, bodies[1], CLIENTS, seconds)
    batches = [_point(1, one)]
    batches += [_point(rows, _load(server, bodies[rows], 1, seconds / 2)) for rows in BATCHES[1:]]
    wall, cpu = import_seconds(modules)
    measures = [
        *unserved(server.folder).measures,
        *_memory("loaded_memory_mb", loaded, "after loading and replay"),
        *_memory("memory_mb", server.usage().memory_bytes, "after the load test"),
        Measure("cold_start_seconds", server.cold_seconds, "s", "from its start until it is ready"),
        *_known("cold_start_cpu_seconds", server.cold_cpu_seconds, "processor time of that"),
        Measure("import_seconds", wall, "s", "an interpreter that only imports what the model needs"),
        Measure("import_cpu_seconds", cpu, "s", "processor time of that"),
        Measure("cpu_ms", one.cpu_seconds * 1000, "ms", "processor time of a request of one row"),
        *_latencies(one.load, 1),
        *_latencies(many.load, CLIENTS),
        Measure("requests_per_second", len(many.load.latencies) / many.load.seconds, "1/s", f"of {CLIENTS} clients"),
    ]
    return Measured(tuple(measures), tuple(batches))


def unserved(folder: str) -> Measured:
    """Measure what needs no server."""
    return Measured((Measure("bundle_mb", folder_bytes(folder) / _MB, "MB", "all files of the bundle"),), ())


def _known(name: str, seconds: float | None, about: str) -> list[Measure]:
    return [] if seconds is None else [Measure(name, seconds, "s", about)]


def _memory(name: str, size: int | None, about: str) -> list[Measure]:
    return [] if size is None else [Measure(name, size / _MB, "MB", about)]


def _latencies(load: Load, clients: int) -> list[Measure]:
    who = f"{clients} client{'s' if clients > 1 else ''}"
    return [
        Measure(f"p50_ms_{clients}", load.quantile_ms(0.5), "ms", f"half of the answers to {who} were faster"),
        Measure(f"p99_ms_{clients}", load.quantile_ms(0.99), "ms", f"99 % of the answers to {who} were faster"),
    ]


def _point(rows: int, loaded: _Loaded) -> BatchPoint:
    load = loaded.load
    return BatchPoint(rows, loaded.cpu_seconds * 1000 / rows, load.quantile_ms(0.5), load.requests)


def _load(server: Served, bodies: Sequence[bytes], clients: int, seconds: float) -> _Loaded:
    """Load a server in windows: what the cheaper one costs is less disturbed by what else the machine does.

    Where they used too little to be told apart from the ticks of the clock, their sum counts.
    """
    found: list[Load] = []
    costs: list[tuple[float, int]] = []
    for _ in range(_WINDOWS):
        before = server.usage().cpu_seconds or 0.0
        load = run_load(server.port, bodies, clients, seconds / _WINDOWS)
        used = (server.usage().cpu_seconds or 0.0) - before
        found.append(load)
        costs.append((used, max(1, load.requests)))
    latencies = sorted(latency for each in found for latency in each.latencies)
    whole = Load(len(latencies), sum(each.seconds for each in found), latencies)
    if min(used for used, _ in costs) >= _EXACT_SECONDS:
        return _Loaded(min(used / requests for used, requests in costs), whole)
    return _Loaded(sum(used for used, _ in costs) / sum(requests for _, requests in costs), whole)


def _bodies(recorded: Recorded, rows: int) -> list[bytes]:
    """Write requests of so many recorded rows; where there are fewer, they are asked for again."""
    found = []
    for start in range(0, min(recorded.rows, _BODIES * rows), rows):
        chosen = [(start + at) % recorded.rows for at in range(rows)]
        found.append(body_of({name: [values[row] for row in chosen] for name, values in recorded.request.items()}))
    return found


def folder_bytes(folder: str) -> int:
    """Count the bytes of all files of a folder."""
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)


_IMPORTING = """
import importlib, sys, time
for name in sys.stdin.read().split():
    try:
        importlib.import_module(name)
    except Exception:
        pass
print(time.process_time())
"""


def import_seconds(modules: Sequence[str]) -> tuple[float, float]:
    """Measure wall and processor seconds of an interpreter that only imports these modules."""
    began = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", _IMPORTING],
        input=" ".join(modules).encode(),
        capture_output=True,
        env=own_environment(),
        check=False,
    )
    wall = time.perf_counter() - began
    return wall, float(ended.stdout.split()[-1]) if ended.returncode == 0 else 0.0
