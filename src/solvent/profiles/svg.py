"""Drawing: an SVG of paths and texts whose colours are classes, so that one style sheet serves light, dark and paper.

No attribute is a style, and no text is taken as markup: what goes into a drawing is escaped here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Svg(str):
    """A finished drawing, which templates and notebooks take as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self

    def _repr_html_(self) -> str:
        return self


def short(value: float) -> str:
    """Write a coordinate with one decimal at most."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


class Drawing:
    """Collects the parts of an SVG; `done` gives it with the words that it says to who can't see it."""

    def __init__(self, width: float, height: float, kind: str) -> None:
        self.width = width
        self.height = height
        self._kind = kind
        self._parts: list[str] = []

    def path(self, kind: str, commands: str, title: str = "") -> None:
        if commands:
            inner = f"><title>{escape(title)}</title></path>" if title else "/>"
            self._parts.append(f'<path class="{kind}" d="{commands}"{inner}')

    def line(self, kind: str, x1: float, y1: float, x2: float, y2: float) -> None:
        self.path(kind, f"M{short(x1)} {short(y1)}L{short(x2)} {short(y2)}")

    def dot(self, kind: str, x: float, y: float, radius: float = 2.5, title: str = "") -> None:
        inner = f"><title>{escape(title)}</title></circle>" if title else "/>"
        self._parts.append(f'<circle class="{kind}" cx="{short(x)}" cy="{short(y)}" r="{short(radius)}"{inner}')

    def rectangle(self, kind: str, x: float, y: float, width: float, height: float, title: str = "") -> None:
        self.path(kind, box(x, y, width, height), title)

    def text(self, x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> None:
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        look = f' class="{kind}"' if kind else ""
        self._parts.append(f'<text{look} x="{short(x)}" y="{short(y)}"{place}>{escape(words)}</text>')

    def turned(self, x: float, y: float, words: str, kind: str = "") -> None:
        """Write from the bottom to the top, around a middle."""
        place = f'transform="translate({short(x)} {short(y)}) rotate(-90)"'
        self._parts.append(f'<text class="{kind}" {place} text-anchor="middle">{escape(words)}</text>')

    def add(self, markup: str) -> None:
        """Add markup that is sound already."""
        self._parts.append(markup)

    def done(self, words: str) -> Svg:
        """Give the SVG; `words` say what it shows, numbers included, as its title."""
        size = f'width="{short(self.width)}" height="{short(self.height)}"'
        return Svg(
            f'<svg class="{self._kind}" role="img" viewBox="0 0 {short(self.width)} {short(self.height)}" {size}>'
            f"<title>{escape(words)}</title>{''.join(self._parts)}</svg>"
        )


def box(x: float, y: float, width: float, height: float) -> str:
    return f"M{short(x)} {short(y)}h{short(width)}v{short(height)}h{short(-width)}z"


def bars(places: Iterable[tuple[float, float]], heights: Iterable[float], base: float) -> str:
    """Give the path of bars that stand on `base`; `places` are (left, width). What is not nothing is half a pixel high."""
    found = []
    for (x, width), height in zip(places, heights, strict=True):
        if height > 0:
            found.append(box(x, base - max(height, 0.5), width, max(height, 0.5)))
    return "".join(found)


def outline(places: Sequence[tuple[float, float]], heights: Sequence[float], base: float) -> str:
    """Give the path of the silhouette of bars that stand side by side."""
    if not places:
        return ""
    commands = [f"M{short(places[0][0])} {short(base)}"]
    for (x, width), height in zip(places, heights, strict=True):
        commands.append(f"L{short(x)} {short(base - height)}H{short(x + width)}")
    return "".join(commands) + f"V{short(base)}"


def polyline(points: Iterable[tuple[float, float] | None]) -> str:
    """Give the path of a line through points; it is broken where there is none."""
    commands, lifted = [], True
    for point in points:
        if point is None:
            lifted = True
            continue
        commands.append(f"{'M' if lifted else 'L'}{short(point[0])} {short(point[1])}")
        lifted = False
    return "".join(commands)
