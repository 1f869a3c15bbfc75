"""Rows as JSON has them, and the tables and arrays that steps take and give."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from solvent.errors import DataError
from solvent.serving import times
from solvent.serving.cells import Cells
from solvent.serving.containers import NAT, Find, Maker, maker
from solvent.serving.refusals import BadRequest, Problem, row_of
from solvent.serving.schema import Schema


def to_columns(value: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """Give a table, array, series, list or dict as one list of plain values for each column.

    Numbers, texts, booleans, None for what is missing; times as ISO 8601 text, decimals as text. Infinite numbers stay.
    DataError for a column that is not there, or a value that has no such form.
    """
    return dict(zip(names, plain_columns(value, names), strict=True))


def plain_columns(value: Any, names: Sequence[str]) -> list[list[Any]]:
    """Give the columns of a value as lists of plain values, in the order of `names`."""
    package = type(value).__module__.partition(".")[0]
    if isinstance(value, dict):
        return [plain_columns(_named(value, name), [name])[0] for name in names]
    if package == "pandas" and value.ndim == 2:
        places = {str(label): at for at, label in enumerate(value.columns)}
        return [_pandas(value.iloc[:, _named(places, name)]) for name in names]
    if package == "polars" and hasattr(value, "columns"):
        return [_polars(value[_known(name, value.columns)]) for name in names]
    if package == "pyarrow" and hasattr(value, "column_names"):
        return [_arrow(value.column(_known(name, value.column_names))) for name in names]
    if package == "numpy" and value.ndim == 2:
        return [_numpy(value[:, at]) for at in range(len(names))]
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return _of_rows(value, names)
    return [_LIBRARIES.get(package, lambda values: [plain(each) for each in values])(value)]


def _named(there: Mapping[str, Any], name: str) -> Any:
    return there[_known(name, there)]


def _known(name: str, there: Any) -> str:
    if name not in there:
        raise DataError(f"no column {name!r}; there are {', '.join(map(repr, list(there)[:12]))}")
    return name


def _of_rows(rows: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    first = rows[0] if rows else None
    if isinstance(first, dict):
        return [[plain(row.get(name)) for row in rows] for name in names]
    if hasattr(first, "_fields") or (is_dataclass(first) and not isinstance(first, type)):
        return [[plain(getattr(row, name)) for row in rows] for name in names]
    return [[plain(each) for each in rows]] if rows else [[] for _ in names]


def _numpy(values: Any) -> list[Any]:
    kind = values.dtype.kind
    if kind == "f":
        found: list[Any] = values.tolist()
        if values.ndim > 1 or values.dtype.itemsize > 8:
            return [plain(each) for each in found]
        return [None if each != each else each for each in found] if (values != values).any() else found
    if kind in "biuU":
        return list(values.tolist())
    if kind in "Mm":
        return _counted(values.view("int64").tolist(), str(values.dtype), kind == "m", zoned=False)
    return [plain(each) for each in values]


def _counted(counts: list[int], type_name: str, lasting: bool, zoned: bool) -> list[Any]:
    unit = times.unit_of(type_name)
    if lasting:
        return [None if each == NAT else times.duration_text(each, unit) for each in counts]
    return [None if each == NAT else times.instant_text(each, unit, zoned) for each in counts]


def _pandas(column: Any) -> list[Any]:
    dtype = column.dtype
    name = type(dtype).__name__
    if name == "DatetimeTZDtype":
        return _counted(column.array.asi8.tolist(), str(dtype), False, zoned=True)
    if name == "ArrowDtype":
        return _arrow(column.array.__arrow_array__())
    if hasattr(dtype, "kind") and dtype.kind in "biufMm" and type(dtype).__module__.startswith("numpy"):
        return _numpy(column.to_numpy())
    return [plain(each) for each in column.tolist()]


def _polars(column: Any) -> list[Any]:
    import polars as pl

    dtype = column.dtype
    if isinstance(dtype, pl.Datetime | pl.Duration):
        lasting, zoned = isinstance(dtype, pl.Duration), bool(getattr(dtype, "time_zone", None))
        counts = [NAT if each is None else each for each in column.to_physical().to_list()]
        return _counted(counts, f"[{dtype.time_unit}]", lasting, zoned)
    if dtype == pl.Time:
        return [None if each is None else times.clock_text(each, "ns") for each in column.to_physical().to_list()]
    return _without_nan(column.to_list())


def _arrow(column: Any) -> list[Any]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        counts = [NAT if each is None else each for each in column.cast(pa.int64()).to_pylist()]
        lasting = pa.types.is_duration(kind)
        return _counted(counts, str(kind), lasting, zoned=not lasting and kind.tz is not None)
    if pa.types.is_time(kind):
        counted = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64()).to_pylist()
        unit = times.unit_of(str(kind))
        return [None if each is None else times.clock_text(each, unit) for each in counted]
    return _without_nan(column.to_pylist())


def _without_nan(values: list[Any]) -> list[Any]:
    return [plain(each) for each in values]


_LIBRARIES: dict[str, Callable[[Any], list[Any]]] = {
    "numpy": _numpy,
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _arrow,
}
_PLAIN = frozenset((str, int, bool, type(None)))


def plain(value: Any) -> Any:
    """Give one value as JSON has it; None for every kind of missing value, DataError for what JSON has no form for."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return None if value != value else value
    if kind.__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, date | time | timedelta):
        return times.time_text(value)
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else None
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    return _plain_object(value)


def _plain_object(value: Any) -> Any:
    if isinstance(value, str | bool | int):
        # An enum says what it stands for; all else is a text or a number of a class of its own.
        own = getattr(value, "value", value)
        return own if type(own) in _PLAIN else str(value) if isinstance(value, str) else int(value)
    if isinstance(value, bytes | bytearray | memoryview):
        raise DataError("bytes have no form in JSON", hint="give text, or numbers")
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if getattr(getattr(value, "dtype", None), "kind", "") in tuple("Mm") and not getattr(value, "ndim", 1):
        return _moment(value)
    for name in ("tolist", "to_list", "to_pylist"):
        if (lists := getattr(value, name, None)) is not None:
            return plain(lists())
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if type(value).__name__ in ("Period", "Interval"):
        return str(value)
    raise DataError(f"a {type(value).__module__}.{type(value).__qualname__} has no form in JSON")


def _moment(value: Any) -> Any:
    lasting = value.dtype.kind == "m"
    return _counted(value.reshape(-1).view("int64").tolist(), str(value.dtype), lasting, zoned=False)[0]


@lru_cache(maxsize=16)
def _made(schema: Schema, find: Find) -> tuple[list[Cells], Maker]:
    return [Cells(each) for each in schema.columns], maker(schema, find)


def find_class(name: str) -> Any:
    """Give the class of "module:qualname"."""
    import importlib

    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _checked(cells: Cells, values: Any) -> tuple[Sequence[Any], list[Problem]]:
    if hasattr(values, "dtype"):
        if cells.holds_all(values):
            return values, []
        values = values.tolist()
    return cells.check(values)


def from_columns(columns: Mapping[str, Sequence[Any]], schema: Schema, find: Find = find_class) -> Any:
    """Make what a step takes, with the very types that the schema names; BadRequest if a value is not what it asks for.

    `find` gives a class of a bundle by "module:qualname".
    """
    cells, make = _made(schema, find)
    checked = [_checked(each, columns[each.column.name]) for each in cells]
    if problems := sorted((each for _, found in checked for each in found), key=row_of):
        raise BadRequest(problems)
    return make([values for values, _ in checked])
