"""The slice of a recorded run between a request and a response: what is live, and what is frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.graph import ancestors, descendants
from solvent.errors import BundleError, nearest
from solvent.model import WHOLE
from solvent.pipelines.containers import find_refs
from solvent.pipelines.endpoint import Output
from solvent.pipelines.ref import call_of
from solvent.runs.dataflow import Node

if TYPE_CHECKING:
    from solvent.deploy.slicing import Declaration
    from solvent.plan.graph import Call
    from solvent.runs.demand import Demand


class Slice(NamedTuple):
    """What is served: `request` and `response` are outputs of the run, `live` the calls between them in call order."""

    request: Node
    response: Node
    live: tuple[Call, ...]


def cut(endpoint: Declaration, demand: Demand, result: Any) -> Slice:
    """Find the slice that an endpoint declares; BundleError says why there is none."""
    calls = [state.call for state in demand.states]
    results = {call_of(ref).index for _, ref in find_refs({"result": result})}
    request = _find(endpoint, "request", endpoint.request, calls, results)
    response = _find(endpoint, "response", endpoint.response, calls, results)
    live = descendants(calls, request) & ancestors(calls, [response.position])
    if response.position not in live:
        raise BundleError(f"endpoint {endpoint.name!r}: the response does not depend on the request")
    return Slice(request, response, tuple(calls[index] for index in sorted(live)))


def _find(endpoint: Declaration, what: str, text: str, calls: list[Call], results: set[int]) -> Node:
    output = Output(text)
    found = [call for call in calls if call.step.spec.name == output.step]
    if not found:
        names = dict.fromkeys(call.step.spec.name for call in calls)
        raise BundleError(
            f"endpoint {endpoint.name!r}: no step {output.step!r} in the run{nearest(output.step, names)}",
            hint=f"{what}= one of {', '.join(names)}",
        )
    if output.index is not None:
        found = [call for call in found if call.occurrence == output.index]
    if len(found) > 1:
        above = ancestors(calls, results)
        below = set().union(*(descendants(calls, Node(index, WHOLE)) for index in results))
        found = [call for call in found if call.index in above | below]
    if len(found) != 1:
        raise BundleError(f"endpoint {endpoint.name!r}: {what} {text!r} stands for {len(found)} calls")
    return Node(found[0].index, output.field)
