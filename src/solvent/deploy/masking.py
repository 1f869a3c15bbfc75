"""Leaving the values of sensitive columns out of what a verification keeps and shows."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from solvent.serving.schema import Schema
from solvent.serving.verification import Cell, OddRow, Replay, StepCheck

MASKED = "masked"


def sensitive_columns(*schemas: Schema) -> frozenset[str]:
    """Give the names of the columns that tell no values."""
    return frozenset(each.name for schema in schemas for each in schema.columns if each.sensitive)


def mask_check(check: StepCheck, names: Collection[str]) -> StepCheck:
    """Leave the values of these columns out of a step's check, wherever a column of the steps has such a name."""
    if not names:
        return check
    problem = check.problem
    for name in names:
        problem = re.sub(rf"(?<!\w){re.escape(name)} is .* instead of .*", f"{name} differs", problem)
    return replace(check, problem=problem, rows=tuple(_row(each, names) for each in check.rows))


def mask_replay(found: Replay, names: Collection[str]) -> Replay:
    """Leave the values of these columns out of the rows of a replay."""
    return replace(found, worst=tuple(_row(each, names) for each in found.worst)) if names else found


def _row(row: OddRow, names: Collection[str]) -> OddRow:
    asked = {name: MASKED if name in names else value for name, value in row.request.items()}
    return replace(row, request=asked, cells=tuple(_cell(each, names) for each in row.cells))


def _cell(cell: Cell, names: Collection[str]) -> Cell:
    parts = re.split(r"[.\[]", cell.column)
    return Cell(cell.column, MASKED, MASKED) if {cell.column, *parts} & set(names) else cell
