"""Dependence in a run as a graph, against a program that is simply run with another request."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.deploy.graph import ancestors, descendants
from solvent.runs.dataflow import Node

pytestmark = pytest.mark.slow

FIELDS = (None, "a", "b")


class Call(NamedTuple):
    """What of a call the graph is made of."""

    index: int
    producers: tuple[tuple[int, str | None], ...]


@st.composite
def runs(draw: st.DrawFn) -> list[Call]:
    """Calls that take outputs of earlier ones: wholes, or their fields a and b."""
    calls = []
    for index in range(draw(st.integers(2, 9))):
        earlier = st.tuples(st.integers(0, max(0, index - 1)), st.sampled_from(FIELDS))
        calls.append(Call(index, tuple(draw(st.lists(earlier, max_size=3 if index else 0, unique=True)))))
    return calls


def outputs_of(calls: list[Call], request: Node, marked: bool) -> list[dict[str, Any]]:
    """Run the calls: each gives all that it took; a marked request is another value."""
    made: list[dict[str, Any]] = []
    for call in calls:
        taken = tuple(made[index][field] if field else tuple(made[index].values()) for index, field in call.producers)
        fields = {name: (call.index, name, taken) for name in ("a", "b")}
        if marked and call.index == request.position:
            fields |= {name: "another" for name in fields if request.field in ("", name)}
        made.append(fields)
    return made


@given(runs(), st.data())
def test_what_depends_on_an_output_is_what_changes_with_it(calls: list[Call], data: st.DataObject) -> None:
    request = Node(data.draw(st.integers(0, len(calls) - 1)), data.draw(st.sampled_from(["", "a", "b"])))
    before, after = (outputs_of(calls, request, marked) for marked in (False, True))
    changed = {at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other}
    assert descendants(calls, request) == changed - {request.position}  # type: ignore[arg-type]


@given(runs(), st.data())
def test_what_an_output_is_made_of_is_what_it_changes_with(calls: list[Call], data: st.DataObject) -> None:
    response = data.draw(st.integers(0, len(calls) - 1))
    above = {
        at
        for at in range(len(calls))
        if outputs_of(calls, Node(at, ""), False)[response] != outputs_of(calls, Node(at, ""), True)[response]
    }
    assert ancestors(calls, [response]) == above  # type: ignore[arg-type]


@given(runs(), st.data())
def test_what_is_live_is_on_a_way_from_the_request_to_the_response(calls: list[Call], data: st.DataObject) -> None:
    request = Node(data.draw(st.integers(0, len(calls) - 1)), data.draw(st.sampled_from(["", "a", "b"])))
    response = data.draw(st.integers(0, len(calls) - 1))
    live = descendants(calls, request) & ancestors(calls, [response])  # type: ignore[arg-type]
    assert (response in live) == (response in descendants(calls, request))  # type: ignore[arg-type]
    frozen = {index for at in live for index, _ in calls[at].producers} - live - {request.position}
    assert not frozen & descendants(calls, request)  # type: ignore[arg-type]
