"""The tracer that makes again: a recorded run's body calls it, and a step is executed only when its bytes are needed.

Every call counts as what the record says of it. What is executed gets the seed that it had, and is stored under the old
name only if its content has the recorded digest: that digest, not the way there, is what proves it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from solvent.artifacts.saving import save
from solvent.config.threads import limit_threads
from solvent.errors import AuthoringError, BlobError, SolventError, StepFailed
from solvent.metadata.dropped import forget_dropped, forget_unnamed_dropped
from solvent.model import ArtifactRef, CodeFingerprint, Failure, Identity, StepRunRecord
from solvent.pipelines.containers import replace_refs
from solvent.pipelines.ref import Ref, call_of, part_of, path_of
from solvent.pipelines.step import Step
from solvent.plan.explain import explain
from solvent.plan.graph import CallLog
from solvent.runs import catalogue
from solvent.runs.execute import Job, Outcome, execute
from solvent.runs.observe import describe, still_holds
from solvent.runs.outputs import accept_artifacts, output_at, value_of
from solvent.runs.state import CallState, Path

COLUMNS_NAMED = 5


class Lost(BaseException):
    """Something can't be made again, and why; no `except Exception` of a pipeline's body may catch it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Enough(BaseException):
    """Ends the body: all that is wanted of it is known."""


class RanAgain(NamedTuple):
    """One step that was executed again: which, how long it took, and what was not as it had been, in words."""

    label: str
    seconds: float
    notes: tuple[str, ...]


class Asked(NamedTuple):
    """A value that the body asked for with `value()`, before the call with the index `before`."""

    before: int
    ref: Ref
    value: Any


class Means(NamedTuple):
    """What making again works with; `uncached` allows steps with `cache=False`, which may have effects outside.

    `compare` makes again what is there, to see whether it comes out the same.
    """

    stores: Any
    keyer: Any
    output: Callable[[], Any]
    root: str
    run_seed: int
    cpus: Callable[[str], int] | None
    uncached: bool
    compare: bool


class Demand:
    """The calls of one recorded run, as its body makes them again."""

    def __init__(self, means: Means, records: Iterable[StepRunRecord], last_wanted: int | None) -> None:
        self.states: list[CallState] = []
        self.made: list[RanAgain] = []
        self.asked: list[Asked] | None = None
        self._means = means
        self._records = {record.position: record for record in records}
        self._last_wanted = last_wanted
        self._calls = CallLog()
        self._verdicts: dict[int, dict[str, str]] = {}

    # What the body asks for

    def call(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ref:
        if self._last_wanted is not None and len(self.states) > self._last_wanted:
            raise Enough
        call = self._calls.note(step, args, kwargs)
        record = self._records.get(call.index)
        if record is not None and record.name != step.spec.name:
            raise Lost(
                f"the pipeline's body is not as it was: call {call.index} was `{record.name}`, now `{step.spec.name}`"
            )
        state = CallState(call)
        state.producers = [self.states[index] for index in dict.fromkeys(i for i, _ in call.producers)]
        self.states.append(state)
        record = record or self._by_key(state)
        if record is not None:
            self._records[call.index] = record
            state.status, state.key = record.status, record.key
            accept_artifacts(state, record.execution.outputs if record.execution else {})
        return Ref(self, call, (), step.returns)

    def value(self, ref: Ref) -> Any:
        state = self._state(ref)
        self._calls.forced(state.index)
        if state.status == "failed":
            raise self._as_it_failed(state)
        found = self.read(state, path_of(ref))
        if self.asked is not None:
            self.asked.append(Asked(len(self.states), ref, found))
        return found

    def each(self, ref: Ref) -> Iterator[Any]:
        whole = self.value(ref)
        if not isinstance(whole, list | tuple):
            raise AuthoringError(f"each() needs a step that returns a list, not a {type(whole).__name__}")
        for index in range(len(whole)):
            yield part_of(ref, index)

    # What is wanted of it

    def read(self, state: CallState, path: Path) -> Any:
        """Give a value, from the store if its bytes are there, else by executing the step."""
        return self._get(state, path, value_of)

    def identity_of(self, ref: Ref) -> Identity:
        found: Identity = self._get(self._state(ref), path_of(ref), output_at).identity
        return found

    def artifact_of(self, ref: Ref) -> ArtifactRef | None:
        """Give the artifact that a Ref stands for; None for what was not stored by itself."""
        found: ArtifactRef | None = self._get(self._state(ref), path_of(ref), output_at).artifact
        return found

    def key(self, state: CallState) -> tuple[str, ...]:
        """Give a call the key and code that it has now; say in words how they are not the recorded ones."""
        return self._compare_keys(state, self.record(state))

    def make(self, state: CallState) -> dict[str, str]:
        """Execute a call, once; give for each output why it is not what it was, or nothing if it is."""
        if state.index not in self._verdicts:
            record = self.record(state)
            self._check_allowed(record, state)
            began = time.monotonic()
            arguments = self._arguments(state)
            notes = self._compare_keys(state, record)
            outcome = self._execute(state, record, arguments)
            self._verdicts[state.index] = self._store(state, record, outcome)
            self.made.append(RanAgain(state.label, time.monotonic() - began, notes))
        return self._verdicts[state.index]

    def is_there(self, artifact: ArtifactRef) -> bool:
        return not self._means.stores.blobs.missing(artifact.all_blobs())

    # How

    def _state(self, ref: Ref) -> CallState:
        index: int = call_of(ref).index
        return self.states[index]

    def record(self, state: CallState) -> StepRunRecord:
        """Give what the run recorded of a call; Lost if it has no result."""
        record = self._records.get(state.index)
        if record is None or record.execution is None or state.status not in ("done", "reused"):
            how = f"it is {record.status}" if record else "it was never recorded"
            raise Lost(f"`{state.label}` has no result in the record: {how}")
        return record

    def _by_key(self, state: CallState) -> StepRunRecord | None:
        """Find what the record lacks, in a run that was killed, by its key."""
        if any(each.status not in ("done", "reused") for each in state.producers):
            return None
        try:
            self._means.keyer.key(state, self.identity_of)
        except SolventError:
            return None
        found = self._means.stores.metadata.find_executions(state.key, 1)
        return found[0] if found else None

    def _get(self, state: CallState, path: Path, get: Callable[[CallState, Path, Any], Any]) -> Any:
        """Read something of a call's outputs; bytes that are missing or turn out to be damaged are made first."""
        self.record(state)
        blobs = self._means.stores.blobs
        try:
            try:
                return get(state, path, blobs)
            except BlobError:
                self._make_for(state, path)
                return get(state, path, blobs)
        except SolventError as error:
            raise Lost(f"the result of `{state.label}` can't be read: {error.problem}") from error
        finally:
            _forget_values(state)

    def _make_for(self, state: CallState, path: Path) -> None:
        verdicts = self.make(state)
        fields = [path[0]] if path and path[0] in verdicts else list(state.field_outputs())
        for field in fields:
            if verdicts[field]:
                raise Lost(verdicts[field])

    def _check_allowed(self, record: StepRunRecord, state: CallState) -> None:
        if not record.cached and not self._means.uncached:
            raise Lost(
                f"`{state.label}` has cache=False: it is run again only with --uncached, for it may have effects"
            )
        for observation in record.execution.observations if record.execution else ():
            if observation.kind != "seed" and not still_holds(observation, self._means.root, self._means.keyer.memo):
                raise Lost(f"`{state.label}` read what is not as it was: {describe(observation)}")

    def _arguments(self, state: CallState) -> dict[str, Any]:
        return {
            name: replace_refs(given, lambda ref: self.read(self._state(ref), path_of(ref)))
            for name, given in state.call.arguments.items()
        }

    def _compare_keys(self, state: CallState, record: StepRunRecord) -> tuple[str, ...]:
        """Say what is not as it was then: other inputs end it, other code or packages are left to the digest."""
        try:
            self._means.keyer.key(state, self.identity_of)
        except SolventError as error:
            raise Lost(f"`{state.label}` can't be run again: {error.problem}") from error
        if state.key == record.key:
            return ()
        now, then = json.loads(state.parts), json.loads(record.parts)
        told = explain(now, state.code, then, self._code(record))
        if any(now[part] != then.get(part) for part in ("arguments", "externals")):
            only = explain({**now, "code": then["code"], "environment": then["environment"]}, None, then, None)
            raise Lost(f"`{state.label}` would get other inputs: {'; '.join(only or told)}")
        return tuple(told)

    def _code(self, record: StepRunRecord) -> CodeFingerprint | None:
        found: CodeFingerprint | None = self._means.stores.metadata.load_code(record.code) if record.code else None
        return found

    def _execute(self, state: CallState, record: StepRunRecord, arguments: dict[str, Any]) -> Outcome:
        means = self._means
        if means.cpus is not None:
            limit_threads(means.cpus(state.name))
        job = Job(
            state.call.step,
            arguments,
            record.key,
            self._seed_of(record),
            means.root,
            means.stores.home,
            state.declared_files,
            means.keyer.memo,
            packages=state.code.packages if state.code else (),
            known_modules=state.code.files if state.code else (),
            sources=catalogue.known(means.root),
        )
        outcome = execute(job, means.stores.blobs, means.output(), in_worker=True)
        for _ in range(state.call.step.spec.retries if outcome.failure else 0):
            outcome = execute(job, means.stores.blobs, means.output(), in_worker=True)
            if outcome.failure is None:
                break
        if outcome.failure is not None:
            raise Lost(f"`{state.label}` failed when it was run again: {_in_words(outcome.failure)}")
        return outcome

    def _seed_of(self, record: StepRunRecord) -> int:
        for observation in record.execution.observations if record.execution else ():
            if observation.kind == "seed":
                return int(observation.token)
        return self._means.run_seed

    def _store(self, state: CallState, record: StepRunRecord, outcome: Outcome) -> dict[str, str]:
        """Keep what has the recorded digest, durably, and say of the rest how it differs."""
        assert record.execution is not None
        verdicts: dict[str, str] = {}
        kept: list[ArtifactRef] = []
        for field, old in record.execution.outputs.items():
            new = outcome.identities.get(field)
            verdicts[field] = difference(state.label, field, old.identity, new)
            if new is not None and not verdicts[field] and not self._stays(old):
                artifact = self.save(outcome.values[field], new)
                state.outputs[(field,) if field else ()].artifact = artifact
                kept.append(artifact)
        outcome.values.clear()
        for old_one, new_one in zip(record.execution.attachments, outcome.scope.attachments, strict=False):
            named = f"{old_one.kind} {old_one.name!r}"
            verdicts[named] = difference(state.label, named, old_one.artifact.identity, new_one.artifact.identity)
            if not verdicts[named] and not self._stays(old_one.artifact):
                kept.append(new_one.artifact)
        self.keep(kept)
        return verdicts

    def _stays(self, artifact: ArtifactRef) -> bool:
        """Whether the recorded bytes stay: in a comparison, if they are sound, others for the same content are of no use."""
        if not self._means.compare:
            return False
        try:
            for blob in artifact.all_blobs():
                self._means.stores.blobs.checked_path(blob)
        except BlobError:
            return False
        return True

    def save(self, value: Any, identity: Identity) -> ArtifactRef:
        stores = self._means.stores
        return save(value, identity, stores.blobs, allow_pickle=stores.project.settings.allow_pickle)

    def keep(self, artifacts: list[ArtifactRef]) -> None:
        """Make artifacts durable: their bytes, then the rows that say where those are."""
        stores = self._means.stores
        stores.blobs.sync()
        with stores.metadata.transaction():
            for artifact in artifacts:
                stores.metadata.add_artifact(artifact)
                forget_dropped(stores.metadata, [blob.digest for blob in artifact.all_blobs()])
            forget_unnamed_dropped(stores.metadata)

    def _as_it_failed(self, state: CallState) -> StepFailed:
        record = self._records[state.index]
        failure = (record.execution.failure if record.execution else None) or Failure("Error", "failed", "")
        error = StepFailed(f"step `{state.label}` failed: {_in_words(failure)}", where=state.call.line)
        error.step, error.failure = state.label, failure
        return error


def difference(label: str, field: str, old: Identity, new: Identity | None) -> str:
    """Say how an output that was made again is not what it was, or nothing if it is."""
    if new is not None and (new.digest, new.type) == (old.digest, old.type):
        return ""
    name = f"`{label}`" + (f".{field}" if field else "")
    if new is None:
        return f"{name} was made again, but has no such output any more"
    how = f"it is a {new.type} and was a {old.type}" if new.type != old.type else _columns(old, new)
    return f"{name} was made again, but differs{': ' + how if how else ''}; it is not reproducible"


def _columns(old: Identity, new: Identity) -> str:
    if not old.columns or not new.columns:
        return ""
    changed = [name for name in old.columns if new.columns.get(name) != old.columns[name]]
    changed += [name for name in new.columns if name not in old.columns]
    more = f" and {len(changed) - COLUMNS_NAMED} more" if len(changed) > COLUMNS_NAMED else ""
    return f"column{'s' if len(changed) > 1 else ''} {', '.join(changed[:COLUMNS_NAMED])}{more}" if changed else ""


def _in_words(failure: Failure) -> str:
    return f"{failure.kind}: {failure.message}"


def _forget_values(state: CallState) -> None:
    """Hold nothing that a step might change: each reader gets a value of its own from the store."""
    for path, output in list(state.outputs.items()):
        if output.artifact is not None:
            output.drop()
        else:
            del state.outputs[path]
