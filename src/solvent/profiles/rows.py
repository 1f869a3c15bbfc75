"""Tables of every library as Arrow, and the rows in which two of them differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvent.errors import FormatError

if TYPE_CHECKING:
    import pyarrow


def as_arrow(value: Any) -> pyarrow.Table | None:
    """Give a pandas, polars or Arrow table or series, or an array of one or two dimensions, as an Arrow table.

    A pandas index that says something comes as columns. None for anything else; FormatError names what Arrow can't hold.
    """
    package, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if package == "pandas" and kind in ("DataFrame", "Series"):
        return _from_pandas(value if kind == "DataFrame" else value.to_frame(_name(value.name)))
    if package == "polars" and kind in ("DataFrame", "Series"):
        table: pyarrow.Table = (value if kind == "DataFrame" else value.to_frame(_name(value.name))).to_arrow()
        return table
    if package == "pyarrow" and kind in ("Table", "RecordBatch"):
        return _from_arrow(value)
    if package == "numpy" and kind == "ndarray" and value.ndim in (1, 2) and value.dtype.names is None:
        return _from_array(value)
    return None


def _from_arrow(value: Any) -> pyarrow.Table:
    import pyarrow as pa

    return value if isinstance(value, pa.Table) else pa.Table.from_batches([value])


def _from_pandas(frame: Any) -> pyarrow.Table:
    import pyarrow as pa

    labels = [_name(label) for label in frame.columns]
    if len(set(labels)) < len(labels) or labels != list(frame.columns):
        frame = frame.set_axis(_distinct(labels), axis=1)
    try:
        table = pa.Table.from_pandas(frame)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise FormatError(f"the table can't be shown in rows: {' '.join(map(str, error.args))}") from error
    return table.replace_schema_metadata(None)


def _from_array(value: Any) -> pyarrow.Table:
    import pyarrow as pa

    columns = [value] if value.ndim == 1 else [value[:, place] for place in range(value.shape[1])]
    names = ["value"] if value.ndim == 1 else [str(place) for place in range(len(columns))]
    try:
        return pa.table(dict(zip(names, [pa.array(column) for column in columns], strict=True)))
    except (pa.ArrowException, TypeError) as error:
        raise FormatError(f"the array can't be shown in rows: {error}") from error


def _name(label: Any) -> str:
    if label is None:
        return "value"
    return ".".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _distinct(names: list[str]) -> list[str]:
    """Give each name once: the second "x" becomes "x (2)"."""
    taken: dict[str, int] = {}
    found = []
    for name in names:
        taken[name] = taken.get(name, 0) + 1
        found.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return found
