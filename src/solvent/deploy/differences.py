"""What differs between two batches of answers: numbers within a tolerance, all else exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from solvent.deploy.batches import Laid
from solvent.serving.verification import Cell

ABSOLUTE = 1e-9
"""What the order of sums may change in numbers of float64 around 1: BLAS adds in another order for another shape (measured:
3e-16 between one row and a batch, and real skews are above 1e-3)."""
SINGLE, HALF = 1e-6, 1e-3
"""The same for float32 and float16."""
_SHOWN = 80


@dataclass(slots=True)
class Differences:
    """Where two batches differ. `rows` maps the place of a row to its cells, `problem` says what is wrong with all."""

    largest: float = 0.0
    rows: dict[int, list[Cell]] = field(default_factory=dict)
    sizes: dict[int, float] = field(default_factory=dict)
    problem: str = ""

    def __bool__(self) -> bool:
        return bool(self.rows or self.problem)

    def add(self, row: int, cell: Cell, size: float = math.inf) -> None:
        self.rows.setdefault(row, []).append(cell)
        self.sizes[row] = max(size, self.sizes.get(row, 0.0))


class _Unequal(NamedTuple):
    """Two values that differ: the place among the rows found, the row expected, and where in the row if it is an array."""

    place: int
    row: int
    where: str
    expected: Any
    found: Any
    size: float


def compare(
    expected: Laid, found: Laid, rows: Sequence[int], tolerance: float | None = None, skipped: int | None = None
) -> Differences:
    """Compare answers with the `rows` of the expected ones.

    A tolerance that is not given is that of the numbers' type, times the largest number of the column where that is above 1.
    The row at the place `skipped` of those found is not compared.
    """
    made = Differences()
    lacking = [name for name in expected.columns if name not in found.columns]
    more = [name for name in found.columns if name not in expected.columns]
    if lacking or more:
        made.problem = _columns_words(lacking, more)
        return made
    for name, value in expected.constants.items():
        if name in found.constants and not same(value, found.constants[name]):
            made.problem = f"{name} is {shown(found.constants[name])} instead of {shown(value)}"
    for name, wanted in expected.columns.items():
        if len(found.columns[name]) != len(rows):
            made.problem = f"gives {len(found.columns[name])} rows for {len(rows)}"
            return made
        for each in _unequal(wanted, found.columns[name], rows, tolerance, made, skipped):
            cell = Cell(f"{name}{each.where}", shown(each.expected), shown(each.found))
            made.add(each.row, cell, each.size)
    return made


def _columns_words(lacking: list[str], more: list[str]) -> str:
    parts = [f"lacks the columns {_few(lacking)}"] if lacking else []
    return " and ".join([*parts, f"has the columns {_few(more)} that it had not"] if more else parts)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _unequal(
    wanted: Any, found: Any, rows: Sequence[int], tolerance: float | None, made: Differences, skipped: int | None
) -> Iterator[_Unequal]:
    if _is_array(wanted) and _is_array(found) and found.shape[1:] == wanted.shape[1:]:
        yield from _unequal_numbers(wanted, found, rows, tolerance, made, skipped)
        return
    scale = column_scale(wanted)
    for place, row in enumerate(rows):
        if place == skipped:
            continue
        one, other = wanted[row], found[place]
        size = distance(one, other)
        made.largest = max(made.largest, size if math.isfinite(size) else 0.0)
        if size > (tolerance if tolerance is not None else ABSOLUTE * scale):
            yield _Unequal(place, row, "", one, other, size)


def _unequal_numbers(
    wanted: Any, found: Any, rows: Sequence[int], tolerance: float | None, made: Differences, skipped: int | None
) -> Iterator[_Unequal]:
    import numpy as np

    chosen = wanted[list(rows)]
    if chosen.dtype.kind in "biu" and found.dtype.kind in "biu":
        different, sizes = chosen != found, np.abs(chosen.astype(float) - found.astype(float))
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            sizes = np.abs(chosen.astype(complex if "c" in (chosen.dtype.kind, found.dtype.kind) else float) - found)
        equal = (chosen == found) | (np.isnan(chosen) & np.isnan(found))
        sizes = np.where(equal, 0.0, np.where(np.isnan(sizes), np.inf, sizes))
        different = sizes > (tolerance if tolerance is not None else _noise(wanted, found) * column_scale(wanted))
    if skipped is not None:
        sizes[skipped], different[skipped] = 0.0, False
    finite = sizes[np.isfinite(sizes)]
    made.largest = max(made.largest, float(finite.max()) if finite.size else 0.0)
    for place in np.flatnonzero(different.reshape(len(rows), -1).any(axis=1)).tolist():
        one, other = chosen[place], found[place]
        if not one.shape:
            yield _Unequal(place, rows[place], "", one.item(), other.item(), float(sizes[place]))
            continue
        at = int(np.argmax(np.where(different[place], sizes[place], -1)))
        yield _Unequal(place, rows[place], f"[{at}]", one[at].item(), other[at].item(), float(sizes[place].max()))


def _noise(wanted: Any, found: Any) -> float:
    kinds = {wanted.dtype.name, found.dtype.name}
    return HALF if "float16" in kinds else SINGLE if kinds & {"float32", "complex64"} else ABSOLUTE


def column_scale(column: Any) -> float:
    """Give the largest number of a column, at least 1."""
    if _is_array(column):
        import numpy as np

        finite = np.abs(column[np.isfinite(column)]) if column.dtype.kind in "fc" else np.abs(column.astype(float))
        return max(1.0, float(finite.max())) if finite.size else 1.0
    numbers = [abs(each) for each in column if isinstance(each, float) and math.isfinite(each)]
    return max(1.0, *numbers) if numbers else 1.0


def distance(one: Any, other: Any) -> float:
    """Say how far two values are apart: 0 for equal ones and for two that are missing, infinite for another thing."""
    if is_missing(one) or is_missing(other):
        return 0.0 if is_missing(one) and is_missing(other) else math.inf
    if isinstance(one, float) or isinstance(other, float):
        return _number_distance(one, other)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        sizes = [distance(a, b) for a, b in zip(one, other, strict=False)]
        return math.inf if len(one) != len(other) else max(sizes, default=0.0)
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return math.inf
        return max((distance(one[name], other[name]) for name in one), default=0.0)
    return 0.0 if same(one, other) else math.inf


def _number_distance(one: Any, other: Any) -> float:
    try:
        return 0.0 if one == other else abs(float(one) - float(other))
    except (TypeError, ValueError):
        return math.inf


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or NA."""
    if value is None:
        return True
    if isinstance(value, float):
        return value != value
    return type(value).__name__ in ("NAType", "NaTType")


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, whatever their types make of `==`."""
    try:
        return bool(one == other) or (one is other)
    except (ValueError, TypeError):
        return repr(one) == repr(other)


def shown(value: Any) -> str:
    """Show a value in a few characters."""
    text = "missing" if is_missing(value) else f"{value:.10g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _is_array(column: Any) -> bool:
    return hasattr(column, "dtype") and column.dtype.kind in "biufc"
