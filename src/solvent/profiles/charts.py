"""The charts of columns: what a profile looks like, alone or over that of another version."""

from __future__ import annotations

from collections.abc import Sequence

from solvent.profiles.histograms import Category, Shared, share_bins, share_categories
from solvent.profiles.numbers import duration_text, moment_text, number_text, share_text, ticks, time_ticks
from solvent.profiles.records import ColumnProfile
from solvent.profiles.svg import Drawing, Svg, bars, outline, polyline, short

_CATEGORIES = 20
_FINE = 48
"""The number of bins of a large histogram, for which the cumulative distribution of a profile is exact enough."""
_LEFT = 42.0
_CUT = 28
NUMERIC = ("number", "time")
"""The kinds of columns whose values have a histogram."""


def sparkline(column: ColumnProfile, other: ColumnProfile | None = None, width: int = 160, height: int = 32) -> Svg:
    """Draw the values of a column as small as a word: filled bars, and the other version as a line over them.

    Numbers and times are a histogram, the rest their most frequent values. A column that tells neither gives an empty one.
    """
    columns = [column] if other is None else [column, other]
    drawing = Drawing(width, height, "spark")
    shared = share_bins(columns) if column.kind in NUMERIC else None
    if shared is not None:
        _silhouettes(drawing, _even_places(len(shared.edges) - 1, width), shared.shares, height - 1, height - 3)
    elif any(each.top for each in columns):
        found, rest = share_categories(columns, _CATEGORIES)
        _category_bars(drawing, found, rest, width, height)
    drawing.line("axis", 0, height - 0.5, width, height - 0.5)
    return drawing.done(describe(column, other))


def _even_places(number: int, width: float, left: float = 0.0) -> list[tuple[float, float]]:
    step = width / max(1, number)
    return [(left + step * at, step) for at in range(number)]


def _silhouettes(
    drawing: Drawing, places: Sequence[tuple[float, float]], shares: Sequence[Sequence[float]], base: float, room: float
) -> None:
    """Draw the first distribution filled, the second as a line, both to one scale."""
    most = max((max(each, default=0.0) for each in shares), default=0.0)
    if not most:
        return
    heights = [[share / most * room for share in each] for each in shares]
    gap = min(2.0, places[0][1] / 10) if places and places[0][1] > 2.5 else 0.0
    drawing.path("now", bars([(x, width - gap) for x, width in places], heights[0], base))
    if len(heights) > 1:
        drawing.path("then", outline(places, heights[1], base))


def _category_bars(
    drawing: Drawing, found: Sequence[Category], rest: Sequence[float], width: float, height: float
) -> None:
    """Draw a bar for each value, with a line where the other version's would end, and a pale one for all others.

    The scale is that of the values: the pale bar ends at the top where the others are more than any one value.
    """
    more = any(share > 0 for share in rest)
    number = len(found) + (1 if more else 0)
    step = min(width / max(1, number), 18.0)
    shares = [[each.shares[at] or 0.0 for each in found] for at in range(len(rest))]
    most = max((max(each, default=0.0) for each in shares), default=0.0)
    if not most:
        return
    base, room = height - 1, height - 3
    places = [(step * at, step - min(2.0, step / 4)) for at in range(number)]
    drawing.path("now", bars(places[: len(found)], [share / most * room for share in shares[0]], base))
    if more:
        drawing.path("rest", bars(places[-1:], [min(1.0, rest[0] / most) * room], base))
    if len(rest) > 1:
        then = [*shares[1], *([min(most, rest[1])] if more else [])]
        drawing.path("then", _marks(places, [share / most * room for share in then], base))


def _marks(places: Sequence[tuple[float, float]], heights: Sequence[float], base: float) -> str:
    marks = zip(places, heights, strict=True)
    return "".join(f"M{short(x - 0.5)} {short(base - height)}h{short(width + 1)}" for (x, width), height in marks)


def describe(column: ColumnProfile, other: ColumnProfile | None = None) -> str:
    """Say in one sentence what the chart of a column shows."""
    return f"{column.name}: {_words(column)}" + (f"; in the other: {_words(other)}" if other is not None else "")


def _words(column: ColumnProfile) -> str:
    if column.masked:
        return "values are masked"
    if len(column.quantiles) > 2 and column.kind in NUMERIC:
        low, median, high = (value_text(column, _quantile(column, share)) for share in (0.25, 0.5, 0.75))
        ends = [value_text(column, each) for each in (column.quantiles[0], column.quantiles[-1])]
        return f"median {median}, half of the values from {low} to {high}, all from {ends[0]} to {ends[1]}"
    if column.top:
        total = column.top_rows or sum(count for _, count in column.top)
        return ", ".join(f"{cut(value)} {share_text(count / total)}" for value, count in column.top[:5] if total)
    return column.problem or "no values"


def _quantile(column: ColumnProfile, share: float) -> float:
    return column.quantiles[round((len(column.quantiles) - 1) * share)]


def value_text(column: ColumnProfile, value: float | None) -> str:
    """Show a number of a column in its own words: dates for times, durations in seconds, else the number."""
    if value is None:
        return "–"
    if column.kind == "time" and not is_duration(column):
        span = column.quantiles[-1] - column.quantiles[0] if column.quantiles else 0.0
        whole = "date" in column.type and "datetime" not in column.type
        return moment_text(value, 86_400 if span > 86_400 * 5 or whole else 0)
    return duration_text(value) if column.kind == "time" else number_text(value)


def is_duration(column: ColumnProfile) -> bool:
    return column.type.startswith(("duration", "timedelta"))


def cut(text: str, longest: int = _CUT) -> str:
    """Cut a text that would not fit, and show line breaks and blanks that would not be seen."""
    flat = text.replace("\n", "⏎").replace("\t", "⇥").replace("\r", "␍")
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def histogram(column: ColumnProfile, other: ColumnProfile | None = None, width: int = 400, height: int = 150) -> Svg:
    """Draw a histogram with its axis, large enough to read values off; the other version is the line."""
    columns = [column] if other is None else [column, other]
    shared = share_bins(columns, _FINE) if column.kind in NUMERIC else None
    drawing = Drawing(width, height, "chart")
    if shared is None:
        return drawing.done(describe(column, other))
    base, left = height - 20.0, _LEFT
    places = _even_places(len(shared.edges) - 1, width - left - 6, left)
    most = max(max(each, default=0.0) for each in shared.shares)
    _share_axis(drawing, most, base, base - 8, left, width)
    _silhouettes(drawing, places, shared.shares, base, base - 8)
    _value_axis(drawing, column, shared, base, left, width - left - 6)
    if shared.zoomed:
        drawing.text(width - 6, 9, f"{share_text(max(0.0, 1 - sum(shared.shares[0])))} lie beyond", "end", "faint")
    return drawing.done(describe(column, other))


def _share_axis(drawing: Drawing, most: float, base: float, room: float, left: float, right: float) -> None:
    """Draw grid lines at round shares."""
    for share in ticks(0, most, 3):
        y = base - share / most * room if most else base
        drawing.line("grid" if share else "axis", left, y, right - 6, y)
        drawing.text(left - 6, y + 3.5, f"{share * 100:g} %", "end")


def _value_axis(
    drawing: Drawing, column: ColumnProfile, shared: Shared, base: float, left: float, width: float
) -> None:
    low, high = shared.edges[0], shared.edges[-1]
    timed = column.kind == "time" and not is_duration(column)
    # Bins of whole numbers end between them; there is nothing there to be named.
    whole = low % 1 == 0.5 and high % 1 == 0.5
    named = [each for each in ticks(low, high) if not whole or each % 1 == 0]
    marks = time_ticks(low, high) if timed else [(each, value_text(column, each)) for each in named]
    for at, words in marks:
        x = left + (at - low) / (high - low) * width
        drawing.line("axis", x, base, x, base + 3)
        drawing.text(x, base + 14, words, _anchor(x, left, left + width))


def _anchor(x: float, left: float, right: float) -> str:
    return "start" if x < left + 12 else "end" if x > right - 18 else "middle"


def quantile_strip(column: ColumnProfile, other: ColumnProfile | None = None, width: int = 400) -> Svg:
    """Draw the middle 90 % of a column as a thin bar, the middle half as a thick one, and the median.

    The scale is that of `histogram`.
    """
    columns = [column] if other is None else [column, other]
    shared = share_bins(columns, _FINE) if column.kind in NUMERIC else None
    drawing = Drawing(width, 12 * len(columns) + 4, "chart")
    left, room = _LEFT, width - _LEFT - 6
    if shared is not None:
        low, high = shared.edges[0], shared.edges[-1]
        for row, each in enumerate(columns):
            if len(each.quantiles) > 2:
                _strip(drawing, "now" if row == 0 else "was", each, 8.0 + 12 * row, (left, room, low, high))
    return drawing.done(describe(column, other))


def _strip(drawing: Drawing, kind: str, column: ColumnProfile, y: float, scale: tuple[float, ...]) -> None:
    left, room, low, high = scale

    def place(share: float) -> float:
        return left + min(1.0, max(0.0, (_quantile(column, share) - low) / (high - low))) * room

    drawing.rectangle(f"{kind} soft", place(0.05), y - 1.5, max(1.0, place(0.95) - place(0.05)), 3)
    drawing.rectangle(kind, place(0.25), y - 3.5, max(1.0, place(0.75) - place(0.25)), 7)
    drawing.line("median", place(0.5), y - 5, place(0.5), y + 5)


def share_bar(share: float | None, other: float | None = None, width: int = 100, scale: float = 1.0) -> Svg:
    """Draw a share as a bar in a table's cell, with a mark where the other version ends; the cell says the number."""
    drawing = Drawing(width, 8, "bar")
    if share:
        drawing.rectangle("now", 0, 1, max(0.5, min(1.0, share / scale) * width), 6)
    if other is not None:
        x = min(width - 1.0, max(1.0, other / scale * width))
        drawing.path("then", f"M{short(x)} 0v8")
    return Svg(drawing.done("").replace(' role="img"', ' aria-hidden="true"').replace("<title></title>", ""))


def small_line(
    values: Sequence[float | None], marked: Sequence[int] = (), words: str = "", width: int = 132, height: int = 30
) -> Svg:
    """Draw a statistic over versions as small as a word: a line, with a dot on the last and on the marked values."""
    drawing = Drawing(width, height, "spark")
    known = [each for each in values if each is not None]
    if known:
        low, high = min(known), max(known)
        step = (width - 8) / max(1, len(values) - 1)

        def place(at: int, value: float) -> tuple[float, float]:
            level = (value - low) / (high - low) if high > low else 0.5
            return 4 + step * at, height - 4 - level * (height - 8)

        points = [None if each is None else place(at, each) for at, each in enumerate(values)]
        drawing.path("trend", polyline(points))
        for order, at in enumerate(marked):
            if 0 <= at < len(points) and (point := points[at]) is not None:
                drawing.dot("now" if order == 0 else "was", *point, 3)
    return drawing.done(words)
