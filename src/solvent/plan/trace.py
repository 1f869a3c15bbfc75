"""A tracer that only records: what a run would do, found out without running a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from solvent.pipelines.context import inside_run
from solvent.pipelines.places import shorten, user_line
from solvent.pipelines.ref import Ref, call_of, describe, part_of
from solvent.pipelines.step import Step
from solvent.plan.graph import Call, CallLog

REUSE, RUN, MAYBE = "reuse", "run", "maybe"


class Found(NamedTuple):
    """What the cache knows of a call: whether its result is there, and why or why not in words."""

    reused: bool
    why: str


class Lookup(Protocol):
    """What a plan asks of those who have stores."""

    def find(self, call: Call) -> Found:
        """Look for the result of a call; asked only when all that it takes was found."""
        ...

    def value(self, ref: Ref) -> Any:
        """Load what was found."""

    def seconds(self, call: Call) -> float | None:
        """Give how long such a call took so far, or None if it never ran."""


class Planned(NamedTuple):
    """One call of a plan: `what` is reuse, run or maybe; `seconds` are expected from history, 0 for what is reused."""

    call: Call
    what: str
    why: str
    seconds: float | None


class Stop(NamedTuple):
    """Where the body needs a value that only a run can give: all that follows depends on `call`."""

    call: Call
    line: str


class Plan(NamedTuple):
    """What a run would do, call by call, up to `stop` if the rest depends on a value that isn't there yet."""

    pipeline: str
    calls: tuple[Planned, ...]
    stop: Stop | None = None

    @property
    def seconds(self) -> float:
        """What the planned calls are expected to take, one after the other; calls that never ran count as nothing."""
        return sum(planned.seconds or 0 for planned in self.calls)


class NeedsRun(BaseException):
    """Ends the trace of a body at a value that isn't there; no `except Exception` of the body may catch it."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop


class PlanTracer:
    """Notes the calls of a body and asks the lookup about each one whose inputs were found."""

    def __init__(self, lookup: Lookup) -> None:
        self.planned: list[Planned] = []
        self._lookup = lookup
        self._log = CallLog()

    def call(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ref:
        call = self._log.note(step, args, kwargs)
        self.planned.append(self._decide(call))
        return Ref(self, call, (), step.returns)

    def value(self, ref: Ref) -> Any:
        call: Call = call_of(ref)
        if self.planned[call.index].what != REUSE:
            raise NeedsRun(Stop(call, user_line()))
        self._log.forced(call.index)
        return self._lookup.value(ref)

    def each(self, ref: Ref) -> Iterator[Any]:
        return iter([part_of(ref, place) for place in range(len(self.value(ref)))])

    def _decide(self, call: Call) -> Planned:
        unknown = [ref for _, ref in call.refs if self.planned[call_of(ref).index].what != REUSE]
        if unknown:
            return Planned(call, MAYBE, f"{describe(unknown[0])} will be made again", self._lookup.seconds(call))
        found = self._lookup.find(call)
        if found.reused:
            return Planned(call, REUSE, found.why, 0.0)
        return Planned(call, RUN, found.why, self._lookup.seconds(call))


def trace(name: str, body: Callable[[], Any], lookup: Lookup) -> Plan:
    """Run the body of a pipeline without running its steps, as far as it goes without a value that isn't there."""
    tracer = PlanTracer(lookup)
    stop = None
    try:
        with inside_run(tracer):
            body()
    except NeedsRun as needs:
        stop = needs.stop
    return Plan(name, tuple(tracer.planned), stop)


def describe_stop(stop: Stop) -> str:
    """Say in words on which step the rest of a plan depends."""
    name = f"{stop.call.step.spec.name}[{stop.call.occurrence}]"
    return f"the rest depends on the value of {name} ({shorten(stop.line)})"
