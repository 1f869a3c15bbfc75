"""From tables to requests and from responses to tables: what scoring and monitoring do with a bundle, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.errors import DataError, nearest
from solvent.serving.schema import Column, Schema
from solvent.serving.tables import from_columns

if TYPE_CHECKING:
    import pyarrow as pa


class Problem(NamedTuple):
    """What is wrong with a value of a row: `row` counts within its batch, from 0."""

    row: int
    column: str
    problem: str


class Request(NamedTuple):
    """A batch as the program takes it; `rows` are those of the batch that are in it, and the others have `problems`."""

    value: Any
    rows: Sequence[int]
    problems: Sequence[Problem]


class RequestMaker:
    """Makes requests of Arrow batches: columns by name, values as an endpoint would take them.

    DataError at once if a column is missing.
    """

    def __init__(self, schema: Schema, names: Sequence[str], where: str) -> None:
        self.schema = schema
        missing = [each.name for each in schema.columns if each.name not in names]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise DataError(
                f"{where} has no column {missing[0]!r}{more}{nearest(missing[0], names)}",
                hint=f"the model needs: {_listed([each.name for each in schema.columns])}",
            )

    def make(self, batch: pa.RecordBatch) -> Request:
        columns: dict[str, Any] = {}
        problems: list[Problem] = []
        for column in self.schema.columns:
            values = batch.column(batch.schema.get_field_index(column.name))
            columns[column.name], found = _array(column, values) or _list(column, values)
            problems += found
        bad = {each.row for each in problems}
        rows = [row for row in range(batch.num_rows) if row not in bad] if bad else range(batch.num_rows)
        if bad:
            columns = {name: _chosen(values, rows) for name, values in columns.items()}
        return Request(from_columns(columns, self.schema) if rows else None, rows, problems)


def _chosen(values: Any, rows: Sequence[int]) -> Any:
    return [values[row] for row in rows] if isinstance(values, list) else values[rows]


def _array(column: Column, values: Any) -> tuple[Any, list[Problem]] | None:
    """Give a column without missing values as an array, where its type is that of its kind: a hundred times as fast."""
    import numpy as np
    from pyarrow import types

    kind = values.type
    fits = {
        "number": types.is_floating(kind) or types.is_integer(kind),
        "integer": types.is_integer(kind),
        "boolean": types.is_boolean(kind),
    }
    if values.null_count or not fits.get(column.kind):
        return None
    found = values.to_numpy(zero_copy_only=False)
    return None if found.dtype.kind == "f" and np.isnan(found).any() else (found, [])


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"


def _list(column: Column, values: Any) -> tuple[list[Any], Iterator[Problem]]:
    """Give values as JSON would bring them, and what is wrong with some."""
    kinds = _KINDS.get(column.kind)
    taken = [None if value is None or value != value else value for value in values.to_pylist()]

    def problems() -> Iterator[Problem]:
        for row, value in enumerate(taken):
            if value is None:
                if not column.nullable:
                    yield Problem(row, column.name, "a value is missing")
            elif kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
                yield Problem(row, column.name, f"expected {column.kind}, found {type(value).__name__}")

    return taken, problems()


_KINDS: dict[str, tuple[type, ...]] = {
    "number": (float, int),
    "integer": (int,),
    "boolean": (bool,),
    "text": (str,),
}


class ResponseTables:
    """Makes Arrow tables of responses; all have one schema."""

    def __init__(self, schema: Schema) -> None:
        import pyarrow as pa

        self._schema = schema
        names = [each.name for each in schema.columns]
        self.names = ["prediction"] if names == ["value"] else names
        self.schema = pa.schema(
            [
                pa.field(name, arrow_type(each.kind, each.type))
                for name, each in zip(self.names, schema.columns, strict=True)
            ]
        )

    def make(self, answer: Any) -> pa.Table:
        from solvent.serving.tables import to_columns

        columns = to_columns(answer, [each.name for each in self._schema.columns])
        return _table(dict(zip(self.names, columns.values(), strict=True)), self.schema)


def _table(columns: dict[str, list[Any]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.table({name: pa.array(values, schema.field(name).type) for name, values in columns.items()}, schema)
    except pa.ArrowException as error:
        raise DataError(f"the response can't be written as a table: {str(error).splitlines()[0]}") from error


def arrow_type(kind: str, type: str = "") -> pa.DataType:
    """Give the Arrow type of a column of a schema, by its kind and type."""
    import pyarrow as pa

    kinds: dict[str, Any] = {
        "number": pa.float32() if type == "float32" else pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us"),
    }
    return kinds.get(kind, pa.string())
