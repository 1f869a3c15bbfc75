"""A plan: the pipeline's body traced against the cache, with nothing executed."""

from __future__ import annotations

from typing import Any

from solvent.config.project import Project
from solvent.config.resolve import Resolved
from solvent.environments.capture import capture
from solvent.fingerprint.files import process_memo
from solvent.pipelines.pipeline import Pipeline
from solvent.pipelines.ref import Ref, call_of, path_of
from solvent.plan.graph import Call
from solvent.plan.trace import Found, Plan, trace
from solvent.runs import catalogue
from solvent.runs.cache import Cache
from solvent.runs.explainer import Explainer
from solvent.runs.keyer import Keyer
from solvent.runs.launch import Options
from solvent.runs.memo import StoreMemo
from solvent.runs.outputs import accept_artifacts, output_at, value_of
from solvent.runs.state import CallState
from solvent.runs.stores import Stores


class CacheLookup:
    """Answers a plan from the stores of a project."""

    def __init__(self, pipeline: str, stores: Stores, options: Options) -> None:
        root = str(stores.project.root)
        memo = StoreMemo(stores.metadata)
        process_memo.rely_on(memo)
        catalogue.begin(stores.project, None, memo)
        self._pipeline = pipeline
        self._stores = stores
        self._options = options
        self._explainer = Explainer(pipeline, None)
        self._states: dict[int, CallState] = {}
        self._seconds: dict[str, float | None] = {}
        self._keyer = Keyer(
            "", run_seed=options.run_seed, root=root, environment=capture(stores.cache_folder), memo=memo
        )
        self._cache = Cache(stores, root=root, run_seed=options.run_seed, memo=memo)

    def find(self, call: Call) -> Found:
        state = CallState(call)
        self._states[call.index] = state
        self._keyer.key(state, self._identity_of)
        record, state.missed = self._cache.look_up(call.step.spec, state.key, reuse=self._options.reuse)
        if record is None or record.execution is None:
            return Found(False, self._explainer.why(self._stores.metadata, state))
        accept_artifacts(state, record.execution.outputs)
        return Found(True, "nothing it depends on changed")

    def value(self, ref: Ref) -> Any:
        return value_of(self._states[call_of(ref).index], path_of(ref), self._stores.blobs)

    def seconds(self, call: Call) -> float | None:
        name = call.step.spec.name
        if name not in self._seconds:
            self._seconds[name] = self._stores.metadata.mean_seconds(name, self._pipeline)
        return self._seconds[name]

    def _identity_of(self, ref: Ref) -> Any:
        return output_at(self._states[call_of(ref).index], path_of(ref), self._stores.blobs).identity


def make_plan(pipeline: Pipeline[..., Any], resolved: Resolved, project: Project, options: Options) -> Plan:
    """Trace a pipeline against its project's store. Nothing is executed and nothing is written but an empty store."""
    value = resolved.value
    positional = pipeline.config_type is not None
    with Stores(project) as stores:
        body = (lambda: pipeline.__wrapped__(value)) if positional else (lambda: pipeline.__wrapped__(**value))
        try:
            return trace(pipeline.name, body, CacheLookup(pipeline.name, stores, options))
        finally:
            process_memo.rely_on(None)
