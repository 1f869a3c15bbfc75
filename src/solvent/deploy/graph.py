"""The calls of a recorded run as a graph: what depends on what, by output field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from solvent.pipelines.places import shorten
from solvent.runs.dataflow import Node

if TYPE_CHECKING:
    from solvent.plan.graph import Call

_WIDTH = 80
"""What is drawn fits a terminal."""


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


def label_of(calls: Sequence[Call], node: Node) -> str:
    """Name an output as a declaration does: step, the place among its calls if there are several, and field."""
    call = calls[node.position]
    several = sum(each.step.spec.name == call.step.spec.name for each in calls) > 1
    place = f"[{call.occurrence}]" if several else ""
    return f"{call.step.spec.name}{place}{'.' + node.field if node.field else ''}"


def draw_path(calls: Sequence[Call], path: Iterable[Call], marks: Mapping[int, str] | None = None) -> str:
    """Draw calls one below the other, each with what it takes and its line; `marks` says something of one."""
    shown = list(path)
    inside = {call.index for call in shown}
    names = [label_of(calls, Node(call.index, "")) for call in shown]
    width = max(map(len, names), default=0)
    lines = []
    for call, name in zip(shown, names, strict=True):
        taken = [label_of(calls, Node(index, field or "")) for index, field in call.producers if index in inside]
        takes = f"  takes {', '.join(taken)}" if taken else ""
        mark = f"  <- {marks[call.index]}" if marks and call.index in marks else ""
        line = f"    {name:{width}}  {shorten(call.line)}{takes}"
        room = _WIDTH - len(mark)
        lines.append((line if len(line) <= room else line[: room - 3] + "...") + mark)
    return "\n".join(lines)
