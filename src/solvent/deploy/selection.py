"""The columns of a recorded request: named, left out, and given other values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from solvent.errors import BundleError

_CHANGED_TEXT = "~"
"""What is put behind texts: a text that was seen becomes one that was not."""


def column_names(request: Any, declared: Sequence[str]) -> list[str] | None:
    """Name the columns of a request; `declared` are those of an array. None for what has none, such as a list of texts.

    BundleError if a name is no text or there twice: a request in JSON could not name them.
    """
    package = _package(request)
    if package == "numpy" and request.ndim == 2:
        return _names_of_array(request.shape[1], declared)
    found = request.columns if package in ("pandas", "polars") and hasattr(request, "columns") else None
    if package == "pyarrow" and hasattr(request, "column_names"):
        found = request.column_names
    if found is None:
        return None
    names = list(found)
    strange = [name for name in names if not isinstance(name, str)]
    twice = [name for name in names if names.count(name) > 1] if len(set(names)) < len(names) else []
    if strange or twice:
        what = f"{strange[0]!r} is no text" if strange else f"there are two {twice[0]!r}"
        raise BundleError(f"the request's columns can't be named in a request: {what}", hint="rename them in a step")
    return names


def _names_of_array(width: int, declared: Sequence[str]) -> list[str]:
    if declared and len(declared) != width:
        raise BundleError(
            f"columns= names {len(declared)} columns, and the request is an array of {width}",
            hint="name all columns of the array, in their order",
        )
    return list(declared) or [f"x{at}" for at in range(width)]


def without(request: Any, names: Sequence[str], removed: Collection[str]) -> Any:
    """Give the request without some of its columns."""
    package = _package(request)
    kept = [at for at, name in enumerate(names) if name not in removed]
    if package == "numpy":
        return request[:, kept]
    if package == "pandas":
        return request.iloc[:, kept]
    return request.select([names[at] for at in kept])


def unindexed(value: Any) -> Any:
    """Give a table or series of pandas with its rows numbered from 0, as a served request has them."""
    if _package(value) == "pandas" and hasattr(value, "reset_index"):
        return value.reset_index(drop=True)
    return value


def altered(request: Any, names: Sequence[str], chosen: Collection[str]) -> Any:
    """Give the request with other values of its types in some columns: those of other rows, and changed."""
    package = _package(request)
    if package == "numpy":
        made = request.copy()
        for at in (at for at, name in enumerate(names) if name in chosen):
            made[:, at] = _changed_array(_rolled(request[:, at]))
        return made
    if package == "pandas":
        return request.assign(**{name: _changed_series(request[name]) for name in names if name in chosen})
    if package == "polars":
        return request.with_columns([_changed_polars(request[name]) for name in names if name in chosen])
    for at in (at for at, name in enumerate(names) if name in chosen):
        request = request.set_column(at, request.field(at), _changed_arrow(request.column(at)))
    return request


def _rolled(values: Any) -> Any:
    import numpy as np

    return np.roll(values, 1)


def _changed_array(values: Any) -> Any:
    kind = values.dtype.kind
    if kind == "b":
        return ~values
    if kind in "iufc":
        return values + 1
    if kind == "O":
        return _changed_objects(values)
    return values


def _changed_objects(values: Any) -> Any:
    import numpy as np

    found = np.empty(len(values), object)
    found[:] = [_changed_object(each) for each in values]
    return found


def _changed_object(value: Any) -> Any:
    if isinstance(value, str):
        return value + _CHANGED_TEXT
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else value


def _changed_series(column: Any) -> Any:
    import pandas as pd

    rolled = column.take(_rolled(range(len(column)))).set_axis(column.index)
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.cat.categories
        return rolled.cat.rename_categories(list(_rolled(categories))) if len(categories) > 1 else rolled
    if pd.api.types.is_bool_dtype(column.dtype):
        return ~rolled if rolled.notna().all() else rolled
    if pd.api.types.is_numeric_dtype(column.dtype):
        return (rolled + 1).astype(column.dtype)
    if isinstance(column.dtype, pd.StringDtype):
        return rolled + _CHANGED_TEXT
    if column.dtype.kind in "mM":
        return rolled + pd.Timedelta(days=1)
    return pd.Series(_changed_objects(rolled.to_numpy()), rolled.index) if column.dtype == object else rolled


def _changed_polars(column: Any) -> Any:
    import polars as pl

    rolled = column.gather(_rolled(range(len(column)))) if len(column) else column
    kind = column.dtype
    if kind == pl.Boolean:
        return ~rolled
    if kind.is_numeric():
        return (rolled + 1).cast(kind).alias(column.name)
    if kind == pl.String:
        return (rolled + _CHANGED_TEXT).alias(column.name)
    if kind in (pl.Date, pl.Datetime):
        return rolled.dt.offset_by("1d").alias(column.name)
    return rolled


def _changed_arrow(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    rolled = column.take(pa.array(_rolled(range(len(column))))) if len(column) else column
    kind = column.type
    if pa.types.is_boolean(kind):
        return pc.invert(rolled)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pc.add(rolled, pa.scalar(1, kind))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.binary_join_element_wise(rolled, pa.scalar(_CHANGED_TEXT, kind), pa.scalar("", kind))
    return rolled


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]
