"""The part of a run that both engines share: admit a call, look its key up, take its result, or end it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from solvent.config.masking import masked
from solvent.config.project import StepSettings
from solvent.errors import BlobError, CheckFailed, RunInterrupted, SolventError, StepFailed
from solvent.model import Execution, Failure, StepRunRecord
from solvent.pipelines.ref import Ref, call_of, path_of
from solvent.runs.cache import Cache
from solvent.runs.encode import discreet
from solvent.runs.events import StepEvent, Watcher
from solvent.runs.execute import Outcome
from solvent.runs.keyer import Keyer
from solvent.runs.outputs import accept_artifacts, accept_values, is_path, output_at, value_of
from solvent.runs.shelf import Shelf
from solvent.runs.state import FINISHED, CallState, Output
from solvent.runs.stores import Stores
from solvent.runs.writer import Entry, Writer

T = TypeVar("T")

EXECUTE, SETTLED, ELSEWHERE, TWIN = "execute", "settled", "elsewhere", "twin"

StepOptions = Callable[[str], StepSettings]


class Policy:
    """How this run treats the cache and failures; never part of a key.

    `resumes` is the interrupted run whose steps that are not cached count as done.
    """

    __slots__ = ("keep_going", "resumes", "reuse", "steps")

    def __init__(self, *, reuse: bool, keep_going: bool, resumes: str | None, steps: StepOptions) -> None:
        self.reuse = reuse
        self.keep_going = keep_going
        self.resumes = resumes
        self.steps = steps


class Runner:
    """The calls of one run and what became of them."""

    def __init__(
        self, stores: Stores, *, keyer: Keyer, cache: Cache, writer: Writer, watcher: Watcher, policy: Policy
    ) -> None:
        self.stores = stores
        self.keyer = keyer
        self.cache = cache
        self.writer = writer
        self.watcher = watcher
        self.policy = policy
        self.states: list[CallState] = []
        self.by_key: dict[str, CallState] = {}
        self.stopping = threading.Event()
        self.shelf = Shelf()
        self._failed: list[CallState] = []
        self._begun = False

    # What the body asks for

    def value(self, state: CallState, path: tuple[Any, ...]) -> Any:
        """Give the value of an ended call; raise what stands in its way."""
        if state.status in FINISHED:
            return self.read(state, path)
        raise self.error_for(state)

    def read(self, state: CallState, path: tuple[Any, ...]) -> Any:
        """Give the value at a path of an ended call."""
        return self.with_bytes(state, lambda: value_of(state, path, self.stores.blobs))

    def output(self, state: CallState, path: tuple[Any, ...]) -> Output:
        """Give what is known of the output at a path of an ended call."""
        return self.with_bytes(state, lambda: output_at(state, path, self.stores.blobs))

    def with_bytes(self, state: CallState, get: Callable[[], T]) -> T:
        """Give what is read of the outputs of a call; bytes that are gone are made again first."""
        try:
            return get()
        except BlobError:
            from solvent.runs.mend import mend

            if not mend(self, [state]):
                raise
            return get()

    def mended(self, state: CallState, failure: Failure | None) -> bool:
        """Whether an attempt failed for want of stored bytes that are there again now; once for each call."""
        if failure is None or failure.kind != BlobError.__name__ or state.mended:
            return False
        from solvent.runs.mend import mend

        state.mended = True
        try:
            return mend(self, state.producers)
        except BlobError as error:
            self.watcher.notice(f"{state.label}: {error.problem}")
            return False

    def error_for(self, state: CallState | None) -> SolventError:
        """Give the error that explains why a call has no value, and note that the body was told."""
        own = state and _failed_before(state)
        cause = own or self.unhanded_failure()
        if cause is None:
            return RunInterrupted("the run was stopped", hint="run it again to go on from here")
        # A body that takes this error has not taken the failure of a call that it did not ask for.
        cause.handed = cause.handed or cause is own
        if cause.refused and isinstance(cause.error, SolventError):
            return cause.error
        failure = cause.failure or Failure("Error", "failed", "")
        error = StepFailed(
            f"step `{cause.label}` failed: {failure.kind}: {failure.message}",
            where=cause.call.line,
            hint=f"`solvent log {cause.name}` shows what it printed and where it failed" if failure.traceback else None,
        )
        error.__cause__ = cause.error
        error.step, error.failure = cause.label, failure
        return error

    def unhanded_failure(self) -> CallState | None:
        """Give the first failed call of which the body was not told yet."""
        return next((state for state in self._failed if not state.handed), None)

    def held(self) -> bool:
        """Whether nothing new may start: the run is stopping, or has failed and does not keep going."""
        if self.stopping.is_set():
            return True
        return bool(self._failed) and not self.policy.keep_going and self.unhanded_failure() is not None

    def reason_to_hold(self) -> str:
        failed = self.unhanded_failure()
        return f"`{failed.label}` failed" if failed and not self.stopping.is_set() else "the run was stopped"

    # What becomes of a call

    def admit(self, state: CallState) -> str:
        """Decide on a call whose producers have ended.

        EXECUTE: its key is claimed, run it. SETTLED: it has ended. ELSEWHERE: another run is at it, ask again soon.
        TWIN: a call of this run with the same key is running, ask again when that has ended.
        """
        blocked = next((each for each in state.producers if each.status not in FINISHED), None)
        if blocked is not None:
            status = "cancelled" if blocked.status == "cancelled" else "skipped"
            return self.settle(state, status, f"`{blocked.label}` {blocked.status}")
        if not state.key:
            self.keyer.key(state, self.identity_of)
        twin = self.by_key.get(state.key)
        if twin is state:
            return EXECUTE  # a further attempt: its key is claimed already
        if twin is not None and state.call.step.spec.cache:
            return self._share(state, twin)
        self._be_on_record()
        if self._adopt(state):
            return SETTLED
        if not self.stores.locks.try_lock(state.key):
            return ELSEWHERE
        if self._reuse(state):
            self.stores.locks.unlock(state.key)
            return SETTLED
        self.by_key[state.key] = state
        return EXECUTE

    def settle(self, state: CallState, status: str, why: str) -> str:
        """End a call without executing it."""
        state.status, state.why = status, why
        state.finished_at = time.time()
        self.writer.add(Entry(state))
        return SETTLED

    def refuse(self, state: CallState, error: SolventError) -> None:
        """End a call that can't even start: its arguments have no identity or can't be sent."""
        self.release(state)
        state.error, state.refused = error, True
        self._fail(state, Failure(type(error).__name__, masked(str(error)), ""))
        self.writer.add(Entry(state))

    def release(self, state: CallState) -> None:
        """Give up the claim on the key of a call that will not be executed after all."""
        if self.by_key.get(state.key) is state:
            del self.by_key[state.key]
            self.stores.locks.unlock(state.key)

    def release_all(self) -> None:
        """Give up the claims of calls that never came to be committed, for the next run of this process."""
        for state in list(self.by_key.values()):
            if not state.committed and state.source is None:
                self.release(state)

    def _be_on_record(self) -> None:
        """Commit the run's row before its first look-up: a clean-up must see who may be about to reuse something.

        A step may also take the process with it, and by then the run must be on record.
        """
        if not self._begun:
            self._begun = True
            self.writer.flush()

    def started(self, state: CallState) -> None:
        self._be_on_record()
        state.status = "running"
        self.watcher.step_changed(StepEvent(state.index, state.label, "running"))

    def take_outcome(self, state: CallState, outcome: Outcome) -> None:
        """Take what an execution in this process gave."""
        state.seconds = outcome.seconds
        if outcome.failure is not None:
            state.error = outcome.error
            self._fail(state, outcome.failure)
        else:
            accept_values(state, outcome.values, outcome.identities)
            self.shelf.take(state)
            state.status = "done"
        state.finished_at = time.time()
        self.writer.add(Entry(state, outcome=outcome))
        if any(map(is_path, outcome.values.values())):
            self.writer.flush()

    def take_execution(self, state: CallState, execution: Execution) -> None:
        """Take what a worker reports; its outputs are in the artifact store already."""
        execution = discreet(execution)
        state.seconds = execution.seconds
        if execution.failure is not None:
            self._fail(state, execution.failure)
        else:
            accept_artifacts(state, execution.outputs)
            state.status = "done"
        state.finished_at = time.time()
        self.writer.add(Entry(state, execution=execution))

    def may_retry(self, state: CallState, failure: Failure) -> bool:
        """Whether a failed call is tried again: as often as the settings say, else the step; not if a check failed.

        Then the attempt did what it could, and its data is not what was expected.
        """
        if failure.kind == CheckFailed.__name__ or self.stopping.is_set():
            return False
        spec = state.call.step.spec
        set_outside = self.policy.steps(spec.name).retries
        return state.attempt <= (spec.retries if set_outside is None else set_outside)

    def timeout_seconds(self, state: CallState) -> float | None:
        """How long an attempt may take: what the settings say, else what the step says."""
        spec = state.call.step.spec
        set_outside = self.policy.steps(spec.name).timeout_seconds
        return spec.timeout_seconds if set_outside is None else set_outside

    def state_of(self, ref: Ref) -> CallState:
        index: int = call_of(ref).index
        return self.states[index]

    def identity_of(self, ref: Ref) -> Any:
        return self.output(self.state_of(ref), path_of(ref)).identity

    def counts(self) -> dict[str, int]:
        """Count the calls by status."""
        found: dict[str, int] = {}
        for state in self.states:
            found[state.status] = found.get(state.status, 0) + 1
        return found

    def _fail(self, state: CallState, failure: Failure) -> None:
        state.status, state.failure = "failed", failure
        self._failed.append(state)

    def _share(self, state: CallState, twin: CallState) -> str:
        if not twin.ended:
            return TWIN
        if twin.status not in FINISHED:
            state.producers.append(twin)  # the reason why there is no value
            return self.settle(state, "skipped", f"same call as `{twin.label}`, which {twin.status}")
        state.outputs = twin.outputs
        state.source = twin.source or (self.keyer.run_id, twin.index)
        return self.settle(state, "reused", f"same call as `{twin.label}` in this run")

    def _adopt(self, state: CallState) -> bool:
        spec, interrupted = state.call.step.spec, self.policy.resumes
        if spec.cache or interrupted is None:
            return False
        record = self.cache.adopt(interrupted, spec, state.key, state.call.occurrence)
        if record is None:
            return False
        self._take_record(state, record, f"done in the interrupted run {interrupted}")
        return True

    def _reuse(self, state: CallState) -> bool:
        record, state.missed = self.cache.look_up(state.call.step.spec, state.key, reuse=self.policy.reuse)
        if record is None:
            return False
        self.by_key[state.key] = state
        self._take_record(state, record, "nothing it depends on changed")
        return True

    def _take_record(self, state: CallState, record: StepRunRecord, why: str) -> None:
        assert record.execution is not None
        accept_artifacts(state, record.execution.outputs)
        # What was adopted may itself have been adopted; `source` always names the execution.
        state.source = record.source or (record.run_id, record.position)
        self.settle(state, "reused", why)


def _failed_before(state: CallState) -> CallState | None:
    """Find the failed call because of which `state` has no value."""
    todo, seen = [state], set()
    while todo:
        current = todo.pop()
        if current.status == "failed":
            return current
        seen.add(current.index)
        todo.extend(each for each in current.producers if each.index not in seen)
    return None
