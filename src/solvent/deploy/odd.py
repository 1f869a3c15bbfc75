"""Rows that show leaks: chosen among the recorded ones, and one that is made more extreme than any of them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from solvent.deploy.batches import PARTS, ROWS, Form, Laid
from solvent.deploy.differences import is_missing

ROWS_CHECKED = 64
_MOST_EXTREMES = 40


def choose_rows(laid: Laid, rows: int, wanted: int = ROWS_CHECKED) -> tuple[list[int], list[int]]:
    """Choose recorded rows that show leaks: extremes, missing values, rare categories, then some at random.

    Gives the rows in an order that is not theirs, and the places of those that show most among them.
    """
    telling: dict[int, None] = {}
    for values in laid.columns.values():
        for row in _telling(_flat(values)):
            telling.setdefault(row)
        if len(telling) >= min(wanted, _MOST_EXTREMES):
            break
    first = list(telling)[: min(wanted, _MOST_EXTREMES)]
    others = [row for row in range(rows) if row not in telling]
    draw = random.Random(11)
    chosen = first + draw.sample(others, min(len(others), max(0, wanted - len(first))))
    draw.shuffle(chosen)
    places = {row: place for place, row in enumerate(chosen)}
    return chosen, [places[row] for row in first]


def _flat(values: Any) -> list[Any]:
    """Give one value for each row."""
    if hasattr(values, "ndim") and values.ndim > 1:
        return [float(each) for each in values.reshape(len(values), -1).sum(axis=1).real.tolist()]
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _telling(values: list[Any]) -> list[int]:
    """Give the places of the lowest, the highest, a missing and the rarest value."""
    found = []
    missing = next((at for at, each in enumerate(values) if is_missing(each)), None)
    if missing is not None:
        found.append(missing)
    known = [(each, at) for at, each in enumerate(values) if not is_missing(each)]
    numbers = [(each, at) for each, at in known if isinstance(each, int | float) and math.isfinite(each)]
    if numbers and len(numbers) == len(known):
        return [*found, min(numbers)[1], max(numbers)[1]]
    counts: dict[str, int] = {}
    for each, _ in known:
        counts[str(each)] = counts.get(str(each), 0) + 1
    if known:
        found.append(min(known, key=lambda each: counts[str(each[0])])[1])
    return found


def make_extreme(value: Any, row: int, form: Form) -> Any:
    """Give a copy of a value of which one row has larger numbers than any other, or the same value if it holds none."""
    if form.kind == PARTS:
        return _extreme_parts(value, row, form)
    if form.kind != ROWS:
        return value
    package = type(value).__module__.partition(".")[0]
    if package == "numpy" and value.dtype.kind == "f":
        return _extreme_array(value, row)
    if package == "pandas" and getattr(value, "ndim", 0) == 2:
        return _extreme_frame(value, row)
    if package == "pandas" and getattr(value.dtype, "kind", "") == "f":
        return type(value)(_extreme_array(value.to_numpy(), row), index=value.index, name=value.name)
    if package == "polars":
        return _extreme_polars(value, row)
    if isinstance(value, list) and value and all(isinstance(each, float) for each in value):
        return [*value[:row], _beyond(value), *value[row + 1 :]]
    return value


def _extreme_parts(value: Any, row: int, form: Form) -> Any:
    parts = form.parts or {}
    if isinstance(value, dict):
        return {name: make_extreme(each, row, parts[name]) for name, each in value.items()}
    names: Any = getattr(value, "_fields", None)
    if isinstance(value, tuple) and names:
        return type(value)(*(make_extreme(getattr(value, name), row, parts[name]) for name in names))
    if isinstance(value, list | tuple):
        return type(value)(make_extreme(each, row, parts[at]) for at, each in enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in fields(value) if each.init]
        return replace(value, **{name: make_extreme(getattr(value, name), row, parts[name]) for name in names})
    return value


def _extreme_array(array: Any, row: int) -> Any:
    import numpy as np

    made = np.array(array)
    finite = np.abs(made[np.isfinite(made)])
    made[row] = (float(finite.max()) if finite.size else 1.0) * 10 + 1
    return made


def _extreme_integers(array: Any, row: int) -> Any:
    """Put a number above all others in, so that it is no other row's."""
    import numpy as np

    made = np.array(array)
    made[row] = min(int(made.max()) + int(made.max() - made.min()) + 1, np.iinfo(made.dtype).max)
    return made


def _extreme_frame(frame: Any, row: int) -> Any:
    made = frame.copy()
    for at in range(frame.shape[1]):
        column = frame.iloc[:, at]
        if getattr(column.dtype, "kind", "") == "f" and type(column.dtype).__module__.startswith("numpy"):
            made.isetitem(at, _extreme_array(column.to_numpy(), row))
        elif getattr(column.dtype, "kind", "") in "iu" and type(column.dtype).__module__.startswith("numpy"):
            made.isetitem(at, _extreme_integers(column.to_numpy(), row))
    return made


def _extreme_polars(value: Any, row: int) -> Any:
    import polars as pl

    series = [value] if isinstance(value, pl.Series) else value.get_columns()
    made = [
        pl.Series(each.name, [*each.to_list()[:row], _beyond(each.to_list()), *each.to_list()[row + 1 :]], each.dtype)
        if each.dtype.is_float()
        else each
        for each in series
    ]
    return made[0] if isinstance(value, pl.Series) else pl.DataFrame(made)


def _beyond(values: Sequence[Any]) -> float:
    numbers = [abs(each) for each in values if each is not None and math.isfinite(each)]
    return max(numbers, default=1.0) * 10 + 1
