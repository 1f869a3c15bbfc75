"""Rows of the request that would be frozen: another output of the run that has a row for each row of the request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from solvent.deploy.graph import label_of
from solvent.errors import SolventError
from solvent.pipelines.ref import call_of, path_of
from solvent.runs.dataflow import Node, side_of

if TYPE_CHECKING:
    from solvent.deploy.slice import Slice
    from solvent.plan.graph import Call
    from solvent.runs.demand import Demand


def find_mixed(call: Call, found: Slice, demand: Demand, calls: Sequence[Call]) -> Iterator[str]:
    """Name what a live call takes beside the request that holds rows of the same request, which would stay as recorded.

    Such are other fields of the step that gave the request, what the request was made of, and what was made of those, as far
    as they have as many rows; the train part is none, also if it is as long.
    """
    live = {each.index for each in found.live}
    taken = {_node(ref) for _, ref in call.refs if call_of(ref).index not in live}
    taken -= {found.request, Node(found.request.position, "")}
    if not taken:
        return
    rows = _Rows(demand)
    count = rows.count(found.request)
    if count is None or count < 2:
        return
    related: set[Node] | None = None
    for node in sorted(taken):
        if rows.count(node) == count:
            related = related or _related(found.request, calls, rows, count)
            if _above(node, calls, rows, count) & related:
                yield f"takes `{label_of(calls, node)}` too, which has a row for each row of the request"


def _related(request: Node, calls: Sequence[Call], rows: _Rows, count: int) -> set[Node]:
    """Give what the request was made of row by row, and the other fields beside it that are of the same side of a split."""
    side = side_of(request.field)
    fields = (calls[request.position].step.fields or ()) if request.field else ()
    beside = {Node(request.position, name) for name in fields if {side, side_of(name)} - {None} in (set(), {side})}
    return (_above(request, calls, rows, count) | {node for node in beside if rows.count(node) == count}) - {request}


def _above(node: Node, calls: Sequence[Call], rows: _Rows, count: int) -> set[Node]:
    """Give an output and those that it was made of, as long as they have as many rows."""
    found: set[Node] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each not in found and rows.count(each) == count:
            found.add(each)
            waiting += [Node(index, field or "") for index, field in calls[each.position].producers]
    return found


def _node(ref: Any) -> Node:
    path = path_of(ref)
    return Node(call_of(ref).index, path[0] if path and isinstance(path[0], str) else "")


class _Rows:
    """Counts the rows of recorded outputs, each once."""

    def __init__(self, demand: Demand) -> None:
        self._demand = demand
        self._counts: dict[Node, int | None] = {}

    def count(self, node: Node) -> int | None:
        """Give the number of rows of a table, array or list; None for what has no rows, and for a whole of fields."""
        if node not in self._counts:
            self._counts[node] = self._counted(node)
        return self._counts[node]

    def _counted(self, node: Node) -> int | None:
        state = self._demand.states[node.position]
        if not node.field and state.call.step.fields:
            return None
        try:
            value = self._demand.read(state, (node.field,) if node.field else ())
        except SolventError:
            return None
        if isinstance(value, str | bytes | dict) or not hasattr(value, "__len__"):
            return None
        shape = getattr(value, "shape", None)
        return None if shape == () else len(value) if shape is None else int(shape[0])
