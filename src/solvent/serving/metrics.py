"""Counts what a server does, and writes it as Prometheus reads it."""

from __future__ import annotations

import os
import sys
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from solvent.serving.model import Model

CONTENT_TYPE = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the latency buckets, in seconds: a fast model takes 0.1 ms, the time limit is some seconds."""


class Sample(NamedTuple):
    """One number: its name, its labels, its value."""

    name: str
    labels: Mapping[str, str]
    value: float


class Metrics:
    """Counters of one process, from its start. Only the event loop's thread may count."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self.in_flight = 0
        self.rows: dict[str, int] = {}
        self._requests: dict[tuple[str, int], int] = {}
        self._latency: dict[str, _Histogram] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        key = (route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        histogram = self._latency.get(route)
        if histogram is None:
            histogram = self._latency[route] = _Histogram()
        histogram.add(seconds)

    def count_rows(self, model: str, rows: int) -> None:
        """Count rows that a model answered."""
        self.rows[model] = self.rows.get(model, 0) + rows

    def requests(self) -> Iterator[Sample]:
        for (route, status), number in sorted(self._requests.items()):
            yield Sample("solvent_requests_total", {"route": route, "status": str(status)}, number)

    def latency(self) -> Iterator[Sample]:
        for route, histogram in sorted(self._latency.items()):
            yield from histogram.samples("solvent_request_seconds", {"route": route})


class _Histogram:
    """Counts seconds by bucket; the last one is for all above the largest bound."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def samples(self, name: str, labels: Mapping[str, str]) -> Iterator[Sample]:
        total = 0
        for bound, number in zip((*map("{:g}".format, BOUNDS), "+Inf"), self.counts, strict=True):
            total += number
            yield Sample(f"{name}_bucket", {**labels, "le": bound}, total)
        yield Sample(f"{name}_sum", labels, self.sum)
        yield Sample(f"{name}_count", labels, total)


def model_samples(models: Sequence[Model], metrics: Metrics) -> Iterator[tuple[str, str, str, list[Sample]]]:
    """Give the families about models: name, kind, help and samples."""
    about = [_labels(each) | {"bundle": each.digest} for each in models]
    yield (
        "solvent_model_info",
        "gauge",
        "The models that answer.",
        [Sample("solvent_model_info", each, 1) for each in about],
    )
    rows = [Sample("solvent_rows_total", {"model": name}, number) for name, number in sorted(metrics.rows.items())]
    yield "solvent_rows_total", "counter", "Rows that were answered.", rows
    steps = [(each, _labels(each)) for each in models]
    spent = [
        Sample("solvent_step_seconds_total", {**labels, "step": step}, seconds)
        for model, labels in steps
        for step, seconds in _by_step(model).items()
    ]
    yield "solvent_step_seconds_total", "counter", "Time that live steps took.", spent
    calls = [Sample("solvent_program_runs_total", labels, model.step_calls) for model, labels in steps]
    yield "solvent_program_runs_total", "counter", "How often all live steps ran, a batch counts once.", calls


def _by_step(model: Model) -> dict[str, float]:
    """Add up steps that are called several times."""
    found: dict[str, float] = {}
    for step, seconds in zip(model.steps, model.step_seconds, strict=True):
        found[step] = found.get(step, 0.0) + seconds
    return found


def _labels(model: Model) -> dict[str, str]:
    return {"model": model.endpoint, "version": model.version}


def text(
    metrics: Metrics, models: Sequence[Model], waiting: int, more: Iterable[tuple[str, str, str, list[Sample]]] = ()
) -> bytes:
    """Write everything in Prometheus' text format; `more` are families of others."""
    gauge = [
        ("solvent_in_flight", "Requests that are being answered.", float(metrics.in_flight)),
        ("solvent_queue", "Requests that wait for the thread.", float(waiting)),
        ("process_resident_memory_bytes", "Resident memory.", resident_bytes()),
        ("process_cpu_seconds_total", "Processor time.", time.process_time()),
        ("process_start_time_seconds", "When the server started, in seconds since 1970.", metrics.started_at),
    ]
    families: list[tuple[str, str, str, list[Sample]]] = [
        ("solvent_requests_total", "counter", "Answered requests.", list(metrics.requests())),
        ("solvent_request_seconds", "histogram", "Time from the headers to the answer.", list(metrics.latency())),
        *(
            (name, "counter" if name.endswith("_total") else "gauge", help, [Sample(name, {}, value)])
            for name, help, value in gauge
        ),
        *model_samples(models, metrics),
        *more,
    ]
    return "".join(_family(*each) for each in families if each[3]).encode()


def _family(name: str, kind: str, help: str, samples: Sequence[Sample]) -> str:
    return f"# HELP {name} {help}\n# TYPE {name} {kind}\n" + "".join(map(_line, samples))


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
    number = f"{sample.value:d}" if isinstance(sample.value, int) else repr(float(sample.value))
    return f"{sample.name}{{{labels}}} {number}\n" if labels else f"{sample.name} {number}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def resident_bytes() -> float:
    """Give the memory of this process; its largest so far where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return float(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        import resource

        # Kilobytes, but on macOS bytes.
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
