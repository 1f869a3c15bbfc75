"""The calls of a recorded run as a graph: what depends on what, by output field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from solvent.runs.dataflow import Node

if TYPE_CHECKING:
    from solvent.plan.graph import Call


def takes(call: Call, node: Node) -> bool:
    """Whether a call takes an output, or a part of it, or a whole that holds it."""
    return any(
        index == node.position and (field is None or not node.field or field == node.field)
        for index, field in call.producers
    )


def descendants(calls: Sequence[Call], node: Node) -> set[int]:
    """Give the calls that depend on an output: all that they give depends on it."""
    found: set[int] = set()
    for call in calls[node.position + 1 :]:
        if takes(call, node) or any(index in found for index, _ in call.producers):
            found.add(call.index)
    return found


def ancestors(calls: Sequence[Call], indices: Iterable[int]) -> set[int]:
    """Give the calls that these are made of, themselves included."""
    found: set[int] = set()
    waiting = list(indices)
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += [producer for producer, _ in calls[index].producers]
    return found
