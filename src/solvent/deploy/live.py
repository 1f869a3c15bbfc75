"""What a live step may not do: read what is no part of the request, draw by chance, or learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from solvent.deploy.graph import ancestors, descendants, draw_path, label_of
from solvent.deploy.impure import find_impurities
from solvent.deploy.mixed import find_mixed
from solvent.errors import BundleError
from solvent.model import ArtifactRef
from solvent.pipelines.ref import Ref, call_of, describe, path_of
from solvent.runs.consumers import is_fitted
from solvent.runs.dataflow import PREPROCESS, Node

if TYPE_CHECKING:
    from solvent.deploy.slice import Slice
    from solvent.plan.graph import Call
    from solvent.runs.demand import Demand
    from solvent.runs.reenact import Traced

_OBSERVED = {"file": "reads the file {}", "folder": "lists the folder {}", "source": "reads the source {}"}
_CALLED = {
    "clock": "reads the clock",
    "chance": "draws random numbers without a seed",
    "seed": "draws random numbers by the step's seed",
    "environment": "reads the environment of the process",
    "network": "asks the network or another program",
}
_FREEZE = "do it in a step of its own that takes nothing of the request: its result is then frozen"
_HINTS = {
    "read": _FREEZE,
    "seed": "a request has no seed: draw in a step of its own and pass what was drawn",
    "clock": "the time is no part of the request: make it a column, or a value of the config",
    "chance": "give the generator a constant seed, or draw in a step of its own",
    "environment": "make it a value of the config: a server has another environment",
    "network": _FREEZE,
    "fit": "fit on the train part in a step of its own, and pass what was fitted",
    "plain": "compute it before value(...) is asked, or in a step: a step's result is followed",
    "mixed": "a request is one output: put them into one table, or pass a part of the train part",
}


def check_live(name: str, found: Slice, traced: Traced) -> None:
    """Refuse a slice with a live step that would answer by more than its request; BundleError draws the path to it."""
    calls = [state.call for state in traced.demand.states]
    for call in found.live:
        for kind, what in _faults(call, found, traced, calls):
            path = _path_through(calls, found, call)
            label = label_of(calls, Node(call.index, ""))
            raise BundleError(
                f"endpoint {name!r}: live step `{label}` {what}\n" + draw_path(calls, path, {call.index: "here"}),
                hint=_HINTS[kind],
            )


def _faults(call: Call, found: Slice, traced: Traced, calls: Sequence[Call]) -> Iterator[tuple[str, str]]:
    yield from _observed(call, traced.demand)
    yield from _coded(call, traced.demand)
    yield from _fitted(call, traced.demand)
    yield from _computed(call, found, traced, calls)
    for what in find_mixed(call, found, traced.demand, calls):
        yield "mixed", what


def _observed(call: Call, demand: Demand) -> Iterator[tuple[str, str]]:
    state = demand.states[call.index]
    execution = demand.record(state).execution
    for each in execution.observations if execution else ():
        if each.kind in _OBSERVED:
            yield "read", _OBSERVED[each.kind].format(each.subject)
    for file in state.declared_files:
        yield "read", f"takes the file {file}"


def _coded(call: Call, demand: Demand) -> Iterator[tuple[str, str]]:
    state, spec = demand.states[call.index], call.step.spec
    code, step = state.code, f"{spec.module}.{spec.qualname}"
    if code is None or spec.module.startswith("solvent."):
        return
    for each in find_impurities(code, step):
        yield each.kind, f"{_CALLED[each.kind]}: {each.name} at {each.place}"


def _fitted(call: Call, demand: Demand) -> Iterator[tuple[str, str]]:
    kind = call.step.output_type
    if kind is not None and f"{kind.__module__}:{kind.__qualname__}" == PREPROCESS:
        yield "fit", "gives a fitted preprocessing"
    for field, output in demand.states[call.index].field_outputs().items():
        for name in _estimators(output.artifact):
            yield "fit", f"gives an estimator{' as ' + field if field else ''}: {name}"


def _estimators(artifact: ArtifactRef | None) -> Iterator[str]:
    """Name the estimators that an artifact is or holds."""
    if artifact is not None and is_fitted(artifact.type, artifact.format):
        yield artifact.type.rpartition(":")[2]
    for child in artifact.children if artifact is not None else ():
        yield from _estimators(child)


def _computed(call: Call, found: Slice, traced: Traced, calls: Sequence[Call]) -> Iterator[tuple[str, str]]:
    """Find plain arguments that the body may have made of a value that depends on the request."""
    asked = [each for each in traced.demand.asked or () if each.before <= call.index]
    below = descendants(calls, found.request)
    dependent = [each for each in asked if call_of(each.ref).index in below or _is_request(each.ref, found.request)]
    if not dependent:
        return
    known = _Known(traced, [each.value for each in asked if each not in dependent])
    for name, given in call.arguments.items():
        strange = known.strange(given, call, name)
        if strange:
            yield (
                "plain",
                f"takes {name}={strange[0]!r:.60}, which the body computed after it asked for the value of"
                f" `{describe(dependent[0].ref)}`",
            )


def _is_request(ref: Ref, request: Node) -> bool:
    return call_of(ref).index == request.position and path_of(ref)[:1] in ((), (request.field,))


class _Known:
    """The values that a body has of itself: its config, its constants, globals of its module, and what it was told."""

    def __init__(self, traced: Traced, told: Sequence[Any]) -> None:
        self._values = [part for each in (traced.config, *told) for part in _leaves(each)]
        for function in _functions(traced.pipeline.__wrapped__):
            self._values += [part for each in function.__code__.co_consts for part in _leaves(each)]
            names = function.__globals__
            self._values += [part for name in function.__code__.co_names for part in _leaves(names.get(name))]

    def strange(self, given: Any, call: Call, name: str) -> list[Any]:
        """Give what of an argument is none of them, nor the step's default; a Ref is followed, and strange to nobody."""
        parameter = call.step.signature.full.parameters.get(name)
        values = [*self._values, *(_leaves(parameter.default) if parameter else ())]
        parts = [each for each in _leaves(given) if not isinstance(each, Ref | list | tuple | dict | set | frozenset)]
        parts = [each for each in parts if not hasattr(type(each), "__dataclass_fields__")]
        if any(_equal(each, given) for each in values):
            return []
        return [part for part in parts if not any(_equal(each, part) for each in values)]


def _equal(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    try:
        return bool(one == other)
    except Exception:
        return False


def _leaves(value: Any, depth: int = 0) -> Iterator[Any]:
    """Give a value and all values inside it."""
    yield value
    if depth > 8:
        return
    if isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    elif hasattr(type(value), "__dataclass_fields__"):
        parts = [getattr(value, name, None) for name in type(value).__dataclass_fields__]
    else:
        parts = []
    for part in parts:
        yield from _leaves(part, depth + 1)


def _functions(body: Any, seen: frozenset[int] = frozenset()) -> Iterator[Any]:
    """Give the function of a pipeline, and those of the pipelines and plain functions of its module that it calls."""
    from types import FunctionType

    if id(body) in seen or not isinstance(body, FunctionType):
        return
    yield body
    for name in body.__code__.co_names:
        other = body.__globals__.get(name)
        if getattr(other, "__solvent_pipeline__", False) or getattr(other, "__module__", None) == body.__module__:
            yield from _functions(getattr(other, "__wrapped__", other), seen | {id(body)})


def _path_through(calls: Sequence[Call], found: Slice, call: Call) -> list[Call]:
    """Give the live calls on ways from the request through a call to the response, the request's first."""
    ways = ancestors(calls, [call.index]) | descendants(calls, Node(call.index, ""))
    return [calls[found.request.position], *(each for each in found.live if each.index in ways)]
