"""Values that hold a row for each row of a request: counted, taken apart by row, and laid out in columns.

Tables of pandas, polars and Arrow, arrays of NumPy, SciPy and torch, lists, and dicts, tuples and dataclasses of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, NamedTuple

ROWS, PARTS, CONSTANT = "rows", "parts", "constant"


@dataclass(frozen=True, slots=True)
class Form:
    """How a value holds rows: it is one for each row, or has parts that are, or is the same for all rows.

    `count` is the number of rows of a value of rows; a form is that of one batch, and values of other batches follow it.
    """

    kind: str
    count: int = 0
    parts: Mapping[Any, Form] | None = None

    def counts(self) -> set[int]:
        """Give the numbers of rows that its parts have."""
        if self.kind == ROWS:
            return {self.count}
        return set().union(*(each.counts() for each in (self.parts or {}).values()))


class Laid(NamedTuple):
    """A value as columns: a list or an array with one element (or one row of numbers) for each row, by name."""

    columns: dict[str, Any]
    constants: dict[str, Any]


def form_of(value: Any, rows: int | None = None) -> Form:
    """Tell how a value holds rows; `rows` is the number that a request has, which tells rows from parts in lists."""
    count = table_rows(value)
    if count is not None:
        return Form(ROWS, count)
    if isinstance(value, list):
        return _list_form(value, rows)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        found = _parts_form(dict(enumerate(value)), rows)
        return Form(ROWS, len(value)) if found.kind == CONSTANT and len(value) == rows else found
    parts = _parts_of(value)
    return Form(CONSTANT) if parts is None else _parts_form(parts, rows)


def _list_form(value: list[Any], rows: int | None) -> Form:
    if rows is None or len(value) == rows:
        return Form(ROWS, len(value))
    found = _parts_form(dict(enumerate(value)), rows)
    return found if rows in found.counts() else Form(ROWS, len(value))


def _parts_form(parts: Mapping[Any, Any], rows: int | None) -> Form:
    found = {name: form_of(each, rows) for name, each in parts.items()}
    return Form(PARTS, 0, found) if any(each.kind != CONSTANT for each in found.values()) else Form(CONSTANT)


def _parts_of(value: Any) -> dict[Any, Any] | None:
    if isinstance(value, Mapping):
        return dict(value)
    names: Any = getattr(value, "_fields", None)
    if isinstance(value, tuple) and names:
        return {name: getattr(value, name) for name in names}
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return None


def table_rows(value: Any) -> int | None:
    """Count the rows of a table, series or array, or give None for another value."""
    package = _package(value)
    if package in ("pandas", "polars", "pyarrow"):
        return len(value) if hasattr(value, "__len__") and not isinstance(value, Mapping) else None
    if package in ("numpy", "torch", "scipy"):
        shape: Any = getattr(value, "shape", ())
        return int(shape[0]) if len(shape) else None
    return None


def take(value: Any, rows: Sequence[int], form: Form) -> Any:
    """Give the same kind of value with these rows, in this order; a row may be there several times."""
    if form.kind == CONSTANT:
        return value
    if form.kind == PARTS:
        parts = _parts_of(value) or {}
        found = {name: take(parts[name], rows, each) for name, each in (form.parts or {}).items()}
        return _with_parts(value, found)
    package = _package(value)
    if package == "pandas":
        return _take_pandas(value, rows)
    if package == "pyarrow":
        return value.take(list(rows))
    if package == "scipy":
        return type(value)(value.tocsr()[list(rows)])
    if isinstance(value, list | tuple):
        return type(value)(value[row] for row in rows)
    return value[list(rows)]


def _take_pandas(value: Any, rows: Sequence[int]) -> Any:
    if not hasattr(value, "index"):
        return value.take(list(rows))
    found = value.iloc[list(rows)]
    # A served batch is numbered from 0 as the recorded one is.
    return found.reset_index(drop=True) if is_numbered(value.index) else found


def is_numbered(index: Any) -> bool:
    """Whether an index of pandas only numbers the rows from 0."""
    return bool(index.nlevels == 1 and index.dtype.kind == "i" and index.tolist() == list(range(len(index))))


def _with_parts(value: Any, parts: Mapping[Any, Any]) -> Any:
    if isinstance(value, Mapping):
        return dict(parts)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(**parts)
    if isinstance(value, list | tuple):
        return type(value)(parts.values())
    return replace(value, **{name: each for name, each in parts.items() if _is_init(value, name)})


def _is_init(value: Any, name: str) -> bool:
    return next(each.init for each in fields(value) if each.name == name)


def lay_out(value: Any, form: Form) -> Laid:
    """Lay a value out in columns that can be compared row by row."""
    found = Laid({}, {})
    _lay(value, form, "", found)
    return found


def _lay(value: Any, form: Form, name: str, into: Laid) -> None:
    if form.kind == CONSTANT:
        into.constants[name or "value"] = value
    elif form.kind == PARTS:
        parts = _parts_of(value) or {}
        for part in {**(form.parts or {}), **parts}:
            path = f"{name}.{part}" if name else str(part)
            if part in parts:
                _lay(parts[part], (form.parts or {}).get(part) or form_of(parts[part]), path, into)
    else:
        into.columns.update(_columns(value, name))


def _columns(value: Any, name: str) -> dict[str, Any]:
    package = _package(value)
    prefix = f"{name}." if name else ""
    if package == "pandas":
        return _pandas_columns(value, name)
    if package == "polars" and hasattr(value, "columns"):
        return {f"{prefix}{each}": value[each].to_list() for each in value.columns}
    if package == "pyarrow" and hasattr(value, "column_names"):
        return {f"{prefix}{each}": value.column(at).to_pylist() for at, each in enumerate(value.column_names)}
    if package == "scipy":
        value = value.toarray()
    if package == "torch":
        value = value.detach().cpu().numpy()
    if package in ("scipy", "torch", "numpy"):
        return _array_columns(value, name)
    plain = next((getattr(value, each)() for each in ("to_pylist", "to_list") if hasattr(value, each)), value)
    return {name or "value": list(plain)}


def _pandas_columns(value: Any, name: str) -> dict[str, Any]:
    prefix = f"{name}." if name else ""
    if not hasattr(value, "index"):
        return {name or "value": _series(value)}
    numbered = is_numbered(value.index)
    found = {} if numbered else {f"{prefix}index": value.index.astype(object).tolist()}
    if value.ndim == 1:
        return found | {name or "value": _series(value)}
    for at, each in enumerate(value.columns):
        column = f"{prefix}{each}"
        found[column if column not in found else f"{column} ({at})"] = _series(value.iloc[:, at])
    return found


def _series(column: Any) -> Any:
    if getattr(column.dtype, "kind", "O") in "biufc" and _package(column.dtype) == "numpy":
        return column.to_numpy()
    return column.astype(object).tolist()


def _array_columns(value: Any, name: str) -> dict[str, Any]:
    if value.dtype.names:
        return {f"{name}.{each}" if name else each: value[each] for each in value.dtype.names}
    if value.dtype.kind not in "biufc":
        return {name or "value": value.tolist()}
    return {name or "value": value.reshape(len(value), -1) if value.ndim > 2 else value}


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]
