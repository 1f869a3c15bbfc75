"""The tracer that executes: a pipeline's body calls it, it gives back Refs and lets a driver run the steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from solvent.errors import AuthoringError
from solvent.pipelines.ref import Ref, part_of, path_of
from solvent.pipelines.step import Step
from solvent.plan.graph import CallLog
from solvent.runs.runner import Runner
from solvent.runs.state import CallState


class Driver(Protocol):
    """Runs calls: at once in this process, or as their inputs become ready in others."""

    name: str

    def add(self, state: CallState) -> None: ...

    def wait(self, state: CallState) -> None: ...

    def finish(self) -> None: ...

    def stop_now(self) -> None: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


class RunTracer:
    """Notes each call in order and hands it to the driver."""

    def __init__(self, runner: Runner, driver: Driver) -> None:
        self._runner = runner
        self._driver = driver
        self._calls = CallLog()

    def call(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ref:
        self._runner.writer.check()
        call = self._calls.note(step, args, kwargs)
        state = CallState(call)
        state.producers = [self._runner.states[index] for index in dict.fromkeys(i for i, _ in call.producers)]
        self._runner.states.append(state)
        self._driver.add(state)
        return Ref(self, call, (), step.returns)

    def value(self, ref: Ref) -> Any:
        state = self._runner.state_of(ref)
        if not state.ended:
            self._driver.wait(state)
        self._calls.forced(state.index)
        return self._runner.value(state, path_of(ref))

    def each(self, ref: Ref) -> Iterator[Any]:
        whole = self.value(ref)
        if not isinstance(whole, list | tuple):
            raise AuthoringError(
                f"each() needs a step that returns a list; `{self._runner.state_of(ref).name}` "
                f"returned a {type(whole).__name__}",
                where=self._runner.state_of(ref).call.line,
                hint="return a list, or take the value with value()",
            )
        for index in range(len(whole)):
            yield part_of(ref, index)
