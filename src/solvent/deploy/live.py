"""What a live step may not do: read what is no part of the request, draw by chance, or learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from solvent.deploy.graph import ancestors, descendants, draw_path, label_of
from solvent.deploy.impure import find_impurities
from solvent.errors import BundleError
from solvent.pipelines.containers import find_refs
from solvent.pipelines.ref import call_of, path_of
from solvent.runs.consumers import is_fitted
from solvent.runs.dataflow import Node

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
    yield from _mixed(call, found, traced.demand, calls)


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
    for field, output in demand.states[call.index].field_outputs().items():
        artifact = output.artifact
        if artifact is not None and is_fitted(artifact.type, artifact.format):
            name = artifact.type.rpartition(":")[2]
            yield "fit", f"gives an estimator{' as ' + field if field else ''}: {name}"


def _computed(call: Call, found: Slice, traced: Traced, calls: Sequence[Call]) -> Iterator[tuple[str, str]]:
    """Find plain arguments that the body may have made of a value that depends on the request."""
    forced = {index for each in calls[: call.index + 1] for index in each.control}
    below = descendants(calls, found.request) | {found.request.position}
    asked = sorted(forced & below)
    if not asked:
        return
    known = _Known(traced)
    for name, given in call.arguments.items():
        if not find_refs({name: given}) and not known.has(given, call, name):
            first = label_of(calls, Node(asked[0], ""))
            yield (
                "plain",
                f"takes {name}={given!r:.60}, which the body computed after it asked for the value of `{first}`",
            )


class _Known:
    """The values that a body has without a step: its config, its constants, and globals of its module."""

    def __init__(self, traced: Traced) -> None:
        self._values = list(_leaves(traced.config))
        for function in _functions(traced.pipeline.__wrapped__):
            self._values += [part for each in function.__code__.co_consts for part in _leaves(each)]
            names = function.__globals__
            self._values += [part for name in function.__code__.co_names for part in _leaves(names.get(name))]

    def has(self, given: Any, call: Call, name: str) -> bool:
        default = (
            call.step.signature.full.parameters[name].default if name in call.step.signature.full.parameters else None
        )
        return any(type(each) is type(given) and _equal(each, given) for each in (*self._values, default))


def _equal(one: Any, other: Any) -> bool:
    if one is other:
        return True
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


def _mixed(call: Call, found: Slice, demand: Demand, calls: Sequence[Call]) -> Iterator[tuple[str, str]]:
    """Find another field of the request's step that has as many rows: rows of the same request would be frozen."""
    request = found.request
    if not request.field:
        return
    for _, ref in call.refs:
        path = path_of(ref)
        if call_of(ref).index == request.position and path and path[0] != request.field:
            other = Node(request.position, str(path[0]))
            state = demand.states[request.position]
            rows = [_rows(demand.read(state, (node.field,))) for node in (request, other)]
            if rows[0] is not None and rows[0] == rows[1]:
                yield "mixed", f"takes `{label_of(calls, other)}` too, which has a row for each row of the request"


def _rows(value: Any) -> int | None:
    if isinstance(value, str | bytes | dict) or not hasattr(value, "__len__"):
        return None
    return len(value)


def _path_through(calls: Sequence[Call], found: Slice, call: Call) -> list[Call]:
    """Give the live calls on ways from the request through a call to the response, the request's first."""
    ways = ancestors(calls, [call.index]) | descendants(calls, Node(call.index, ""))
    return [calls[found.request.position], *(each for each in found.live if each.index in ways)]
