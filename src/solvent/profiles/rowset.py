"""A table or an array of whatever library, seen as named columns whose rows can be taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from solvent.errors import AuthoringError, NotFoundError, nearest

Name = str | int


class Rows:
    """The rows of a pandas or polars frame or series, an Arrow table or batch, or a NumPy array.

    The columns of an array of two and more dimensions are named by their numbers, those of a structured array by its
    fields; a series has its name, an array of one dimension is column 0. AuthoringError for anything else.
    """

    def __init__(self, table: Any) -> None:
        self.table = table
        self.kind = _kind(table)
        self._columns: dict[Any, Any] = {}
        self._positions = {name: place for place, name in enumerate(self._names())}

    @property
    def names(self) -> list[Name]:
        return list(self._positions)

    def __len__(self) -> int:
        return int(self.table.num_rows) if self.kind == "arrow" else len(self.table)

    def find(self, name: Name, role: str = "column") -> Name:
        """Give the name of a column as the table has it; a negative number counts from the end of an array's columns."""
        if name in self._positions:
            return name
        if (
            self.kind == "numpy"
            and isinstance(name, int)
            and name < 0
            and name + len(self._positions) in self._positions
        ):
            return name + len(self._positions)
        known = ", ".join(map(str, self.names[:12])) + (", ..." if len(self._positions) > 12 else "")
        raise NotFoundError(
            f"{role}={name!r}: the table has no such column{nearest(str(name), self.names)}", hint=f"columns: {known}"
        )

    def column(self, name: Name) -> Any:
        """Give a column as an Arrow array; a list of Python values for what Arrow can't hold."""
        if name not in self._columns:
            self._columns[name] = self._convert(self._positions[name])
        return self._columns[name]

    def take(self, chosen: Any) -> Any:
        """Give the rows where a Boolean NumPy array is true, in their order, as the type of the table."""
        if self.kind == "pandas":
            return self.table[chosen]
        if self.kind == "polars":
            import polars as pl

            return self.table.filter(pl.Series(chosen))
        if self.kind == "arrow":
            import pyarrow as pa

            return self.table.filter(pa.array(chosen))
        return self.table[chosen]

    def _names(self) -> Sequence[Name]:
        table = self.table
        if self.kind == "numpy":
            fields: Any = table.dtype.names
            return list(fields) if fields else list(range(math.prod(table.shape[1:])))
        if self.kind == "arrow":
            return list(table.schema.names)
        return list(table.columns) if hasattr(table, "columns") else [table.name or 0]

    def _convert(self, place: int) -> Any:
        table = self.table
        if self.kind == "arrow":
            return table.column(place)
        if self.kind == "polars":
            return (table.to_series(place) if hasattr(table, "columns") else table).to_arrow()
        if self.kind == "pandas":
            return _from_pandas(table.iloc[:, place] if hasattr(table, "columns") else table)
        if table.dtype.names:
            return _from_numpy(table[table.dtype.names[place]])
        return _from_numpy(table if table.ndim == 1 else table.reshape(len(table), -1)[:, place])


def _kind(table: Any) -> str:
    cls = type(table)
    for parent in cls.__mro__:
        module, name = parent.__module__.partition(".")[0], parent.__name__
        if (module, name) in _KINDS and not (module == "numpy" and table.ndim == 0):
            return _KINDS[module, name]
    hint = "call .collect() in the step before" if cls.__name__ == "LazyFrame" else None
    raise AuthoringError(
        f"a {cls.__module__.partition('.')[0]} {cls.__qualname__} can't be split into rows",
        hint=hint or "give a pandas or polars frame, an Arrow table or a NumPy array",
    )


_KINDS = {
    ("pandas", "DataFrame"): "pandas",
    ("pandas", "Series"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("polars", "Series"): "polars",
    ("pyarrow", "Table"): "arrow",
    ("pyarrow", "RecordBatch"): "arrow",
    ("numpy", "ndarray"): "numpy",
}


def _from_pandas(series: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return [None if _is_missing(each) else each for each in series.tolist()]


def _from_numpy(array: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    try:
        if array.dtype.kind == "U":
            return pa.array(array.tolist(), type=pa.string())
        return pa.array(np.ascontiguousarray(array), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return [None if _is_missing(each) else each for each in array.tolist()]


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value
