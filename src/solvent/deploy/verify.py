"""Verifying a bundle: its steps row by row, its answers over HTTP against the recorded ones, and its contract."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.batches import form_of, take
from solvent.deploy.bounds import check_bounds
from solvent.deploy.checking import Checked, answer_body, check_steps
from solvent.deploy.masking import mask_check, mask_replay, sensitive_columns
from solvent.deploy.measures import SECONDS, Measured, measure, unserved
from solvent.deploy.recorded import read_recorded
from solvent.deploy.replay import MOST_ROWS, Recorded, recorded_rows, replay, replay_offline
from solvent.deploy.served import Served
from solvent.deploy.tuning import serving_settings
from solvent.errors import BundleError
from solvent.pipelines.endpoint import Contract
from solvent.serving.folder import open_bundle
from solvent.serving.schema import Schema
from solvent.serving.verification import Replay, Verification

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

Tell = Callable[[str], None]


def verify(
    folder: str,
    request: Any,
    response: Any,
    contract: Contract,
    metrics: Mapping[str, float],
    *,
    seconds: float = SECONDS,
    tell: Tell | None = None,
) -> Verification:
    """Verify a bundle with the request and the response that its run recorded, and the metrics of that run.

    Each load test takes `seconds`: fewer give rougher figures.

    Its steps run in a process of their own and its server is a real one. `tell` gets a line for each part, and writes it to
    standard error by default. BundleError if the bundle can't be opened or does not start.
    """
    began = time.perf_counter()
    bundle = open_bundle(folder)
    said = tell or _say
    asked, answered = recorded_sample(request, response, bundle.manifest.request)
    recorded = recorded_rows(asked, answered, bundle.manifest)
    said("checking the live steps on recorded rows")
    checked = check_steps(folder, asked)
    endpoint = _Endpoint(folder, recorded, checked, contract.tolerance, seconds, said)
    replayed, measured = endpoint.run()
    masked = sensitive_columns(bundle.manifest.request, bundle.manifest.response)
    found = Verification(
        endpoint=bundle.manifest.endpoint,
        digest=bundle.digest,
        made_at=time.time(),
        seconds=time.perf_counter() - began,
        rows=recorded.rows,
        steps=tuple(mask_check(each, masked) for each in checked.steps),
        replay=mask_replay(replayed, masked),
        measures=measured.measures,
        bounds=check_bounds(contract, metrics, measured.measures, replayed),
        batches=measured.batches,
        times=checked.times,
        metrics=dict(metrics),
        settings={},
        backend=bundle.manifest.backend,
    )
    return replace(found, settings=serving_settings(found))


class _Endpoint(NamedTuple):
    """The real server of a bundle, tried and measured once."""

    folder: str
    recorded: Recorded
    checked: Checked
    tolerance: float
    seconds: float
    tell: Tell

    def run(self) -> tuple[Replay, Measured]:
        """Replay the recorded rows and measure; where it does not start, compare what its steps answer without it."""
        try:
            with Served(self.folder) as server:
                self.tell(f"replaying {self.recorded.rows:,} recorded rows over HTTP")
                replayed = replay(server.port, self.recorded, self.checked.first, self.tolerance)
                if replayed.refused_rows:
                    return replayed, unserved(self.folder)
                self.tell("measuring memory, processor time, latency and cold start")
                return replayed, measure(server, self.recorded, self.checked.modules, self.seconds)
        except BundleError as error:
            self.tell("answering recorded rows without a server")
            answer = partial(answer_body, self.folder)
            return replay_offline(answer, self.recorded, self.tolerance, error.problem), unserved(self.folder)


def verify_recorded(
    folder: str, contract: Contract, stores: Stores, *, seconds: float = SECONDS, tell: Tell | None = None
) -> Verification:
    """Verify a bundle with what the run that it was cut out of recorded; see `verify`."""
    recorded = read_recorded(folder, stores)
    return verify(folder, recorded.request, recorded.response, contract, recorded.metrics, seconds=seconds, tell=tell)


def recorded_sample(request: Any, response: Any, schema: Schema) -> tuple[Any, Any]:
    """Give the first recorded rows with the columns that are asked for, numbered as a request's are."""
    asked = with_columns(request, schema)
    rows = max(form_of(asked).counts(), default=0)
    first = list(range(min(rows, MOST_ROWS)))
    answer_form = form_of(response, rows)
    if hasattr(asked, "reset_index"):
        asked = asked.reset_index(drop=True)
    return take(asked, first, form_of(asked)), take(response, first, answer_form)


def with_columns(request: Any, schema: Schema) -> Any:
    """Leave out the columns of a table that no request has."""
    names = [each.name for each in schema.columns]
    package = type(request).__module__.partition(".")[0]
    if package == "pandas" and request.ndim == 2:
        return request[names]
    return request.select(names) if package in ("polars", "pyarrow") and hasattr(request, "select") else request


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
