"""The charts of models and of histories: lines with bands, intervals, curves, confusion matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from solvent.profiles.charts import cut
from solvent.profiles.numbers import number_text, share_text, ticks
from solvent.profiles.records import Curve, Interval
from solvent.profiles.svg import Drawing, Svg, polyline, short

COLOURS = 6
"""How many lines one chart can tell apart; each has a colour and a dash of its own."""
_MOST_POINTS = 900
_NAMES = {
    "roc": ("false positive rate", "true positive rate"),
    "precision_recall": ("recall", "precision"),
    "calibration": ("predicted", "observed"),
}


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart: points, and the ends of a band around them where these are known."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


class _Scale:
    """Where numbers lie on the drawing."""

    def __init__(
        self, x: tuple[float, float], y: tuple[float, float], frame: tuple[float, float, float, float]
    ) -> None:
        self.x, self.y = x, y
        self.left, self.top, self.right, self.bottom = frame

    def across(self, value: float) -> float:
        low, high = self.x
        return self.left + ((value - low) / (high - low) if high > low else 0.5) * (self.right - self.left)

    def up(self, value: float) -> float:
        low, high = self.y
        return self.bottom - ((value - low) / (high - low) if high > low else 0.5) * (self.bottom - self.top)

    def point(self, x: float, y: float | None) -> tuple[float, float] | None:
        return None if y is None or not math.isfinite(y) else (self.across(x), self.up(y))


def line_chart(
    series: Sequence[Series],
    title: str,
    *,
    width: int = 460,
    height: int = 190,
    x_name: str = "",
    x_labels: Sequence[str] = (),
    marked: Sequence[float] = (),
) -> Svg:
    """Draw lines with their bands over numbers, or over `x_labels` for x = 0, 1, 2, ...; `marked` are x to be pointed at."""
    drawing = Drawing(width, height, "chart")
    scale = _scale_of(series, width, height, named=len(series) > 1)
    if scale is not None:
        _grid(drawing, scale, x_labels, x_name)
        for x in marked:
            drawing.line("mark", scale.across(x), scale.top, scale.across(x), scale.bottom)
        for at, each in enumerate(series):
            _draw(drawing, scale, each, at % COLOURS)
        if len(series) > 1:
            _legend(drawing, [each.name for each in series], scale.left)
    return drawing.done(f"{title}: {'; '.join(map(_series_words, series)) or 'no values'}")


def _scale_of(series: Sequence[Series], width: int, height: int, *, named: bool) -> _Scale | None:
    x = [value for each in series for value in each.x]
    y = [
        value
        for each in series
        for value in (*each.y, *each.low, *each.high)
        if value is not None and math.isfinite(value)
    ]
    if not x or not y:
        return None
    low, high = min(y), max(y)
    room = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    floor = 0.0 if low >= 0 and low - room < 0 else low - room
    return _Scale((min(x), max(x)), (floor, high + room), (52, 20 if named else 8, width - 12, height - 24))


def _grid(drawing: Drawing, scale: _Scale, x_labels: Sequence[str], x_name: str) -> None:
    for value in ticks(*scale.y, 4):
        y = scale.up(value)
        drawing.line("grid", scale.left, y, scale.right, y)
        drawing.text(scale.left - 6, y + 3.5, number_text(value), "end")
    drawing.line("axis", scale.left, scale.bottom, scale.right, scale.bottom)
    for at, words in _x_marks(scale, x_labels):
        x = scale.across(at)
        drawing.text(x, scale.bottom + 14, words, _anchor(x, scale))
    if x_name:
        drawing.text(scale.right, scale.bottom + 14, x_name, "end", "faint")


def _x_marks(scale: _Scale, x_labels: Sequence[str]) -> list[tuple[float, str]]:
    if not x_labels:
        return [(each, number_text(each)) for each in ticks(*scale.x, 5)]
    longest = max(map(len, x_labels))
    every = max(1, math.ceil(len(x_labels) * (longest + 2) * 6 / (scale.right - scale.left)))
    return [(float(at), words) for at, words in enumerate(x_labels) if (len(x_labels) - 1 - at) % every == 0]


def _anchor(x: float, scale: _Scale) -> str:
    return "start" if x < scale.left + 12 else "end" if x > scale.right - 14 else "middle"


def _draw(drawing: Drawing, scale: _Scale, series: Series, colour: int) -> None:
    if series.low and series.high:
        ends = [
            (scale.point(x, low), scale.point(x, high))
            for x, low, high in zip(series.x, series.low, series.high, strict=True)
        ]
        known = [(low, high) for low, high in ends if low is not None and high is not None]
        around = [*(high for _, high in known), *(low for low, _ in reversed(known))]
        drawing.path(f"band c{colour}", polyline(around) + "z" if around else "")
    points = [scale.point(x, y) for x, y in zip(series.x, series.y, strict=True)]
    drawing.path(f"line c{colour}", polyline(_thinned(points)))
    known_points = [point for point in points if point is not None]
    for point in known_points if len(known_points) <= 24 else known_points[-1:]:
        drawing.dot(f"dot c{colour}", *point, 2)


def _thinned(points: Sequence[tuple[float, float] | None]) -> Sequence[tuple[float, float] | None]:
    """Leave of very many points the first, the lowest and the highest of each stretch: no peak is lost to the eye."""
    if len(points) <= _MOST_POINTS:
        return points
    length, kept = math.ceil(len(points) * 3 / _MOST_POINTS), []
    for start in range(0, len(points), length):
        known = [at for at in range(start, min(start + length, len(points))) if points[at] is not None]
        by_height = sorted(known, key=lambda at: _height(points[at]))
        kept += [points[at] for at in sorted({*known[:1], *by_height[:1], *by_height[-1:]})] or [None]
    return [*kept, points[-1]]


def _height(point: tuple[float, float] | None) -> float:
    return point[1] if point is not None else 0.0


def _legend(drawing: Drawing, names: Sequence[str], left: float) -> None:
    x = left
    for at, name in enumerate(names):
        shown = cut(name, 20)
        drawing.path(f"line c{at % COLOURS}", f"M{short(x)} 7h16")
        drawing.text(x + 20, 10.5, shown)
        x += 32 + 6.2 * len(shown)


def _series_words(series: Series) -> str:
    known = [value for value in series.y if value is not None]
    if not known:
        return f"{series.name} has no values"
    ends = f"from {number_text(known[0])} to {number_text(known[-1])}" if len(known) > 1 else number_text(known[0])
    between = f", between {number_text(min(known))} and {number_text(max(known))}" if len(known) > 2 else ""
    return f"{series.name} {ends}{between}"


def intervals(rows: Sequence[tuple[str, Interval]], title: str, *, width: int = 460, zero: float | None = None) -> Svg:
    """Draw a dot and a whisker for each named number, on one scale; `zero` is a value to see the others against."""
    height = 22 * len(rows) + 26
    drawing = Drawing(width, height, "chart")
    numbers = [end for _, each in rows for end in (each.low, each.value, each.high) if end is not None]
    numbers = [each for each in [*numbers, *([zero] if zero is not None else [])] if math.isfinite(each)]
    if numbers:
        low, high = min(numbers), max(numbers)
        room = (high - low) * 0.08 or abs(high) * 0.05 or 0.5
        left = min(width * 0.4, 16 + 6.2 * max(len(cut(name)) for name, _ in rows))
        scale = _Scale((low - room, high + room), (0, 1), (left, 4, width - 64, height - 22))
        for value in ticks(*scale.x, 4):
            drawing.line("grid", scale.across(value), scale.top, scale.across(value), scale.bottom)
            drawing.text(scale.across(value), scale.bottom + 14, number_text(value), "middle")
        if zero is not None:
            drawing.line("mark", scale.across(zero), scale.top, scale.across(zero), scale.bottom)
        for at, (name, each) in enumerate(rows):
            _whisker(drawing, scale, name, each, 15.0 + 22 * at)
    words = "; ".join(f"{name} {interval_text(each)}" for name, each in rows)
    return drawing.done(f"{title}: {words or 'no values'}")


def _whisker(drawing: Drawing, scale: _Scale, name: str, each: Interval, y: float) -> None:
    drawing.text(scale.left - 10, y + 4, cut(name), "end")
    if not math.isfinite(each.value):
        drawing.text(scale.right + 58, y + 4, "none", "end", "faint")
        return
    if each.low is not None and each.high is not None:
        drawing.line("whisker", scale.across(each.low), y, scale.across(each.high), y)
    drawing.dot("now", scale.across(each.value), y, 4)
    drawing.text(scale.right + 58, y + 4, number_text(each.value), "end")


def interval_text(each: Interval) -> str:
    """Show a number with the ends of its interval."""
    ends = f" ({number_text(each.low)} to {number_text(each.high)})" if each.low is not None else ""
    return number_text(each.value) + ends


def curve_chart(curves: Sequence[tuple[str, Curve]], title: str, *, size: int = 260) -> Svg:
    """Draw ROC, precision-recall or calibration curves of one or several models in the unit square."""
    drawing = Drawing(size + 40, size + 20, "chart")
    scale = _Scale((0, 1), (0, 1), (56, 20 if len(curves) > 1 else 8, size + 32, size - 16))
    for value in (0, 0.25, 0.5, 0.75, 1):
        drawing.line("grid", scale.left, scale.up(value), scale.right, scale.up(value))
        drawing.text(scale.left - 6, scale.up(value) + 3.5, f"{value:g}", "end")
        drawing.text(scale.across(value), scale.bottom + 14, f"{value:g}", "middle")
    kind = curves[0][1].name if curves else ""
    if kind in ("roc", "calibration"):
        drawing.line("mark", scale.across(0), scale.up(0), scale.across(1), scale.up(1))
    for at, (_, curve) in enumerate(curves):
        drawing.path(f"line c{at % COLOURS}", polyline(map(scale.point, curve.x, curve.y)))
        if kind == "calibration":
            most = max(curve.weight, default=1) or 1
            for place, (x, y) in enumerate(zip(curve.x, curve.y, strict=True)):
                weight = curve.weight[place] / most if place < len(curve.weight) else 0.3
                if (point := scale.point(x, y)) is not None:
                    drawing.dot(f"dot c{at % COLOURS}", *point, 2 + 4 * math.sqrt(weight))
    names = _NAMES.get(kind, ("", ""))
    drawing.text((scale.left + scale.right) / 2, size + 14, names[0], "middle", "faint")
    drawing.turned(10, (scale.top + scale.bottom) / 2, names[1], "faint")
    if len(curves) > 1:
        _legend(drawing, [name for name, _ in curves], scale.left)
    return drawing.done(f"{title}: {'; '.join(_curve_words(name, curve) for name, curve in curves)}")


def _curve_words(name: str, curve: Curve) -> str:
    said = [f"{number_text(curve.y[at], 3)} at {number_text(curve.x[at], 3)}" for at in _few(len(curve.x))]
    return f"{name} {', '.join(said)}" if said else f"{name} has no points"


def _few(number: int, wanted: int = 5) -> list[int]:
    if number <= wanted:
        return list(range(number))
    return [round(at * (number - 1) / (wanted - 1)) for at in range(wanted)]


def confusion_matrix(classes: Sequence[str], counts: Sequence[Sequence[int]], title: str) -> Svg:
    """Draw a confusion matrix: a row for each true class, shaded by its share of the row, with the counts."""
    number = len(classes)
    cell = 64 if number <= 4 else max(22, 380 // max(1, number))
    left, top = 12 + 6.2 * max((len(cut(each, 14)) for each in classes), default=0), 34.0
    drawing = Drawing(left + cell * number + 4, top + cell * number + 4, "chart")
    drawing.text(left + cell * number / 2, 11, "predicted", "middle", "faint")
    for at, name in enumerate(classes):
        drawing.text(left + cell * (at + 0.5), 27, cut(name, max(3, cell // 7)), "middle")
        drawing.text(left - 8, top + cell * (at + 0.5) + 4, cut(name, 14), "end")
    for row, line in enumerate(counts):
        total = sum(line)
        for column, count in enumerate(line):
            share = count / total if total else 0.0
            level = min(9, round(share * 9))
            x, y = left + cell * column, top + cell * row
            drawing.rectangle(f"heat h{level}", x + 0.5, y + 0.5, cell - 1, cell - 1)
            if cell >= 34:
                drawing.text(x + cell / 2, y + cell / 2 + (0 if cell >= 50 else 4), f"{count:,}", "middle")
            if cell >= 50:
                drawing.text(x + cell / 2, y + cell / 2 + 15, share_text(share), "middle", "small")
    words = "; ".join(
        f"of {sum(line):,} {cut(name)} "
        + ", ".join(f"{count:,} as {cut(to)}" for to, count in zip(classes, line, strict=True))
        for name, line in zip(classes, counts, strict=True)
    )
    return drawing.done(f"{title}: {words}")
