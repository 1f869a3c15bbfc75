"""Charts of named bars: amounts side by side on one line each, and counts by steps of a scale."""

from __future__ import annotations

from collections.abc import Sequence

from solvent.profiles.charts import cut
from solvent.profiles.numbers import number_text
from solvent.profiles.svg import Drawing, Svg

_ROW = 24
_LETTER = 6.4


def bar_rows(
    rows: Sequence[tuple[str, float]], title: str, *, unit: str = "", width: int = 460, apart: Sequence[str] = ()
) -> Svg:
    """Draw a bar for each named amount, the names before and the amounts behind; those that are set `apart` are pale."""
    drawing = Drawing(width, _ROW * len(rows) + 4, "chart")
    left = min(width * 0.4, 12 + _LETTER * max((len(cut(name, 22)) for name, _ in rows), default=0))
    room = width - left - 84
    most = max((amount for _, amount in rows), default=0.0)
    drawing.line("axis", left, 0, left, drawing.height)
    for at, (name, amount) in enumerate(rows):
        y = _ROW * at + 3.0
        length = amount / most * room if most > 0 else 0.0
        drawing.text(left - 8, y + 13, cut(name, 22), "end")
        drawing.rectangle("rest" if name in apart else "now", left + 0.5, y, max(0.5, length), _ROW - 8)
        drawing.text(left + length + 6, y + 13, f"{number_text(amount, 3)} {unit}".strip())
    words = ", ".join(f"{name} {number_text(amount, 3)} {unit}".strip() for name, amount in rows)
    return drawing.done(f"{title}: {words or 'no values'}")


def count_columns(counts: Sequence[tuple[str, int, bool]], title: str, *, width: int = 460, height: int = 150) -> Svg:
    """Draw a column for each named count; those that are beyond a limit (True) have the other colour."""
    drawing = Drawing(width, height, "chart")
    base, room = height - 18.0, height - 38.0
    most = max((count for _, count, _ in counts), default=0)
    step = width / max(1, len(counts))
    drawing.line("axis", 0, base, width, base)
    for at, (name, count, beyond) in enumerate(counts):
        middle = step * (at + 0.5)
        drawing.text(middle, base + 14, name, "middle", "small")
        if not count:
            continue
        tall = max(1.5, count / most * room)
        drawing.rectangle("was" if beyond else "now", middle - step * 0.36, base - tall, step * 0.72, tall)
        drawing.text(middle, base - tall - 4, number_text(count), "middle", "small")
    said = ", ".join(f"{count:,} of {name}{' (beyond)' if beyond else ''}" for name, count, beyond in counts if count)
    return drawing.done(f"{title}: {said or 'nothing'}")


def limit_bar(found: float, least: float | None, most: float | None, width: int = 150) -> Svg:
    """Draw a number as a bar in a table's cell, with a mark at each of its limits; the cell says the numbers."""
    drawing = Drawing(width, 12, "bar")
    limits = [each for each in (least, most) if each is not None]
    scale = max([abs(found), *map(abs, limits), 1e-12]) * 1.12
    missed = (least is not None and not found >= least) or (most is not None and not found <= most)
    drawing.rectangle("was" if missed else "now", 0, 2, max(1.0, max(0.0, found) / scale * width), 8)
    for each in limits:
        x = max(0.5, min(width - 0.5, max(0.0, each) / scale * width))
        drawing.line("median", x, 0, x, 12)
    return Svg(drawing.done("").replace(' role="img"', ' aria-hidden="true"').replace("<title></title>", ""))
