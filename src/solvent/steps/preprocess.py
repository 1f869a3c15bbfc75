"""Steps that make a table one of numbers: what that takes is learned from the train part alone and applied row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from solvent.errors import DataError, nearest
from solvent.pipelines.step import step
from solvent.profiles.predictions import class_text
from solvent.profiles.vectors import Vector, column_of, is_table, names_of, rows_of, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

Table = TypeVar("Table")

MISSING = "(missing)"
IMPUTE, SCALE, ENCODE = ("median", "mean", "zero"), ("standard", "range", "none"), ("one_hot", "ordinal")


@dataclass(frozen=True, slots=True)
class Column:
    """What becomes of one column: `kind` is number or category.

    A number that is missing or infinite becomes `fill`; then `middle` is taken away and the rest divided by `width`. A
    category is looked up among `categories`; one that was not met when fitting is none of them.
    """

    name: str
    kind: str
    fill: float = 0.0
    middle: float = 0.0
    width: float = 1.0
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preprocess:
    """What `preprocess` does to each row: plain values, so it is stored as JSON and read without running any code.

    `left_out` are the columns that it does not use, each with the reason.
    """

    columns: tuple[Column, ...]
    target: str | None = None
    encode: str = "one_hot"
    left_out: tuple[tuple[str, str], ...] = ()


@step
def fit_preprocess(
    train: Any,
    target: str | None = None,
    *,
    leave_out: Sequence[str] = (),
    impute: str = "median",
    scale: str = "standard",
    encode: str = "one_hot",
    most_categories: int = 20,
) -> Preprocess:
    """Learn from the train part how to impute, scale and encode each column but the target.

    Missing and infinite numbers become the column's median, mean or zero (`impute`). Numbers are scaled to mean 0 and
    standard deviation 1 ("standard"), to the range from 0 to 1 ("range") or not at all. Texts, and booleans as 0 and 1,
    are encoded: of each column the `most_categories` most frequent values are known, a missing one counting as a value.
    Columns of times, and those without any value, are left out. DataError for a column that is not there.
    """
    _check_choice("impute", impute, IMPUTE)
    _check_choice("scale", scale, SCALE)
    _check_choice("encode", encode, ENCODE)
    names = _names_of(train)
    for name in (*leave_out, *([target] if target is not None else ())):
        column_of(train, name)
    if not rows_of(train):
        raise DataError("the train part has no rows, so nothing can be learned from it")
    columns, left_out = [], [(name, "as asked") for name in leave_out]
    for name in names:
        if name == target or name in leave_out:
            continue
        found = vector(column_of(train, name), f"column {name!r}")
        known = ~found.missing
        if not known.any():
            left_out.append((name, "no values"))
        elif found.kind == "time":
            left_out.append((name, "times"))
        elif found.kind == "text":
            columns.append(Column(name, "category", categories=_categories(found, most_categories)))
        else:
            columns.append(_number(name, found, impute, scale))
    _check_names(columns, target, encode)
    return Preprocess(tuple(columns), target, encode, tuple(left_out))


@step
def preprocess(fitted: Preprocess, table: Table) -> Table:
    """Impute, scale and encode a table as `fitted` says; the result is a table of the same library, all numbers.

    Each row is done by itself, so one row alone gives what it gives among others. A number keeps its name; a category
    gives a column `name=value` for each that is known, 1 in one of them and 0 elsewhere (all 0 for an unknown one), or,
    with the ordinal encoding, its place in the order of frequency (-1 for an unknown one). Columns that were left out are
    gone; the target, where the table has it, comes last as it was.
    """
    names = _names_of(table)
    made: dict[str, Any] = {}
    for column in fitted.columns:
        if column.name not in names:
            column_of(table, column.name)
        made |= _apply(column, vector(column_of(table, column.name), f"column {column.name!r}"), fitted.encode)
    if fitted.target is not None and fitted.target in names:
        made[fitted.target] = column_of(table, fitted.target)
    done: Table = table_like(table, made)
    return done


def _names_of(table: Any) -> list[str]:
    if not is_table(table):
        raise DataError(f"expected a table of pandas, polars or Arrow, found {type(table).__name__}")
    names = names_of(table)
    for name in names:
        if not isinstance(name, str):
            raise DataError(f"the column name {name!r} is no text", hint="table.columns = table.columns.astype(str)")
    return names


def _check_choice(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise DataError(f"{what}={given!r}{nearest(str(given), known)}", hint=f"one of {', '.join(known)}")


def _check_names(columns: Sequence[Column], target: str | None, encode: str) -> None:
    """Refuse a table in which the name of an encoded column is taken already."""
    made = [target] if target is not None else []
    for column in columns:
        made += _made_of(column, encode)
    if doubled := next((name for name in made if made.count(name) > 1), None):
        raise DataError(f"two columns would be called {doubled!r} when encoded", hint="give one another name before")


def _made_of(column: Column, encode: str) -> list[str]:
    """Name the columns that a column becomes."""
    if column.kind == "number" or encode == "ordinal":
        return [column.name]
    return [f"{column.name}={value}" for value in column.categories]


def _number(name: str, found: Vector, impute: str, scale: str) -> Column:
    import numpy as np

    values = found.values[~found.missing].astype(float)
    values = values[np.isfinite(values)]
    if not len(values):
        return Column(name, "number")
    fill = 0.0 if impute == "zero" else float(np.median(values) if impute == "median" else values.mean())
    if found.kind == "boolean":
        return Column(name, "number", float(fill >= 0.5))
    middle, width = 0.0, 1.0
    if scale == "standard":
        middle, width = float(values.mean()), float(values.std())
    elif scale == "range":
        middle, width = float(values.min()), float(values.max() - values.min())
    # What rounding leaves of a constant is no width.
    return Column(name, "number", fill, middle, width if width > 1e-12 * abs(middle) else 1.0)


def _categories(found: Vector, most: int) -> tuple[str, ...]:
    """Give the most frequent values, first the most frequent; of equally frequent ones the first in order."""
    from collections import Counter

    counts = Counter(_texts(found))
    return tuple(sorted(counts, key=lambda value: (-counts[value], value))[:most])


def _texts(found: Vector) -> list[str]:
    if not found.missing.any() and found.kind == "text":
        return list(found.values.tolist())
    pairs = zip(found.values.tolist(), found.missing.tolist(), strict=True)
    return [MISSING if gone else class_text(value) for value, gone in pairs]


def _apply(column: Column, found: Vector, encode: str) -> dict[str, Any]:
    import numpy as np

    if column.kind == "number":
        return {column.name: _scaled(column, found)}
    places = {value: place for place, value in enumerate(column.categories)}
    codes = np.fromiter((places.get(value, -1) for value in _texts(found)), np.int64, len(found))
    if encode == "ordinal":
        return {column.name: codes.astype(float)}
    return {name: (codes == place).astype(float) for place, name in enumerate(_made_of(column, encode))}


def _scaled(column: Column, found: Vector) -> NDArray[Any]:
    import numpy as np

    if found.kind not in ("number", "boolean") and not found.missing.all():
        raise DataError(f"column {column.name!r} holds {found.kind}s, and numbers when the preprocessing was fitted")
    gone = found.missing
    values = np.where(gone, 0, found.values).astype(float) if found.kind != "text" else np.zeros(len(found))
    values = np.where(gone | ~np.isfinite(values), column.fill, values)
    return np.asarray((values - column.middle) / column.width)


def table_like(table: Any, columns: dict[str, Any]) -> Any:
    """Make a table of the library of another."""
    package = type(table).__module__.partition(".")[0]
    if package == "pandas":
        import pandas as pd

        return pd.DataFrame(columns, index=table.index)
    if package == "polars":
        import polars as pl

        return pl.DataFrame(columns)
    import pyarrow as pa

    return pa.table(columns)
