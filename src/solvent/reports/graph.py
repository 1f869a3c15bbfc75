"""The graph of a run as a drawing: what was called, in layers from its sources down, and how each call ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from solvent.profiles.charts import cut
from solvent.profiles.svg import Drawing, Svg, short
from solvent.runs.views import StepRun
from solvent.runs.words import seconds_text

MOST_NODES = 60
"""A run of more calls is drawn with one node for each step."""

_WIDTH, _HEIGHT, _ACROSS, _DOWN = 150, 40, 18, 34


class Node(NamedTuple):
    """One box: a call, or all calls of a step; `detail` says how it ended."""

    name: str
    status: str
    detail: str


def draw_graph(steps: Sequence[StepRun]) -> Svg:
    """Draw the calls of a run, or its steps where there are many calls."""
    folded = len(steps) > MOST_NODES
    names = {step.position: step.name if folded else step.label for step in steps}
    nodes = _nodes(steps, names)
    edges = {
        (names[given.position], names[step.position])
        for step in steps
        for given in step.input_records
        if given.position in names and given.run_id == step.run_id
    }
    edges = {(one, two) for one, two in edges if one != two}
    return _draw(nodes, sorted(edges), _layers(list(nodes), edges))


def _nodes(steps: Sequence[StepRun], names: Mapping[int, str]) -> dict[str, Node]:
    grouped: dict[str, list[StepRun]] = {}
    for step in steps:
        grouped.setdefault(names[step.position], []).append(step)
    return {name: _node(name, some) for name, some in grouped.items()}


def _node(name: str, steps: Sequence[StepRun]) -> Node:
    if len(steps) == 1:
        step = steps[0]
        return Node(name, step.status, f"{step.status} {seconds_text(step.seconds)}" if step.seconds else step.status)
    counts: dict[str, int] = {}
    for step in steps:
        counts[step.status] = counts.get(step.status, 0) + 1
    worst = next((each for each in ("failed", "cancelled", "skipped", "done") if each in counts), "reused")
    return Node(f"{name} × {len(steps)}", worst, ", ".join(f"{number} {status}" for status, number in counts.items()))


def _layers(names: Sequence[str], edges: set[tuple[str, str]]) -> list[list[str]]:
    """Put each box one layer below the lowest that it needs; steps that need each other stay in order of their calls."""
    depth = dict.fromkeys(names, 0)
    for _ in range(len(names)):
        deeper = {two: depth[one] + 1 for one, two in edges if depth[two] <= depth[one] < len(names)}
        if not deeper:
            break
        for two, level in deeper.items():
            depth[two] = max(depth[two], level)
    layers: dict[int, list[str]] = {}
    for name in names:
        layers.setdefault(depth[name], []).append(name)
    return [layers[level] for level in sorted(layers)]


def _draw(nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]], layers: Sequence[Sequence[str]]) -> Svg:
    widest = max((len(layer) for layer in layers), default=0)
    width = max(1, widest) * (_WIDTH + _ACROSS)
    drawing = Drawing(width, len(layers) * (_HEIGHT + _DOWN) - _DOWN + 4, "chart graph")
    place = {
        name: ((at + 0.5) * width / len(layer) - _WIDTH / 2, level * (_HEIGHT + _DOWN) + 2)
        for level, layer in enumerate(layers)
        for at, name in enumerate(layer)
    }
    for one, two in edges:
        (x1, y1), (x2, y2) = place[one], place[two]
        top, bottom = (x1 + _WIDTH / 2, y1 + _HEIGHT), (x2 + _WIDTH / 2, y2)
        bend = (top[1] + bottom[1]) / 2
        points = [(top[0], bend), (bottom[0], bend), bottom]
        curve = " ".join(f"{short(x)} {short(y)}" for x, y in points)
        drawing.path("edge", f"M{short(top[0])} {short(top[1])}C{curve}")
    for name, node in nodes.items():
        x, y = place[name]
        drawing.rectangle(f"node {node.status}", x, y, _WIDTH, _HEIGHT, f"{node.name}: {node.detail}")
        drawing.text(x + _WIDTH / 2, y + 17, cut(node.name, 22), "middle")
        drawing.text(x + _WIDTH / 2, y + 32, cut(node.detail, 26), "middle", "faint")
    words = "; ".join(f"{node.name} {node.detail}" for node in nodes.values())
    return drawing.done(f"graph of steps: {words or 'no steps'}")
