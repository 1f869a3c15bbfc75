"""Steps in this process, in the order of the body, each at its call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from solvent.errors import SolventError
from solvent.fingerprint.values import identify, is_immutable
from solvent.model import Failure, Identity
from solvent.pipelines.containers import replace_refs
from solvent.pipelines.ref import path_of
from solvent.runs import catalogue
from solvent.runs.capture import StepOutput
from solvent.runs.execute import Job, Outcome, execute, not_begun, unreadable
from solvent.runs.retry import backoff_seconds
from solvent.runs.runner import ELSEWHERE, EXECUTE, Runner
from solvent.runs.state import CallState

if TYPE_CHECKING:
    from solvent.runs.isolate import Isolation

_CLAIM_POLL_SECONDS = 0.01


class InlineDriver:
    """Executes each call at once; a step that wants a process of its own gets one from what `isolate` gives, once."""

    name = "inline"

    def __init__(self, runner: Runner, *, root: str, isolate: Callable[[], Isolation]) -> None:
        self._runner = runner
        self._root = root
        self._isolate = isolate
        self._isolation: Isolation | None = None
        self._held: list[CallState] = []

    def add(self, state: CallState) -> None:
        if self._held or self._runner.held():
            self._held.append(state)
        else:
            self._run(state)

    def wait(self, state: CallState) -> None:
        """Return when the call has ended, or when it can't because the run is held."""
        while self._held and not state.ended and not self._runner.held():
            self._run(self._held.pop(0))

    def finish(self) -> None:
        """Run what is held; what may not run any more is cancelled."""
        while self._held and not self._runner.held():
            self._run(self._held.pop(0))
        for state in self._held:
            self._runner.settle(state, "cancelled", self._runner.reason_to_hold())
        self._held.clear()

    def stop_now(self) -> None:
        """Nothing runs beside the caller; the step in hand is ended by the interrupt itself."""

    def wake(self) -> None:
        """Nothing waits in the background."""

    def close(self) -> None:
        if self._isolation is not None:
            self._isolation.close()

    def _run(self, state: CallState) -> None:
        runner = self._runner
        try:
            while (verdict := runner.admit(state)) == ELSEWHERE:
                time.sleep(_CLAIM_POLL_SECONDS)
        except SolventError as error:
            runner.refuse(state, error)
            raise runner.error_for(state) from None
        if verdict != EXECUTE:
            return
        runner.writer.wait_for_room()
        runner.started(state)
        spec = state.call.step.spec
        try:
            if spec.isolated or runner.timeout_seconds(state) is not None:
                self._isolated().run(state)
            else:
                self._execute(state)
        except KeyboardInterrupt:
            runner.stopping.set()
            runner.release(state)
            runner.settle(state, "cancelled", "stopped")
            raise
        except SolventError as error:
            runner.refuse(state, error)
            raise runner.error_for(state) from None

    def _isolated(self) -> Isolation:
        if self._isolation is None:
            self._isolation = self._isolate()
        return self._isolation

    def _execute(self, state: CallState) -> None:
        runner = self._runner
        outcome = self._attempt(state)
        while outcome.failure is not None and runner.may_retry(state, outcome.failure):
            runner.watcher.notice(f"{state.label} failed ({outcome.failure.message}); trying again")
            time.sleep(backoff_seconds(state.attempt))
            state.attempt += 1
            outcome = self._attempt(state)
        runner.take_outcome(state, outcome)

    def _attempt(self, state: CallState) -> Outcome:
        arguments = self._arguments(state)
        if isinstance(arguments, Failure):
            return not_begun(arguments, self._runner.stores.blobs)
        outcome = self._call(state, arguments)
        mutated = self._mutated_input(state, arguments)
        if mutated:
            self._forget_live_inputs(state)
            outcome.failure = outcome.failure or Failure(
                "MutatedInput",
                f"it mutated its input `{mutated}`; copy what you change, for example {mutated} = {mutated}.copy()",
                "",
            )
        return outcome

    def _arguments(self, state: CallState) -> dict[str, Any] | Failure:
        runner, found = self._runner, {}
        for name, given in state.call.arguments.items():
            try:
                found[name] = replace_refs(given, lambda ref: runner.read(runner.state_of(ref), path_of(ref)))
            except SolventError as error:
                return unreadable(name, error)
        for producer in state.producers:
            runner.shelf.take(producer)
        return found

    def _call(self, state: CallState, arguments: dict[str, Any]) -> Outcome:
        runner = self._runner
        job = Job(
            state.call.step,
            arguments,
            state.key,
            runner.keyer.run_seed,
            self._root,
            runner.stores.home,
            state.declared_files,
            runner.keyer.memo,
            frozenset({runner.writer.thread_id}),
            packages=state.code.packages if state.code else (),
            known_modules=state.code.files if state.code else (),
            sensitive=runner.stores.project.settings.sensitive_columns,
            sources=catalogue.known(self._root),
        )
        show = (lambda text: runner.watcher.output(state.label, text)) if runner.watcher.shows_output else None
        output = StepOutput(show, on_debugger=runner.watcher.make_room)
        return execute(job, runner.stores.blobs, output, in_worker=False)

    def _mutated_input(self, state: CallState, arguments: dict[str, Any]) -> str | None:
        for name, value in arguments.items():
            before: Identity | None = state.arguments.get(name)
            if before is None or is_immutable(value):
                continue
            if _digest(value) != before.digest:
                return name
        return None

    def _forget_live_inputs(self, state: CallState) -> None:
        """Drop what the step may have changed; who needs it next reads the stored bytes."""
        for producer in state.producers:
            for output in producer.outputs.values():
                if output.artifact is not None:
                    output.drop()


def _digest(value: Any) -> str | None:
    """Give the digest of a value, or None if something was put into it that has none."""
    try:
        return identify(value).digest
    except SolventError:
        return None
