"""A slice that runs in the process that cuts it: its live steps as they are loaded, with all else as it was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvent.pipelines.containers import replace, replace_refs
from solvent.pipelines.ref import Ref, call_of, part_of, path_of
from solvent.runs.outputs import rebuild

if TYPE_CHECKING:
    from solvent.deploy.slice import Slice
    from solvent.plan.graph import Call
    from solvent.runs.dataflow import Node
    from solvent.runs.demand import Demand


class Rerun:
    """Gives the response to any request of the type that was recorded; what a live step raises passes through."""

    def __init__(self, found: Slice, demand: Demand) -> None:
        self._slice = found
        self._places = {call.index: at for at, call in enumerate(found.live)}
        self._demand = demand
        self._frozen: dict[tuple[int, tuple[Any, ...]], Any] = {}
        self._steps = [(call.step, self._template(call)) for call in found.live]

    def recorded(self, node: Node) -> Any:
        """Give the recorded value of an output."""
        return self._demand.read(self._demand.states[node.position], _path(node))

    def __call__(self, request: Any) -> Any:
        results: list[Any] = []
        for step, template in self._steps:
            given = {name: replace(each, _is_gap, lambda gap: gap.fill(request, results)) for name, each in template}
            results.append(step.apply(given))
        response = self._slice.response
        return walk(results[self._places[response.position]], _path(response))

    def _template(self, call: Call) -> list[tuple[str, Any]]:
        return [(name, replace_refs(given, self._gap)) for name, given in call.arguments.items()]

    def _gap(self, ref: Ref) -> Any:
        index, path, request = call_of(ref).index, path_of(ref), self._slice.request
        own = _path(request)
        if index == request.position and path[: len(own)] == own:
            return _Gap(None, path[len(own) :])
        if index == request.position and not path:
            return whole_with_request(ref, request.field, self._gap)
        if index in self._places:
            return _Gap(self._places[index], path)
        if (index, path) not in self._frozen:
            self._frozen[index, path] = self._demand.read(self._demand.states[index], path)
        return self._frozen[index, path]


def whole_with_request(ref: Ref, field: str, put: Any) -> Any:
    """Put a whole that holds the request together of its fields, each replaced as `put` does it."""
    step = call_of(ref).step
    return rebuild(step, {name: put(part_of(ref, name)) for name in step.fields})


class _Gap:
    """The place of a live value: in the request, or in the result of an earlier live step."""

    __slots__ = ("_index", "_path")

    def __init__(self, index: int | None, path: tuple[str | int, ...]) -> None:
        self._index = index
        self._path = path

    def fill(self, request: Any, results: list[Any]) -> Any:
        return walk(request if self._index is None else results[self._index], self._path)


def _is_gap(given: Any) -> bool:
    return type(given) is _Gap


def _path(node: Node) -> tuple[str, ...]:
    return (node.field,) if node.field else ()


def walk(whole: Any, path: tuple[str | int, ...]) -> Any:
    """Give the part at a path: declared fields by name, elements by number."""
    for part in path:
        if isinstance(part, str) and not hasattr(whole, part):
            part = int(part)
        whole = whole[part] if isinstance(part, int) else getattr(whole, part)
    return whole
