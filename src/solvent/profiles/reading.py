"""The columns of a table or array as Arrow arrays, one after the other, under the names of its content's digests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

WIDE = 1000
"""So many columns of a table are profiled."""
WIDE_ARRAY = 256
"""An array of more columns is profiled as one column of all its elements."""


class Reading(NamedTuple):
    """One column: its name, its logical type if Arrow has no word for it, how to get its pieces, and how to count nulls."""

    name: str
    words: str | None
    pieces: Callable[[], list[Any]]
    nulls: Callable[[], int] = int


class Table(NamedTuple):
    """A table or array: its rows, its shape, whether it is an array, and its columns."""

    rows: int
    shape: tuple[int, ...]
    kind: str
    columns: Iterator[Reading]


def read(value: Any) -> Table:
    """Open a pandas, polars or Arrow table or series, or a NumPy array; TypeError for anything else."""
    kind = type(value)
    for base in kind.__mro__:
        found = _READERS.get((base.__module__.partition(".")[0], base.__name__))
        if found is not None:
            return found(value)
    raise TypeError(f"a {kind.__module__}.{kind.__qualname__} is no table and no array")


def _arrow_table(value: Any) -> Table:
    names = numbered(value.schema.names)
    columns = (_arrow_values(name, value.column(at)) for at, name in enumerate(names))
    return Table(value.num_rows, value.shape, "table", columns)


def _arrow_values(name: str, column: Any) -> Reading:
    return Reading(name, None, lambda: chunks_of(column), lambda: int(column.null_count))


def chunks_of(column: Any) -> list[Any]:
    """Give the arrays of a column; one of no rows, if there are none, since it has the type."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return [column]
    return column.chunks or [pa.array([], column.type)]


def _pandas_frame(value: Any) -> Table:
    return Table(len(value), value.shape, "table", _pandas_columns(value))


def _pandas_columns(value: Any) -> Iterator[Reading]:
    labels = [label if type(label) is str else repr(label) for label in value.columns.tolist()]
    names = numbered([*labels, *(str(name) for name in value.index.names if name is not None)])
    for at, _ in enumerate(labels):
        yield _pandas_values(next(names), value.iloc[:, at].array)
    for level, name in enumerate(value.index.names):
        if name is not None:
            yield _pandas_values(next(names), value.index.get_level_values(level).array)


def _pandas_series(value: Any) -> Table:
    name = value.name if isinstance(value.name, str) else "value" if value.name is None else repr(value.name)
    return Table(len(value), value.shape, "table", iter([_pandas_values(name, value.array)]))


def _pandas_values(name: str, values: Any) -> Reading:
    kind = type(values.dtype).__name__
    own = kind in ("PeriodDtype", "IntervalDtype") or getattr(values.dtype, "kind", "") == "c"

    def pieces() -> list[Any]:
        plain = {"PeriodDtype": "to_timestamp", "SparseDtype": "to_dense"}.get(kind)
        return chunks_of(_arrow(getattr(values, plain)() if plain else values))

    return Reading(name, str(values.dtype) if own else None, pieces, lambda: int(values.isna().sum()))


def _polars_frame(value: Any) -> Table:
    return Table(value.height, value.shape, "table", (_polars_values(each) for each in value.iter_columns()))


def _polars_series(value: Any) -> Table:
    return Table(len(value), value.shape, "table", iter([_polars_values(value)]))


def _polars_values(series: Any) -> Reading:
    words = {"Int128": "int128", "UInt128": "uint128", "Object": "object"}.get(type(series.dtype).__name__)
    return Reading(
        series.name or "value", words, lambda: chunks_of(_from_polars(series)), lambda: int(series.null_count())
    )


def _from_polars(series: Any) -> Any:
    kind = type(series.dtype).__name__
    if kind == "Object":
        raise TypeError("Python objects are not profiled")
    if kind in ("Int128", "UInt128"):
        import polars

        series = series.cast(polars.Float64)
    if kind == "String":
        import polars

        return series.to_arrow(compat_level=polars.CompatLevel.newest())  # as it lies in memory
    return series.to_arrow()


def _numpy_array(value: Any) -> Table:
    return Table(len(value) if value.ndim else 1, value.shape, "array", _numpy_columns(value))


def _numpy_columns(value: Any) -> Iterator[Reading]:
    if value.dtype.names:
        for name in value.dtype.names:
            yield _numpy_values(name, value[name].reshape(-1))
    elif value.ndim == 2 and value.shape[1] <= WIDE_ARRAY:
        for at in range(value.shape[1]):
            yield _numpy_values(str(at), value[:, at])
    else:
        yield _numpy_values("value", value.reshape(-1))


def _numpy_values(name: str, values: Any) -> Reading:
    import numpy as np

    values = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values).reshape(-1)
    return Reading(name, str(values.dtype) if values.dtype.kind in "cV" else None, lambda: chunks_of(_arrow(values)))


def _arrow(values: Any) -> Any:
    """Turn an array of pandas or NumPy into one of Arrow; floats keep what is not a number."""
    import numpy as np
    import pyarrow as pa

    if type(values).__name__ == "NumpyExtensionArray":
        values = values.to_numpy()
    if not isinstance(values, np.ndarray):
        return pa.array(values)
    if values.dtype.kind == "c":
        raise TypeError("complex numbers have no order, so there are no statistics of them")
    if values.dtype.kind == "V":
        raise TypeError(f"values of type {values.dtype} are bytes without a meaning")
    if values.dtype.kind == "O":
        return _from_objects(values)
    if values.dtype.kind in "Mm":
        unit = np.datetime_data(values.dtype)[0]
        if unit not in ("D", "s", "ms", "us", "ns") or (unit == "D" and values.dtype.kind == "m"):
            values = values.astype(f"{values.dtype.kind}8[{'ns' if unit in ('ps', 'fs', 'as') else 's'}]")
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return pa.array(values)


def _from_objects(values: Any) -> Any:
    """Turn Python objects of one kind into an Arrow array; TypeError names the kinds where that fails."""
    import pyarrow as pa

    try:
        found: Any = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        kinds = sorted({type(each).__name__ for each in values if each is not None and not _is_nan(each)})
        if len(kinds) == 1:
            # What Arrow says about objects that it does not know shows one of them.
            why = "" if "Could not convert" in str(error) else f": {str(error).splitlines()[0][:200]}"
            raise TypeError(f"objects of type {kinds[0]}{why}") from None
        raise TypeError(f"values of several types: {', '.join(kinds[:8])}") from None
    if pa.types.is_timestamp(found.type) and found.type.tz is not None:
        zones = {str(each.tzinfo) for each in values if getattr(each, "tzinfo", None) is not None}
        return found.cast(pa.timestamp(found.type.unit, "UTC")) if len(zones) > 1 else found
    return found


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def numbered(names: Any) -> Iterator[str]:
    """Give each column a name of its own: of columns with one name the later ones are numbered."""
    taken: set[str] = set()
    for name in names:
        free, number = name, 2
        while free in taken:
            free, number = f"{name} #{number}", number + 1
        taken.add(free)
        yield free


_READERS: dict[tuple[str, str], Callable[[Any], Table]] = {
    ("pyarrow", "Table"): _arrow_table,
    ("pyarrow", "RecordBatch"): _arrow_table,
    ("pandas", "DataFrame"): _pandas_frame,
    ("pandas", "Series"): _pandas_series,
    ("polars", "DataFrame"): _polars_frame,
    ("polars", "Series"): _polars_series,
    ("numpy", "ndarray"): _numpy_array,
}
