"""The columns of a table or array, whichever library made it, for what looks at them in the same way.

A value is missing if it is null, or NaN in a column of floats. Rows are counted from 0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from solvent.errors import nearest


class Unfit(Exception):
    """A column that is not there, or whose type can't be looked at in this way; the words say it all."""


class Column:
    """One column; `values` is a pandas, polars or Arrow series or a NumPy array of one dimension."""

    def __init__(self, name: Any, values: Any) -> None:
        self.name = name
        self.values = values
        self._arrow: Any = None

    @property
    def pandas(self) -> bool:
        return hasattr(self.values, "isna")

    @property
    def type(self) -> str:
        return str(getattr(self.values, "dtype", None) or self.values.type)

    def arrow(self) -> Any:
        """Give the column as Arrow, of a plain type; Unfit if Arrow has no type for it."""
        if self._arrow is None:
            self._arrow = _plain(_to_arrow(self))
        return self._arrow

    def missing(self) -> Any:
        """Give an array with a truth for each row: whether there is no value."""
        import numpy as np
        import pyarrow.compute as pc

        if self.pandas:
            return np.asarray(self.values.isna())
        if isinstance(self.values, np.ndarray) and self.values.dtype.kind in "fcmM":
            return np.isnan(self.values) if self.values.dtype.kind in "fc" else np.isnat(self.values)
        return truths(pc.is_null(self.arrow(), nan_is_null=True))  # pyright: ignore[reportAttributeAccessIssue]

    def value_at(self, row: int) -> str:
        """Give the value of a row as text."""
        found = self.values.iloc[row] if hasattr(self.values, "iloc") else self.values[row]
        if hasattr(found, "as_py"):
            try:
                found = found.as_py()
            except ValueError:  # nanoseconds, which only pandas has
                return str(found)
        if hasattr(found, "item") and getattr(found, "ndim", 1) == 0 and type(found).__module__ == "numpy":
            found = found.item()
        text = repr(found) if isinstance(found, str | bytes) else str(found)
        return text if len(text) <= 60 else text[:57] + "..."


def truths(values: Any) -> Any:
    """Give an Arrow column of truths as a NumPy array; what is null is false."""
    import numpy as np

    if values.null_count:
        values = values.fill_null(False)
    parts = values.chunks if hasattr(values, "chunks") else [values]
    plain = [part.to_numpy(zero_copy_only=False) for part in parts]
    return np.concatenate(plain) if plain else np.zeros(0, dtype=bool)


def is_tabular(value: Any) -> bool:
    """Whether a value is a table, series or array that `find_column` looks into."""
    if any(each.__module__.partition(".")[0] in ("pandas", "polars", "pyarrow") for each in type(value).__mro__):
        return any(hasattr(value, name) for name in ("columns", "dtype", "type"))
    return _is_array(value)


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray) and value.ndim > 0


def names_of(value: Any) -> Sequence[Any]:
    """Give the names of the columns: those of a table, numbers for an array; one for a series."""
    if hasattr(value, "column_names"):
        return list(value.column_names)
    if hasattr(value, "columns"):
        return list(value.columns)
    if hasattr(value, "schema"):
        return list(value.schema.names)
    if _is_array(value):
        return list(value.dtype.names or range(1 if value.ndim == 1 else value.reshape(len(value), -1).shape[1]))
    name = getattr(value, "name", None)
    return [name if name not in (None, "") else 0]


def find_column(value: Any, name: Any) -> Column:
    """Give a column of a table by its name (with pandas also of a named level of the index), of an array by its number.

    Unfit, with the nearest name, if it is not there.
    """
    names = names_of(value)
    if hasattr(value, "iloc") and hasattr(value, "columns"):
        return _find_in_pandas(value, name, names)
    if name not in names and not (name == 0 and len(names) == 1 and not _is_table(value)):
        raise Unfit(_unknown(name, names))
    if names.count(name) > 1:  # type: ignore[attr-defined]
        raise Unfit(f"there are several columns {name!r}")
    if _is_array(value) and value.dtype.names is None:
        return Column(name, value if value.ndim == 1 else value.reshape(len(value), -1)[:, name])
    return Column(name, value[name] if _is_table(value) or _is_array(value) else value)


def _is_table(value: Any) -> bool:
    return hasattr(value, "columns") or hasattr(value, "column_names")


def _find_in_pandas(frame: Any, name: Any, names: Sequence[Any]) -> Column:
    if name in names:
        found = frame[name]
        if getattr(found, "ndim", 1) != 1:
            raise Unfit(f"there are several columns {name!r}")
        return Column(name, found)
    if name in frame.index.names:
        return Column(name, frame.index.get_level_values(name))
    raise Unfit(_unknown(name, [*names, *(each for each in frame.index.names if each is not None)]))


def _unknown(name: Any, names: Sequence[Any]) -> str:
    return f"there is no column {name!r}{nearest(str(name), names)}"


def _to_arrow(column: Column) -> Any:
    import pyarrow as pa

    values = column.values
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    try:
        if hasattr(values, "to_arrow"):
            return values.to_arrow()
        return pa.Array.from_pandas(values) if column.pandas else pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Unfit(f"values of type {column.type} can't be looked at in one way: {words}") from None


def _plain(values: Any) -> Any:
    """Decode what is stored in other words: dictionaries, views, runs and types of an extension."""
    import pyarrow as pa

    types, kind = pa.types, values.type
    if isinstance(kind, pa.BaseExtensionType):
        parts = values.chunks if hasattr(values, "chunks") else [values]
        return _plain(pa.chunked_array([part.storage for part in parts], type=kind.storage_type))
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _plain(values.cast(kind.value_type))
    if types.is_string_view(kind):
        return values.cast(pa.large_string())
    return values
