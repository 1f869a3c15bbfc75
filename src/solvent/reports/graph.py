"""The graph of a run's steps as a drawing: layers from the sources to the results, each step a box that says how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from solvent.profiles.charts import cut
from solvent.profiles.svg import Drawing, Svg, short
from solvent.runs.views import StepRun
from solvent.runs.words import seconds_text

_WIDTH, _HEIGHT = 138.0, 40.0
_ALONG, _BESIDE = 34.0, 14.0
_THIN = 10.0
_WIDEST = 1300.0
_SWEEPS = 6
_FOLDED = 4
"""As many calls of one step, or more, are one box."""
_WORST = ("failed", "running", "cancelled", "skipped", "done", "reused")


@dataclass(slots=True)
class Box:
    """One step, or several calls of it; `anchor` is where the page says more of it."""

    name: str
    words: str
    status: str
    anchor: str
    layer: int = 0
    place: float = 0.0
    through: bool = False
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)


def draw_graph(steps: Sequence[StepRun]) -> Svg | None:
    """Draw the steps of a run from left to right, or downwards where that would be too wide; None for no steps."""
    boxes, edges = fold(steps)
    if not boxes:
        return None
    rows = _layers(boxes, edges)
    upright = len(rows) * (_WIDTH + _ALONG) > _WIDEST
    _order(boxes, rows)
    extent = _place(boxes, rows, upright)
    return _drawing(boxes, edges, len(rows), extent, upright)


def fold(steps: Sequence[StepRun]) -> tuple[list[Box], list[tuple[int, int]]]:
    """Make a box of each call, one of many calls of a step, and the edges between boxes in the order of the calls."""
    calls: dict[str, list[StepRun]] = {}
    for step in steps:
        calls.setdefault(step.name, []).append(step)
    boxes: list[Box] = []
    box_of: dict[int, int] = {}
    for name, found in calls.items():
        groups = [found] if len(found) >= _FOLDED else [[each] for each in found]
        for group in groups:
            box_of |= dict.fromkeys((each.position for each in group), len(boxes))
            boxes.append(_box(name if len(group) > 1 else group[0].label, group))
    edges: dict[tuple[int, int], None] = {}
    first = {at: min(position for position, box in box_of.items() if box == at) for at in range(len(boxes))}
    for step in steps:
        for given in step.input_records:
            if given.run_id == step.run_id and given.position in box_of:
                one, other = box_of[given.position], box_of[step.position]
                if first[one] < first[other]:  # of calls that go round and round, the way forward is drawn
                    edges[one, other] = None
    return boxes, list(edges)


def _box(name: str, group: Sequence[StepRun]) -> Box:
    counts: dict[str, int] = {}
    for each in group:
        counts[each.status] = counts.get(each.status, 0) + 1
    status = min(counts, key=lambda each: _WORST.index(each) if each in _WORST else 0)
    took = seconds_text(sum(each.seconds for each in group)) if {"done", "failed"} & counts.keys() else ""
    if len(group) == 1:
        words = f"{status} {took}".rstrip()
    else:
        words = f"{len(group)} × {status}" if len(counts) == 1 else f"{counts[status]} of {len(group)} {status}"
        words = f"{words} {took}".rstrip()
    return Box(name, words, status, f"#s{group[0].position}")


def _layers(boxes: list[Box], edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Put each box one layer after the last that it needs; where an edge passes layers, it gets a place there too."""
    own = len(boxes)
    needs: dict[int, list[int]] = {}
    for one, other in edges:
        needs.setdefault(other, []).append(one)
    for at in _sorted(own, needs):
        boxes[at].layer = 1 + max((boxes[each].layer for each in needs.get(at, ())), default=-1)
    last_layer = max(each.layer for each in boxes)
    linked = {at for edge in edges for at in edge}
    for at, box in enumerate(boxes):
        if at not in linked and box.status in ("cancelled", "skipped"):
            box.layer = last_layer + 1  # what it would have taken is not on record: it never came
    for one, other in edges:
        last = one
        for layer in range(boxes[one].layer + 1, boxes[other].layer):
            boxes.append(Box("", "", "", "", layer, through=True))
            _join(boxes, last, len(boxes) - 1)
            last = len(boxes) - 1
        _join(boxes, last, other)
    rows: list[list[int]] = [[] for _ in range(1 + max(each.layer for each in boxes))]
    for at, each in enumerate(boxes):
        rows[each.layer].append(at)
    return rows


def _sorted(number: int, needs: dict[int, list[int]]) -> list[int]:
    done: dict[int, None] = {}
    waiting = list(range(number))
    while waiting:
        ready = [at for at in waiting if all(each in done for each in needs.get(at, ()))] or waiting[:1]
        done |= dict.fromkeys(ready)
        waiting = [at for at in waiting if at not in done]
    return list(done)


def _join(boxes: list[Box], one: int, other: int) -> None:
    boxes[one].after.append(other)
    boxes[other].before.append(one)


def _order(boxes: list[Box], rows: list[list[int]]) -> None:
    """Order each layer by where its neighbours are, forth and back, so that few edges cross."""
    for row in rows:
        for at, each in enumerate(row):
            boxes[each].place = float(at)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for row in rows if forward else reversed(rows):
            middle = {}
            for at in row:
                near = boxes[at].before if forward else boxes[at].after
                middle[at] = sum(boxes[each].place for each in near) / len(near) if near else boxes[at].place
            row.sort(key=middle.__getitem__)
            for place, at in enumerate(row):
                boxes[at].place = float(place)


def _place(boxes: list[Box], rows: list[list[int]], upright: bool) -> float:
    """Give each box its middle across the layers; the layers are centred. Give how far they extend."""
    size = _WIDTH if upright else _HEIGHT

    def room(at: int) -> float:
        return (_THIN if boxes[at].through else size) + _BESIDE

    extent = max(sum(map(room, row)) for row in rows) - _BESIDE
    for row in rows:
        place = (extent - (sum(map(room, row)) - _BESIDE)) / 2
        for at in row:
            boxes[at].place = place + (room(at) - _BESIDE) / 2
            place += room(at)
    return extent


def _drawing(boxes: list[Box], edges: Sequence[object], layers: int, extent: float, upright: bool) -> Svg:
    pitch = (_HEIGHT if upright else _WIDTH) + _ALONG
    along = layers * pitch - _ALONG + 8
    drawing = Drawing(*((extent + 8, along) if upright else (along, extent + 8)), "graph")

    def middle(at: int) -> tuple[float, float]:
        here = 4 + boxes[at].layer * pitch + (_HEIGHT if upright else _WIDTH) / 2
        across = 4 + boxes[at].place
        return (across, here) if upright else (here, across)

    for at, box in enumerate(boxes):
        for other in box.after:
            head = not boxes[other].through
            drawing.path("edge", _curve(middle(at), middle(other), box.through, not head, upright))
            if head:
                drawing.path("tip", _tip(middle(other), upright))
    for at, box in enumerate(boxes):
        if not box.through:
            drawing.add(_box_markup(box, *middle(at)))
    own = [each for each in boxes if not each.through]
    words = f"Graph of {len(own)} steps: " + ", ".join(f"{each.name} {each.words}" for each in own[:40])
    return Svg(drawing.done(words).replace('role="img"', f'role="group" aria-label="Graph of {len(own)} steps"', 1))


def _curve(start: tuple[float, float], end: tuple[float, float], thin: bool, on: bool, upright: bool) -> str:
    half = (_HEIGHT if upright else _WIDTH) / 2
    (x1, y1), (x2, y2) = start, end
    if upright:
        y1 += half * (-1 if thin else 1)
        y2 -= half + 5 if not on else half
        bend = (y1 + y2) / 2
        lead = f"M{short(x1)} {short(y1)}" + (f"v{short(2 * half)}" if thin else "")
        y1, bend = (y1 + 2 * half, (y1 + 2 * half + y2) / 2) if thin else (y1, bend)
        return f"{lead}C{short(x1)} {short(bend)} {short(x2)} {short(bend)} {short(x2)} {short(y2)}"
    x1 += half * (-1 if thin else 1)
    x2 -= half + 5 if not on else half
    lead = f"M{short(x1)} {short(y1)}" + (f"h{short(2 * half)}" if thin else "")
    x1 += 2 * half if thin else 0
    bend = (x1 + x2) / 2
    return f"{lead}C{short(bend)} {short(y1)} {short(bend)} {short(y2)} {short(x2)} {short(y2)}"


def _tip(middle: tuple[float, float], upright: bool) -> str:
    x, y = middle
    if upright:
        return f"M{short(x)} {short(y - _HEIGHT / 2)}l-3.5 -6h7z"
    return f"M{short(x - _WIDTH / 2)} {short(y)}l-6 -3.5v7z"


def _box_markup(box: Box, x: float, y: float) -> str:
    left, top = short(x - _WIDTH / 2), short(y - _HEIGHT / 2)
    frame = f'<rect class="box {box.status}" x="{left}" y="{top}" width="{short(_WIDTH)}" height="{short(_HEIGHT)}" rx="4"/>'
    name = (
        f'<text class="name" x="{short(x)}" y="{short(y - 2)}" text-anchor="middle">{escape(cut(box.name, 20))}</text>'
    )
    said = (
        f'<text class="said {box.status}" x="{short(x)}" y="{short(y + 12)}" text-anchor="middle">'
        f"{escape(cut(box.words, 22))}</text>"
    )
    return f'<a href="{escape(box.anchor)}">{frame}{name}{said}</a>'
