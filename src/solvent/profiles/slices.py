"""Which rows the slices of an evaluation are of: each value of a column, or what meets a condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from solvent.errors import DataError
from solvent.profiles.conditions import rows_where
from solvent.profiles.predictions import class_text
from solvent.profiles.vectors import Vector, column_of, names_of, rows_of, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_VALUES = 50
DISTINCT = 20
"""Numbers with more distinct values than this are cut into four by their quartiles."""


class Cut:
    """A name, and the rows that it names."""

    __slots__ = ("name", "rows")

    def __init__(self, name: str, rows: NDArray[Any]) -> None:
        self.name = name
        self.rows = rows


def cut(slices: Any, table: Any, rows: int) -> list[Cut]:
    """Give the rows of each slice that is asked for, in that order; DataError for what names neither column nor condition.

    A list holds names of columns, conditions, and mappings from a name to a condition or a mask of booleans.
    """
    asked = [slices] if isinstance(slices, str | Mapping) else list(slices)
    if asked and table is None and not _masks_only(asked):
        raise DataError("slices need the table that has their columns", hint="give it: evaluate(..., table=test)")
    if table is not None and rows_of(table) != rows:
        raise DataError(f"the table of the slices has {rows_of(table):,} rows and truth has {rows:,}")
    found = [each for one in asked for each in _cut(one, table, rows)]
    names = [each.name for each in found]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"two slices are called {doubled!r}", hint="give each a name of its own")
    return found


def _masks_only(asked: Sequence[Any]) -> bool:
    return all(isinstance(each, Mapping) and not any(isinstance(one, str) for one in each.values()) for each in asked)


def _cut(one: Any, table: Any, rows: int) -> Iterator[Cut]:
    if isinstance(one, Mapping):
        for name, meant in one.items():
            yield Cut(str(name), rows_where(table, meant) if isinstance(meant, str) else _mask(name, meant, rows))
    elif one in names_of(table):
        yield from _by_value(one, vector(column_of(table, one), f"column {one!r}"))
    elif isinstance(one, str) and not one.isidentifier():
        yield Cut(one, rows_where(table, one))
    else:
        column_of(table, one)


def _mask(name: str, given: Any, rows: int) -> NDArray[Any]:
    mask = vector(given, f"the mask of slice {name!r}")
    if mask.kind != "boolean":
        raise DataError(f"slice {name!r} should be a condition or a mask of booleans, found {mask.kind}s")
    if len(mask) != rows:
        raise DataError(f"the mask of slice {name!r} has {len(mask):,} rows and truth has {rows:,}")
    found: NDArray[Any] = mask.values & ~mask.missing
    return found


def _by_value(name: str, column: Vector) -> Iterator[Cut]:
    """Give the rows of each value, the most frequent 50 of them, in the order of the values; the missing last."""
    import numpy as np

    values = column.values[~column.missing]
    if column.kind == "text":
        values = values.astype(str)
    distinct, counts = np.unique(values, return_counts=True)
    if column.kind in ("number", "time") and len(distinct) > DISTINCT:
        yield from _quarters(name, column, values)
    else:
        kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES])
        whole = column.values.astype(str) if column.kind == "text" else column.values
        for value in distinct[kept]:
            yield Cut(f"{name} = {class_text(value)}", (whole == value) & ~column.missing)
    if column.missing.any():
        yield Cut(f"{name} is missing", column.missing)


def _quarters(name: str, column: Vector, values: NDArray[Any]) -> Iterator[Cut]:
    import numpy as np

    places = np.linspace(0, len(values) - 1, 5).round().astype(int)
    edges = np.unique(np.sort(values)[places])
    for number, (low, high) in enumerate(pairwise(edges)):
        above = column.values >= low if number == 0 else column.values > low
        words = f"{name} {'from' if number == 0 else 'above'} {_short(low)} to {_short(high)}"
        yield Cut(words, above & (column.values <= high) & ~column.missing)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
