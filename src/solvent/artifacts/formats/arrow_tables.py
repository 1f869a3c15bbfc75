"""Arrow tables as zstd Parquet, or as an Arrow IPC file where Parquet has no exact word for a type.

Dictionary encoding is for strings only, where it pays; content-defined chunking lets stores that look inside files share
the pages of two versions. See decisions/0004-table-format.md.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from solvent.artifacts.sink import Sink, Source, Spill, Unsuitable
from solvent.errors import FormatError

if TYPE_CHECKING:
    import pyarrow

_EXACT_IN_PARQUET = frozenset(
    {
        *("null", "bool", "halffloat", "float", "double", "string", "large_string", "binary", "large_binary"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "date32[day]"),
        *("timestamp", "time32", "time64", "duration", "decimal128", "decimal256", "fixed_size_binary"),
        *("list", "large_list", "fixed_size_list", "struct", "map"),
    }
)


class _Arrow:
    def accepts(self, value: Any) -> bool:
        return type(value).__name__ in ("Table", "RecordBatch", "ChunkedArray", "Schema") or _is_array(value)

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        import pyarrow as pa

        if isinstance(value, pa.Schema):
            sink.write(value.serialize().to_pybytes())
            return {"as": "schema"}
        if isinstance(value, pa.Table):
            return {"as": "table", **write_table(value, sink, exact=True)}
        if isinstance(value, pa.RecordBatch):
            return {"as": "batch", **write_table(pa.Table.from_batches([value]), sink, exact=True)}
        if isinstance(value, (pa.ChunkedArray, pa.Array)):
            kind = "chunked" if isinstance(value, pa.ChunkedArray) else "array"
            return {"as": kind, **write_table(pa.table([value], names=["value"]), sink, exact=True)}
        raise Unsuitable(f"Arrow has no file format for a {type(value).__name__}")

    def read(self, source: Source) -> Any:
        import pyarrow as pa

        kind = source.meta["as"]
        if kind == "schema":
            return pa.ipc.read_schema(pa.py_buffer(source.bytes()))
        table = read_table(source.view(), source.meta)
        if kind == "table":
            return table
        if kind == "batch":
            return _one_batch(table)
        column = table.column(0)
        return column if kind == "chunked" else _one_array(column)

    def pieces(self, source: Source, rows: int) -> Iterator[Any]:
        """Read a table or batch as tables of at most so many rows."""
        return read_batches(source.view(), source.meta, rows)


ARROW = _Arrow()


def _is_array(value: Any) -> bool:
    import pyarrow

    return isinstance(value, pyarrow.Array)


def _one_array(column: pyarrow.ChunkedArray[Any]) -> Any:
    import pyarrow as pa

    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], type=column.type)


def _one_batch(table: pyarrow.Table) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([_one_array(column) for column in table.columns], schema=table.schema)


def write_table(table: pyarrow.Table, sink: Sink, *, exact: bool = False) -> dict[str, Any]:
    """Write a table; `exact` also keeps the schema with its metadata and every dictionary as it is."""
    meta: dict[str, Any] = {"file": "parquet" if _fits_parquet(table, dictionaries=not exact) else "ipc"}
    if exact or meta["file"] == "ipc" or _coerced(table.schema):
        meta["schema"] = base64.b64encode(table.schema.serialize().to_pybytes()).decode()
    if not table.num_columns:
        meta["rows"] = table.num_rows
    with sink.open() as out:
        try:
            _write_parquet(table, out) if meta["file"] == "parquet" else _write_ipc(table, out)
        except Exception as error:
            raise_arrow_error(error, "the table", sink.path)
    return meta


def raise_arrow_error(error: Exception, what: str, where: str) -> Any:
    """Turn what Arrow says about a value into an error of ours; anything else goes on as it is."""
    import pyarrow as pa

    if isinstance(error, (pa.ArrowException, UnicodeEncodeError, OverflowError)):
        raise FormatError(f"{what} can't be written: {str(error).splitlines()[0]}", where=where) from error
    raise error


def _write_parquet(table: pyarrow.Table, out: Spill) -> None:
    from pyarrow import parquet, types

    strings = [field.name for field in table.schema if types.is_string(field.type) or types.is_large_string(field.type)]
    strings += [field.name for field in table.schema if types.is_dictionary(field.type)]
    floats = [field.name for field in table.schema if types.is_float32(field.type) or types.is_float64(field.type)]
    parquet.write_table(
        table,
        out,
        compression="zstd",
        use_dictionary=strings or False,  # pyright: ignore[reportArgumentType]
        use_byte_stream_split=floats or False,  # pyright: ignore[reportArgumentType]
        use_content_defined_chunking=True,
    )


def _write_ipc(table: pyarrow.Table, out: Spill) -> None:
    import pyarrow as pa
    from pyarrow import ipc

    options = ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=True)
    try:
        table = table.unify_dictionaries()
    except pa.ArrowNotImplementedError:
        # A dictionary inside a list or struct: one chunk has one dictionary.
        table = table.combine_chunks()
    with ipc.new_file(out, table.schema, options=options) as writer:
        writer.write_table(table)


def read_table(view: memoryview, meta: Mapping[str, Any]) -> pyarrow.Table:
    """Read what `write_table` wrote."""
    import pyarrow as pa
    from pyarrow import ipc

    buffer = pa.BufferReader(pa.py_buffer(view))
    if meta["file"] == "ipc":
        return ipc.open_file(buffer).read_all()
    from pyarrow import parquet

    table = parquet.ParquetFile(buffer).read()
    if "schema" not in meta:
        return table
    return _as_schema(table, ipc.read_schema(pa.py_buffer(base64.b64decode(meta["schema"]))))


def read_batches(view: memoryview, meta: Mapping[str, Any], rows: int) -> Iterator[pyarrow.Table]:
    """Read what `write_table` wrote, at most so many rows at a time."""
    import pyarrow as pa
    from pyarrow import ipc, parquet

    if meta["file"] == "ipc":
        table = read_table(view, meta)
        for start in range(0, table.num_rows, rows):
            yield table.slice(start, rows)
        return
    schema = ipc.read_schema(pa.py_buffer(base64.b64decode(meta["schema"]))) if "schema" in meta else None
    file = parquet.ParquetFile(pa.BufferReader(pa.py_buffer(view)), pre_buffer=False)
    for batch in file.iter_batches(batch_size=rows):
        table = pa.Table.from_batches([batch])
        yield table if schema is None else _as_schema(table, schema)


def _as_schema(table: pyarrow.Table, schema: pyarrow.Schema) -> pyarrow.Table:
    import pyarrow as pa

    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _fits_parquet(table: pyarrow.Table, *, dictionaries: bool) -> bool:
    """Whether Parquet gives every column back: names that are unique and types that it knows."""
    names = table.schema.names
    if not names or len(set(names)) != len(names):
        return False
    return all(_fits(field.type, dictionaries) for field in table.schema)


def _fits(kind: pyarrow.DataType, dictionaries: bool) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return dictionaries and types.is_string(kind.value_type)
    name = str(kind).partition("[")[0].partition("<")[0].partition("(")[0]
    known = name in _EXACT_IN_PARQUET or str(kind) in _EXACT_IN_PARQUET
    if types.is_struct(kind) and not kind.num_fields:
        return False
    return known and all(_fits(kind.field(index).type, False) for index in range(kind.num_fields))


def _coerced(schema: pyarrow.Schema) -> bool:
    """Whether Parquet counts a column in a finer unit, so that it must be cast back."""
    from pyarrow import types

    return any(
        (types.is_timestamp(field.type) or types.is_time32(field.type)) and field.type.unit == "s" for field in schema
    )
