"""Tables and arrays of every library as Arrow tables, row for row, with the columns' names that profiles have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from solvent.errors import FormatError
from solvent.profiles.reading import chunks_of, numbered, read

if TYPE_CHECKING:
    import pyarrow

_KINDS = frozenset(
    {
        *(("pandas", "DataFrame"), ("pandas", "Series"), ("polars", "DataFrame"), ("polars", "Series")),
        *(("pyarrow", "Table"), ("pyarrow", "RecordBatch")),
    }
)


def as_arrow(value: Any, *, nan_is_null: bool = True, loose: bool = False) -> pyarrow.Table | None:
    """Give a pandas, polars or Arrow table or series, or an array of one or two dimensions, as an Arrow table.

    A pandas index that says something comes as columns. With `nan_is_null` a NaN of pandas is null, since pandas marks what
    is missing so. Cells that Arrow can't hold come as text with `loose`; else FormatError names their column. None for any
    other value.
    """
    package, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if package == "numpy":
        columns = _of_array(value)
    elif (package, kind) in _KINDS:
        columns = [*_of_table(value, loose), *(_index(value) if package == "pandas" else ())]
    else:
        columns = None
    if columns is None:
        return None
    if package == "pandas" and nan_is_null:
        columns = [(name, _without_nan(column)) for name, column in columns]
    return _table(columns)


def _table(columns: list[tuple[str, Any]]) -> pyarrow.Table:
    import pyarrow as pa

    return pa.table([column for _, column in columns], names=[name for name, _ in columns])


def _of_table(value: Any, loose: bool) -> list[tuple[str, Any]]:
    import pyarrow as pa

    found = []
    for at, column in enumerate(read(value).columns):
        try:
            found.append((column.name, pa.chunked_array(column.pieces())))
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            if not loose:
                problem = f"column {column.name!r} has cells that no file can hold: {str(error).splitlines()[0]}"
                raise FormatError(problem, hint="keep values of one plain type in a column") from error
            found.append((column.name, pa.chunked_array([_as_text(value, at)])))
    return found


def _as_text(value: Any, at: int) -> Any:
    """Give the cells of a column as Python shows them; what is missing stays so."""
    import pyarrow as pa

    cells = [None if each is None or each != each else repr(each) for each in _cells(value, at)]
    return pa.array(cells, pa.string())


def _cells(value: Any, at: int) -> list[Any]:
    """Give the values of the column at a place, of which a pandas index comes last."""
    if hasattr(value, "iloc"):
        if value.ndim == 1:
            return list(value)
        named = [level for level, name in enumerate(value.index.names) if name is not None]
        width = value.shape[1]
        return list(value.iloc[:, at] if at < width else value.index.get_level_values(named[at - width]))
    return list(value.to_series(at) if hasattr(value, "to_series") else value)


def _index(value: Any) -> Iterator[tuple[str, Any]]:
    """Give the levels of a pandas index that have no name and count more than the rows."""
    import pyarrow as pa

    if type(value.index).__name__ == "RangeIndex":
        return
    for level, name in enumerate(value.index.names):
        if name is None:
            try:
                yield (
                    f"__index_level_{level}__",
                    pa.chunked_array(chunks_of(pa.array(value.index.get_level_values(level)))),
                )
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                texts = [repr(each) for each in value.index.get_level_values(level)]
                yield f"__index_level_{level}__", pa.chunked_array([pa.array(texts)])


def _of_array(value: Any) -> list[tuple[str, Any]] | None:
    """Give the columns of an array, or the fields of one of records; None for more dimensions and for single numbers."""
    import pyarrow as pa

    if type(value).__name__ != "ndarray" or value.ndim not in (1, 2) or value.dtype.kind in "cV":
        return None
    if value.ndim == 1:
        return [(column.name, pa.chunked_array(column.pieces())) for column in read(value).columns]
    names = numbered(str(place) for place in range(value.shape[1]))
    return [(name, _single(value[:, place])) for place, name in enumerate(names)]


def _single(values: Any) -> Any:
    """Give a column of an array as one of Arrow."""
    import pyarrow as pa

    (column,) = read(values).columns
    return pa.chunked_array(column.pieces())


def _without_nan(column: Any) -> Any:
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_floating(column.type):
        return column
    kernels: Any = compute  # its functions are made at run time
    return kernels.if_else(kernels.is_nan(column), pa.scalar(None, column.type), column)
