"""What is kept of requests and answers while an endpoint serves: the log of a sample, and the window of the last hour."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.serving.containers import plain_float64
from solvent.serving.metrics import Sample
from solvent.serving.requestlog import Logged, RequestLog
from solvent.serving.statistics import STATISTICS, Statistics, read_statistics
from solvent.serving.tables import to_columns
from solvent.serving.window import HELP, Window

if TYPE_CHECKING:
    from solvent.serving.app import Served
    from solvent.serving.exchange import Refusal
    from solvent.serving.model import Decoded, Model

Family = tuple[str, str, str, list[Sample]]

_KINDS = {
    400: "unreadable",
    401: "key",
    403: "key",
    411: "length",
    413: "size",
    415: "content_type",
    422: "invalid",
    429: "busy",
    500: "failed",
    503: "unavailable",
    504: "timeout",
}
"""What a refusal without more is counted as, by its status."""


class _Known(NamedTuple):
    """What is needed of a model for each request.

    `asked` are the columns of its request if all are float64 of pandas or NumPy, else none; `names` those of its answer.
    """

    asked: Sequence[str]
    names: Sequence[str]
    left_out: frozenset[str]
    window: Window | None


class Recorder:
    """Sees what is served, counts it in the window of the model that answered, and writes a sample to the log.

    Only the event loop's thread may call it.
    """

    def __init__(self, log: RequestLog | None = None) -> None:
        self.log = log
        self._known: dict[str, _Known] = {}
        # Not the models: those that answer nobody any more are to be freed.
        self._labels: dict[str, Mapping[str, str]] = {}

    def served(self, served: Served) -> None:
        known = self._known.get(served.model.digest) or self._learn(served.model)
        window, log = known.window, self.log
        if window is not None and window.wants():
            window.add(_columns(served.decoded, known.asked), to_columns(served.answer, known.names))
        if log is not None and log.wants(served.key):
            log.add(
                Logged(
                    at=time.time(),
                    id=served.id.decode(),
                    model=served.model.name,
                    bundle=served.model.digest,
                    rows=served.decoded.rows,
                    columns=partial(_columns, served.decoded, known.asked),
                    answer=partial(to_columns, served.answer, known.names),
                    seconds=served.seconds,
                    left_out=known.left_out,
                )
            )

    def refused(self, refusal: Refusal) -> None:
        if self.log is not None:
            self.log.refuse(kinds_of(refusal))

    def families(self) -> Iterator[Family]:
        if self.log is not None:
            yield _counter("solvent_log_written_total", "Requests that were written to the log.", self.log.written)
            yield _counter("solvent_log_lost_total", "What could not be written to the log.", self.log.lost)
        found: dict[str, list[Sample]] = {}
        for digest, known in self._known.items():
            labels = self._labels[digest]
            for each in known.window.samples() if known.window is not None else ():
                found.setdefault(each.name, []).append(each._replace(labels={**labels, **each.labels}))
        for name, samples in found.items():
            yield name, "gauge", HELP[name], samples

    def close(self) -> None:
        """Write what waits for the log."""
        if self.log is not None:
            self.log.close()

    def _learn(self, model: Model) -> _Known:
        statistics = statistics_of(model.bundle.folder)
        window = Window(statistics) if statistics.request else None
        names = model.bundle.manifest.response.names
        manifest = model.bundle.manifest
        sensitive = {each.name for each in (*manifest.request.columns, *manifest.response.columns) if each.sensitive}
        asked = manifest.request.names if plain_float64(manifest.request) else ()
        known = self._known[model.digest] = _Known(asked, names, frozenset(sensitive | {*statistics.sensitive}), window)
        self._labels[model.digest] = {"model": model.endpoint, "version": model.version}
        return known


def _columns(decoded: Decoded, names: Sequence[str]) -> Mapping[str, Sequence[Any]]:
    """Give the columns of a request; `names` if it is a block of float64, which is laid out at once: 10 µs, not 300."""
    block = decoded.value.to_numpy() if names and hasattr(decoded.value, "to_numpy") else decoded.value
    if not names or getattr(block, "shape", ())[1:] != (len(names),):
        return decoded.columns()
    found = block.T.tolist()
    if (block != block).any():
        found = [[None if each != each else each for each in values] for values in found]
    return dict(zip(names, found, strict=True))


def statistics_of(folder: str) -> Statistics:
    """Read the statistics of a bundle; empty ones where it has none."""
    path = os.path.join(folder, STATISTICS)
    if not os.path.isfile(path):
        return Statistics()
    with open(path, "rb") as file:
        return read_statistics(file.read())


def kinds_of(refusal: Refusal) -> Iterable[str]:
    """Give the kinds of the problems for which a request was refused; nothing of what it held."""
    kinds = {kind for each in refusal.problems if (kind := _kind(each)) is not None}
    return kinds or [_KINDS.get(refusal.status, str(refusal.status))]


_PROBLEMS = (
    ("null,", "missing_value"),
    ("missing column", "missing_column"),
    ("unknown column", "unknown_column"),
    ("expected one of ", "unknown_category"),
    ("expected ", "wrong_value"),
)
"""What a problem is counted as, by how its text begins: what is not among these may hold what a client wrote."""


def _kind(problem: Mapping[str, Any]) -> str | None:
    text = str(problem.get("problem", ""))
    return next((kind for start, kind in _PROBLEMS if text.startswith(start)), None)


def _counter(name: str, help: str, value: int) -> Family:
    return name, "counter", help, [Sample(name, {}, value)]


def open_recorder(folder: str, share: float, limit_mb: float) -> Recorder:
    """Make the recorder of one serving process; it logs if there is a folder to log to."""
    return Recorder(RequestLog(folder, share=share, limit_bytes=int(limit_mb * (1 << 20))) if folder else None)
