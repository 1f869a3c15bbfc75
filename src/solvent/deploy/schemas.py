"""The schema of a request or a response, and example rows, from what was recorded."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from solvent.deploy.column_types import arrow_column, numpy_column, pandas_column, polars_column, python_column
from solvent.errors import BundleError, DataError
from solvent.profiles.make import is_sensitive
from solvent.serving.containers import Find
from solvent.serving.refusals import BadRequest
from solvent.serving.schema import BOOLEAN, DATE, DECIMAL, INTEGER, NUMBER, TEXT, TIME, Column, Schema
from solvent.serving.statistics import ColumnStatistics
from solvent.serving.tables import find_class, plain_columns

VALUE = "value"
"""The name of the only column of an array, a list or a nameless series."""


def schema_of(value: Any, columns: Sequence[str] = (), sensitive: Collection[str] = ()) -> Schema:
    """Read off a recorded value what it is made of.

    `columns` names the columns of an array or of a list of scalars; `sensitive` are patterns of names that tell no values.
    BundleError for a value that has no rows, or a type that JSON has no form for.
    """
    found = _schema(value, columns)
    _check_names(found)
    return replace(found, columns=tuple(_told(each, sensitive) for each in found.columns))


def _schema(value: Any, columns: Sequence[str]) -> Schema:
    package = type(value).__module__.partition(".")[0]
    container = _class_name(value)
    if package == "pandas" and getattr(value, "ndim", None) in (1, 2) and hasattr(value, "index"):
        return _pandas(value, container, columns)
    if package == "polars" and hasattr(value, "columns"):
        return Schema(container, tuple(polars_column(name, value[name]) for name in value.columns))
    if package == "polars" and hasattr(value, "name"):
        return _series(container, value.name, columns, lambda name: polars_column(name, value))
    if package == "pyarrow" and hasattr(value, "column_names"):
        return Schema(container, tuple(arrow_column(name, value.column(name)) for name in value.column_names))
    if package == "numpy" and getattr(value, "ndim", None):
        return _array(value, container, columns)
    if isinstance(value, dict) and type(value) is dict:
        return _columns_of(value, container)
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return _list(value, container, columns)
    raise BundleError(
        f"a {_class_name(value)} has no rows that JSON could hold",
        hint="let the step take and give a table, an array, a list, or a dict of columns",
    )


def _class_name(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__}:{kind.__qualname__}"


def _pandas(value: Any, container: str, columns: Sequence[str]) -> Schema:
    if value.ndim == 1:
        return _series(container, value.name, columns, lambda name: pandas_column(name, value))
    labels = list(value.columns)
    if any(isinstance(each, bool) or not isinstance(each, str | int) for each in labels):
        raise BundleError(
            f"columns are named by {type(labels[0]).__name__}, and JSON has only text",
            hint="rename the columns to texts",
        )
    named = tuple(pandas_column(str(label), value.iloc[:, at]) for at, label in enumerate(labels))
    texts = all(isinstance(each, str) for each in labels)
    if not texts and any(isinstance(each, str) for each in labels):
        raise BundleError("some columns are named by numbers and some by texts", hint="rename the columns to texts")
    return Schema(container, named, labels="" if texts else "integer")


def _series(container: str, name: Any, columns: Sequence[str], column: Any) -> Schema:
    nameless = name is None or name == ""
    if not nameless and not isinstance(name, str):
        raise BundleError(f"a series is named by {name!r}, and JSON has only text", hint="rename it to a text")
    own = (_given(columns, 1) or [VALUE])[0] if nameless else name
    return Schema(container, (column(own),), labels="none" if nameless else "")


def _array(value: Any, container: str, columns: Sequence[str]) -> Schema:
    shape = tuple(value.shape[1:])
    if value.dtype.names or value.dtype.kind not in "fiubUOMm":
        raise BundleError(
            f"an array of {value.dtype} has no form in JSON", hint="give numbers, booleans, texts or times"
        )
    if len(shape) != 1:
        name = (_given(columns, 1) or [VALUE])[0]
        return Schema(container, (numpy_column(name, value, nested=bool(shape)),), shape)
    names = _given(columns, shape[0]) or [f"x{at}" for at in range(shape[0])]
    return Schema(container, tuple(numpy_column(name, value[:, at]) for at, name in enumerate(names)), shape)


def _given(columns: Sequence[str], number: int) -> list[str]:
    if columns and len(columns) != number:
        raise BundleError(
            f"the endpoint names {len(columns)} columns, and a row of the request has {number}",
            hint="Endpoint(columns=...) names each column of an array",
        )
    return list(columns)


def _columns_of(value: dict[Any, Any], container: str) -> Schema:
    kinds = {_class_name(each) for each in value.values()}
    if len(kinds) != 1 or not all(isinstance(each, str) for each in value):
        raise BundleError(
            "a dict of columns needs texts as keys, and columns of one kind", hint="give a table, or lists by name"
        )
    parts = [_schema(each, (name,) if _is_nameless(each) else ()) for name, each in value.items()]
    if any(len(each.columns) != 1 or each.shape not in (None, ()) or each.item for each in parts):
        raise BundleError("a dict of columns holds one value for each row and column", hint="give a table")
    columns = tuple(replace(each.columns[0], name=name) for name, each in zip(value, parts, strict=True))
    return Schema(container, columns, item=next(iter(kinds)))


def _is_nameless(column: Any) -> bool:
    return not getattr(column, "name", None)


def _list(value: Sequence[Any], container: str, columns: Sequence[str]) -> Schema:
    if not value:
        raise BundleError("an empty list does not tell what its elements are", hint="record at least one row")
    first = value[0]
    if isinstance(first, dict):
        return Schema(container, _columns_of_dicts(value), item=_class_name(first))
    names = getattr(first, "_fields", None) or ([each.name for each in fields(first)] if is_dataclass(first) else None)
    if names:
        columns_found = tuple(python_column(name, [getattr(row, name) for row in value]) for name in names)
        return Schema(container, columns_found, item=_class_name(first))
    name = (_given(columns, 1) or [VALUE])[0]
    return Schema(container, (python_column(name, value),))


def _columns_of_dicts(rows: Sequence[Any]) -> tuple[Column, ...]:
    if not all(type(row) is dict and all(isinstance(name, str) for name in row) for row in rows):
        raise BundleError("all rows have to be dicts with texts as keys")
    names = list(dict.fromkeys(name for row in rows for name in row))
    found = []
    for name in names:
        column = python_column(name, [row.get(name) for row in rows])
        absent = any(name not in row for row in rows)
        if absent and any(row.get(name, "") is None for row in rows):
            raise BundleError(f"{name!r} is None in some rows and left out in others", hint="write it in one way")
        found.append(replace(column, missing="absent", nullable=True) if absent else column)
    return tuple(found)


def _check_names(schema: Schema) -> None:
    if not schema.columns:
        raise BundleError("there are no columns", hint="a request and a response have at least one")
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise BundleError(f"two columns are named {name!r}", hint="rename one: columns are asked for by name")


def _told(column: Column, sensitive: Collection[str]) -> Column:
    """Leave out what tells values of a sensitive column; categories stay, without which no request could be made."""
    if not is_sensitive(column.name, sensitive):
        return column
    return replace(column, low=None, high=None, sensitive=True)


def with_training(schema: Schema, training: Iterable[ColumnStatistics]) -> Schema:
    """Add what the training data tells: a value may be missing where one was, and the range that was seen."""
    there = {each.name: each for each in training}
    return replace(schema, columns=tuple(_widened(each, there.get(each.name)) for each in schema.columns))


def _widened(column: Column, seen: ColumnStatistics | None) -> Column:
    if seen is None:
        return column
    nullable = column.nullable or (seen.missing > 0 and _can_be_null(column))
    if column.sensitive or column.kind not in (NUMBER, INTEGER) or seen.low is None or seen.high is None:
        return replace(column, nullable=nullable)
    own_low, own_high = (each if isinstance(each, int | float) else None for each in (column.low, column.high))
    low = seen.low if own_low is None else min(own_low, seen.low)
    high = seen.high if own_high is None else max(own_high, seen.high)
    return replace(column, nullable=nullable, low=low, high=high)


def _can_be_null(column: Column) -> bool:
    """Whether a type can hold a missing value: plain integers and booleans of NumPy can't."""
    return not column.type.startswith(("int", "uint", "bool")) or column.type.endswith("[pyarrow]")


def example_rows(request: Any, response: Any, rows: int, asked: Schema, answered: Schema) -> dict[str, Any]:
    """Give the first recorded rows that JSON can hold, and what was answered to them.

    A sensitive column has a stand-in for its values; no answer is given then, for it would be that to the real ones.
    """
    requests, responses = plain_columns(request, asked.names), plain_columns(response, answered.names)
    number = min(map(len, (*requests, *responses)))
    good = [row for row in range(number) if all(_is_told(each[row]) for each in (*requests, *responses))][:rows]
    hidden = any(each.sensitive for each in (*asked.columns, *answered.columns))
    return {
        "request": {
            column.name: [_stand_in(column) if column.sensitive else values[row] for row in good]
            for column, values in zip(asked.columns, requests, strict=True)
        },
        "response": {}
        if hidden
        else {name: [values[row] for row in good] for name, values in zip(answered.names, responses, strict=True)},
    }


def _is_told(value: Any) -> bool:
    """Whether JSON has a form for a value that comes back: infinite numbers have none."""
    if isinstance(value, list):
        return all(map(_is_told, value))
    return not isinstance(value, float) or math.isfinite(value)


_STAND_INS: dict[str, Any] = {
    NUMBER: 0.0,
    INTEGER: 0,
    BOOLEAN: False,
    TEXT: "",
    TIME: datetime(2000, 1, 1),
    DATE: date(2000, 1, 1),
    DECIMAL: Decimal(0),
    "clock": time(),
    "duration": timedelta(),
}


def _stand_in(column: Column) -> Any:
    if column.nullable:
        return None
    if column.categories:
        return column.categories[0]
    found = _STAND_INS.get(column.kind)
    if column.kind == TIME and "," in column.type + column.of:
        return "2000-01-01T00:00:00Z"
    return plain_columns([found], [column.name])[0][0]


def check_comes_back(schema: Schema, columns: dict[str, list[Any]], find: Find = find_class) -> None:
    """Send example rows over the wire and read them again; BundleError if a type of the request does not come back."""
    import msgspec

    from solvent.serving.wire import Codec

    if not any(columns.values()):
        return
    try:
        found = Codec(schema, schema, find=find).decode(msgspec.json.encode({"columns": columns}))
    except (BadRequest, DataError) as error:
        raise BundleError(f"the request can't be asked for over JSON: {error.problem}") from error
    again = _schema(found.value, () if schema.shape is None and not _is_plain(schema) else schema.names)
    for was, now in zip(schema.columns, again.columns, strict=True):
        if was.type != now.type and not was.type.startswith("<U"):
            raise BundleError(f"column {was.name!r} of type {was.type} comes back from JSON as {now.type}")


def _is_plain(schema: Schema) -> bool:
    return schema.labels == "none" or (schema.package == "builtins" and not schema.item)
