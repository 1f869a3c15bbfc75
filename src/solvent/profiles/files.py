"""A table as a file that other programs open: Parquet, CSV, JSON Lines or Arrow, as the name of the file says."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, TYPE_CHECKING, Any

from solvent.errors import FormatError, SolventError, nearest

if TYPE_CHECKING:
    import pyarrow

_AT_ONCE = 16_384

Add = Callable[["pyarrow.Table"], object]
Write = Callable[["pyarrow.Schema", IO[bytes]], AbstractContextManager[Add]]


Tables = Callable[[], Iterator["pyarrow.Table"]]
"""Gives the tables that follow each other in a file, from the beginning each time that it is called."""


def write_file(tables: Tables, path: str) -> tuple[int, int]:
    """Write tables as one to a path that is new, in the format of its extension; give its rows and columns.

    Nothing is overwritten, and nothing is left in part. Only one table is in memory at a time.
    """
    write = _writer(path)
    if os.path.lexists(path):
        raise SolventError(f"{path} is there already", hint="give a path that is new; nothing is overwritten")
    try:
        with open(path, "xb") as file:
            try:
                return _write(tables, write, file)
            except BaseException:
                os.unlink(path)
                raise
    except OSError as error:
        raise SolventError(f"can't write {error.filename or path}: {error.strerror}") from error


def _write(tables: Tables, write: Write, file: IO[bytes]) -> tuple[int, int]:
    schema = _schema(tables)
    rows = 0
    with write(schema, file) as add:
        for table in tables():
            add(table.cast(schema))
            rows += table.num_rows
    return rows, len(schema)


def _schema(tables: Tables) -> pyarrow.Schema:
    """Give the schema that fits all tables: a column without any value in the first may have its type from another."""
    import pyarrow as pa

    every = tables()
    schema = next(every).schema
    for table in every:
        if table.schema != schema:
            schema = pa.unify_schemas([schema, table.schema], promote_options="permissive")
    return schema


def check_extension(path: str) -> None:
    """Refuse a path whose extension is that of no format, before anything is read."""
    _writer(path)


def _writer(path: str) -> Write:
    extension = os.path.splitext(path)[1].lower()
    if extension in _FORMATS:
        return _FORMATS[extension]
    raise SolventError(
        f"no format for a file {os.path.basename(path)!r}{nearest(extension, _FORMATS)}",
        hint=f"end its name in {', '.join(_FORMATS)}",
    )


@contextmanager
def _write_parquet(schema: pyarrow.Schema, file: IO[bytes]) -> Iterator[Add]:
    from pyarrow import parquet

    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        yield writer.write_table


@contextmanager
def _write_arrow(schema: pyarrow.Schema, file: IO[bytes]) -> Iterator[Add]:
    import pyarrow as pa

    flat = _flat(schema)  # a file has one dictionary for a column, and each table brings its own
    with pa.ipc.new_file(file, flat) as writer:
        yield lambda table: writer.write_table(table.cast(flat))


@contextmanager
def _write_csv(schema: pyarrow.Schema, file: IO[bytes]) -> Iterator[Add]:
    import pyarrow as pa
    from pyarrow import csv, types

    for field in schema:
        if types.is_nested(field.type):
            raise FormatError(
                f"column {field.name!r} holds lists or records, and a cell of CSV one value",
                hint="write .parquet or .jsonl",
            )
    flat = _flat(schema)
    try:
        with csv.CSVWriter(file, flat) as writer:
            yield lambda table: writer.write_table(table.cast(flat))
    except pa.ArrowException as error:
        raise FormatError(f"the table can't be written as CSV: {error}", hint="write .parquet or .jsonl") from error


def _flat(schema: pyarrow.Schema) -> pyarrow.Schema:
    """Give a schema with the values of dictionaries in their place."""
    import pyarrow as pa
    from pyarrow import types

    return pa.schema([f.with_type(f.type.value_type) if types.is_dictionary(f.type) else f for f in schema])


@contextmanager
def _write_lines(schema: pyarrow.Schema, file: IO[bytes]) -> Iterator[Add]:
    def add(table: pyarrow.Table) -> None:
        for batch in table.to_batches(_AT_ONCE):
            for row in batch.to_pylist():
                file.write(json.dumps(plain(row), ensure_ascii=False).encode() + b"\n")

    yield add


def plain(value: Any) -> Any:
    """Give a cell as JSON has it: times in ISO 8601, other types as text, and NaN and infinities as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


_FORMATS: dict[str, Write] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_lines,
    ".ndjson": _write_lines,
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
}
