"""Tables and JSON on standard output, readable at the width of the terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

NARROW = 80


def width() -> int:
    """Give the width to write for: the terminal's, else 80 columns."""
    import shutil

    return shutil.get_terminal_size((NARROW, 24)).columns


def print_json(value: Any) -> None:
    """Print one JSON object on one line."""
    print(json.dumps(value, ensure_ascii=False, default=str))


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    stretch: int | None = None,
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
) -> str:
    """Lay out rows under heads within the width; where they do not fit, the column `stretch` is cut, then the widest.

    The columns `whole` are never cut, since people copy what stands there; then `stretch` gives way further.
    """
    cells = [list(heads), *[[printable(str(cell)) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    room = width() - 2 * (len(heads) - 1)
    if stretch is not None:
        least = 4 if whole else 8
        widths[stretch] = min(widths[stretch], max(least, room - sum(widths) + widths[stretch]))
    widest = max((each for each in range(len(widths)) if each not in whole), key=widths.__getitem__)
    widths[widest] = min(widths[widest], max(8, room - sum(widths) + widths[widest]))
    return "\n".join(_line(row, widths, right) for row in cells)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    shown = [
        f"{cut(cell, size):>{size}}" if column in right else f"{cut(cell, size):<{size}}"
        for column, (cell, size) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(shown).rstrip()


def printable(text: str) -> str:
    """Give a text without what a terminal would obey: each control character is a dot, and the end of a line a blank."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "·" for each in text.replace("\n", " "))


def cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def moment(at: float | None) -> str:
    """Show a time as people write it, in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at is not None else "-"


def wrapped(label: str, text: str) -> list[str]:
    """Lay out one labelled fact within the width; nothing for an empty one."""
    import textwrap

    if not text:
        return []
    lines = textwrap.wrap(printable(text), width() - 12, break_long_words=True, break_on_hyphens=False) or [""]
    head, rest = (f"  {label:9} {lines[0]}", lines[1:]) if len(label) < 10 else (f"  {cut(label, width() - 2)}", lines)
    return [head, *(f"{'':12}{line}" for line in rest)]


def format_text(name: str, pickled: bool) -> str:
    """Name a format, with a mark where reading it runs pickle."""
    if name == "pickle":
        return "PICKLE"
    return f"{name} PICKLE" if pickled else name
