"""A table as a file that other programs open: Parquet, CSV, JSON Lines or Arrow, as the name of the file says."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from solvent.errors import FormatError, SolventError, nearest

if TYPE_CHECKING:
    import pyarrow

_AT_ONCE = 16_384


def write_file(table: pyarrow.Table, path: str) -> None:
    """Write a table to a path that is new, in the format of its extension; nothing is overwritten or left in part."""
    write = _writer(path)
    if os.path.lexists(path):
        raise SolventError(f"{path} is there already", hint="give a path that is new; nothing is overwritten")
    try:
        with open(path, "xb") as file:
            try:
                write(table, file)
            except BaseException:
                os.unlink(path)
                raise
    except OSError as error:
        raise SolventError(f"can't write {error.filename or path}: {error.strerror}") from error


def check_extension(path: str) -> None:
    """Refuse a path whose extension is that of no format, before anything is read."""
    _writer(path)


def _writer(path: str) -> Callable[[Any, IO[bytes]], None]:
    extension = os.path.splitext(path)[1].lower()
    if extension in _FORMATS:
        return _FORMATS[extension]
    raise SolventError(
        f"no format for a file {os.path.basename(path)!r}{nearest(extension, _FORMATS)}",
        hint=f"end its name in {', '.join(_FORMATS)}",
    )


def _write_parquet(table: pyarrow.Table, file: IO[bytes]) -> None:
    from pyarrow import parquet

    parquet.write_table(table, file, compression="zstd")


def _write_arrow(table: pyarrow.Table, file: IO[bytes]) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _write_csv(table: pyarrow.Table, file: IO[bytes]) -> None:
    import pyarrow as pa
    from pyarrow import csv, types

    for place, field in enumerate(table.schema):
        if types.is_nested(field.type):
            raise FormatError(
                f"column {field.name!r} holds {field.type}, and CSV has cells of one value",
                hint="write .parquet or .jsonl",
            )
        if types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    try:
        csv.write_csv(table, file)
    except pa.ArrowException as error:
        raise FormatError(f"the table can't be written as CSV: {error}", hint="write .parquet or .jsonl") from error


def _write_lines(table: pyarrow.Table, file: IO[bytes]) -> None:
    for batch in table.to_batches(_AT_ONCE):
        for row in batch.to_pylist():
            file.write(json.dumps(plain(row), ensure_ascii=False).encode() + b"\n")


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


_FORMATS: dict[str, Callable[[Any, IO[bytes]], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_lines,
    ".ndjson": _write_lines,
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
}
