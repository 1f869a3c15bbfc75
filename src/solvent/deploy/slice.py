"""The slice of a recorded run between a request and a response: what is live, and what is frozen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.graph import ancestors, descendants, draw_path, label_of
from solvent.errors import BundleError, nearest
from solvent.model import WHOLE
from solvent.pipelines.containers import find_refs
from solvent.pipelines.endpoint import Output
from solvent.pipelines.places import shorten
from solvent.pipelines.ref import call_of
from solvent.runs.dataflow import Node

if TYPE_CHECKING:
    from solvent.deploy.slicing import Declaration
    from solvent.plan.graph import Call
    from solvent.runs.demand import Demand


class Slice(NamedTuple):
    """What is served: `request` and `response` are outputs of the run, `live` the calls between them in call order.

    `all_columns` are those of the recorded request, `left_out` those on which the response does not depend; None for a
    request without columns, such as a list of texts.
    """

    request: Node
    response: Node
    live: tuple[Call, ...]
    all_columns: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a request to the endpoint, in their order."""
        return tuple(name for name in self.all_columns or () if name not in self.left_out)


def cut(endpoint: Declaration, demand: Demand, result: Any) -> Slice:
    """Find the slice that an endpoint declares; BundleError says why there is none.

    A name stands for all calls of its step. Of several those count that the run's result is made of, or, if there is none,
    that are made of the result; then those that lie on a way from the request to the response.
    """
    calls = [state.call for state in demand.states]
    results = {call_of(ref).index for _, ref in find_refs({"result": result})}
    requests = _candidates(endpoint, "request", endpoint.request, calls, results)
    responses = _candidates(endpoint, "response", endpoint.response, calls, results)
    below = {node: descendants(calls, node) for node in requests}
    reached = [node for node in responses if any(node.position in found for found in below.values())]
    if not reached:
        raise _unreached(endpoint, calls, requests, responses)
    response = _only(endpoint, "response", endpoint.response, calls, reached)
    leading = [node for node in requests if response.position in below[node]]
    if len(leading) > 1:
        raise _mixed(endpoint, calls, leading, response)
    request = leading[0]
    live = below[request] & ancestors(calls, [response.position])
    return Slice(request, response, tuple(calls[index] for index in sorted(live)))


def _candidates(
    endpoint: Declaration, what: str, text: str, calls: Sequence[Call], results: Iterable[int]
) -> list[Node]:
    output = Output(text)
    found = [call for call in calls if call.step.spec.name == output.step]
    if not found:
        names = dict.fromkeys(call.step.spec.name for call in calls)
        raise BundleError(
            f"endpoint {endpoint.name!r}: the run has no step {output.step!r}{nearest(output.step, names)}",
            hint=f"{what}= names an output of one of {', '.join(names) or 'no steps'}",
        )
    _check_field(endpoint, what, output, found[0])
    if output.index is not None:
        if output.index >= len(found):
            raise BundleError(
                f"endpoint {endpoint.name!r}: {what} {text!r}, but the run has {len(found)} calls of {output.step!r}",
                hint="they count from 0",
            )
        found = [found[output.index]]
    if len(found) > 1:
        above = ancestors(calls, results)
        kept = [call for call in found if call.index in above]
        if not kept:
            below: set[int] = set().union(*(descendants(calls, Node(index, WHOLE)) for index in results))
            kept = [call for call in found if call.index in below]
        found = kept or found
    return [Node(call.index, output.field) for call in found]


def _check_field(endpoint: Declaration, what: str, output: Output, call: Call) -> None:
    fields = call.step.fields
    if fields and not output.field:
        raise BundleError(
            f"endpoint {endpoint.name!r}: {what} {output.text!r} has the fields {', '.join(fields)}",
            where=f"{shorten(call.step.spec.file)}:{call.step.spec.line}",
            hint=f'name one: {what}="{output.text}.{next(reversed(fields))}"',
        )
    if output.field and output.field not in (fields or ()):
        has = f"declares {', '.join(fields)}" if fields else "declares no fields"
        raise BundleError(
            f"endpoint {endpoint.name!r}: {what} {output.text!r}, but step {output.step!r} {has}"
            f"{nearest(output.field, fields or ())}",
            where=f"{shorten(call.step.spec.file)}:{call.step.spec.line}",
            hint="a step declares its fields by the NamedTuple or dataclass that it returns",
        )


def _only(endpoint: Declaration, what: str, text: str, calls: Sequence[Call], nodes: Sequence[Node]) -> Node:
    if len(nodes) > 1:
        lines = [
            f"  {label_of(calls, node)}  {shorten(calls[node.position].line)}{_taken(calls, node)}" for node in nodes
        ]
        raise BundleError(
            "\n".join([f"endpoint {endpoint.name!r}: {what} {text!r} stands for {len(nodes)} calls:", *lines]),
            hint=f'choose one: {what}="{label_of(calls, nodes[0])}"',
        )
    return nodes[0]


def _taken(calls: Sequence[Call], node: Node) -> str:
    taken = [label_of(calls, Node(index, field or "")) for index, field in calls[node.position].producers]
    return f"  took {', '.join(taken)}" if taken else ""


def _unreached(
    endpoint: Declaration, calls: Sequence[Call], requests: Sequence[Node], responses: Sequence[Node]
) -> BundleError:
    request, response = requests[0], responses[0]
    if any(request.position in descendants(calls, node) for node in responses):
        how = f"`{label_of(calls, request)}` is made of `{label_of(calls, response)}`: they are declared the wrong way round"
    else:
        how = f"`{label_of(calls, response)}` does not depend on `{label_of(calls, request)}`"
    above = [call for call in calls if call.index in ancestors(calls, [response.position])]
    return BundleError(
        f"endpoint {endpoint.name!r}: the response does not depend on the request: {how}\n"
        + draw_path(calls, above[-6:]),
        hint="name an output that the response is made of as the request",
    )


def _mixed(endpoint: Declaration, calls: Sequence[Call], requests: Sequence[Node], response: Node) -> BundleError:
    names = " and ".join(f"`{label_of(calls, node)}`" for node in requests)
    above = ancestors(calls, [response.position])
    path = [call for call in calls if call.index in above and call.index >= requests[0].position]
    return BundleError(
        f"endpoint {endpoint.name!r}: two requests are mixed: the response depends on {names}\n"
        + draw_path(calls, path),
        hint=f'choose one: request="{label_of(calls, requests[0])}"; the other is then frozen',
    )
