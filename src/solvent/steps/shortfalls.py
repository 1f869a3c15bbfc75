"""Parts that a split made otherwise than was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from solvent.model import Finding
from solvent.profiles.rowset import Name
from solvent.profiles.sides import Sides
from solvent.steps.assignment import PARTS

LEAST_ROWS = 20
"""Of fewer rows a part may well have half or twice the share that was asked."""


def find_shortfalls(sides: Sides, by: str, decided: Sequence[Name], asked: Sequence[float | None]) -> Iterator[Finding]:
    """Find parts that are empty, or have less than half or more than twice their share, and rows that nothing decided on."""
    yield from _keyless(sides, by, decided)
    if not len(sides):
        return
    for code, share in enumerate(asked):
        rows = int(sides.inside(code).sum())
        got = rows / len(sides)
        if not share:
            continue
        if not rows:
            message = f"{PARTS[code]} is empty: {share:.0%} of {len(sides):,} rows were asked".replace("%", " %")
            yield _finding("empty part", "alert", message, _fix(by), part=PARTS[code])
        elif len(sides) >= LEAST_ROWS and not share / 2 <= got <= share * 2:
            message = f"{PARTS[code]} has {got:.0%} of the rows, and {share:.0%} were asked".replace("%", " %")
            yield _finding("share", "warn", message, _fix(by), part=PARTS[code], got=got, asked=share)


def _keyless(sides: Sides, by: str, decided: Sequence[Name]) -> Iterator[Finding]:
    if by not in ("hash", "group", "time") or not decided:
        return
    missing = ~sides.filled(decided)
    rows = int(missing.sum())
    if rows:
        words = ", ".join(map(repr, decided))
        part = PARTS[int(sides.codes[missing][0])]
        message = f"{rows:,} rows have no value of {words}: all of them are in {part}"
        yield _finding("missing key", "warn", message, "leave them out before the split, or fill them in", rows=rows)


def _fix(by: str) -> str:
    if by == "group":
        return "balanced=True meets the shares as well as whole groups can"
    if by == "time":
        return "many rows are of one moment: a finer time column, or test_from=, cuts elsewhere"
    return 'name a key= with more different values, or use by="random", which meets the shares exactly'


def _finding(kind: str, severity: str, message: str, fix: str, **detail: Any) -> Finding:
    return Finding(kind, severity, "split", message, fix, json.dumps(detail, sort_keys=True))
