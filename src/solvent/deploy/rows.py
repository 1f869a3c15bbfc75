"""From tables to requests and from responses to tables: what scoring and monitoring do with a bundle, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.errors import DataError, nearest
from solvent.serving.answers import Answers
from solvent.serving.cells import Cells, number_limit
from solvent.serving.containers import Find, maker
from solvent.serving.refusals import Problem
from solvent.serving.schema import BOOLEAN, DATE, INTEGER, NUMBER, OTHER, TIME, Column, Schema
from solvent.serving.tables import find_class, plain_columns
from solvent.serving.times import is_zoned

if TYPE_CHECKING:
    import pyarrow as pa


class Request(NamedTuple):
    """A batch as the program takes it; `rows` are those of the batch that are in it, and the others have `problems`.

    The row of a problem counts within the batch, from 0.
    """

    value: Any
    rows: Sequence[int]
    problems: Sequence[Problem]


class RequestMaker:
    """Makes requests of Arrow batches: columns by name, values with the checks of the endpoint.

    `find` gives a class of the bundle. DataError at once if a column is missing.
    """

    def __init__(self, schema: Schema, names: Sequence[str], where: str, find: Find = find_class) -> None:
        missing = [name for name in schema.names if name not in names]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise DataError(
                f"{where} has no column {missing[0]!r}{more}{nearest(missing[0], names)}",
                hint=f"the model needs: {_listed(schema.names)}",
            )
        self._cells = [Cells(each) for each in schema.columns]
        self._make = maker(schema, find)

    def make(self, batch: pa.RecordBatch) -> Request:
        columns: list[Any] = []
        problems: list[Problem] = []
        for cells in self._cells:
            values, found = _column(cells, batch)
            columns.append(values)
            problems += found
        bad = {each.row for each in problems}
        rows = [row for row in range(batch.num_rows) if row not in bad] if bad else range(batch.num_rows)
        if bad:
            columns = [_chosen(values, rows) for values in columns]
        return Request(self._make(columns) if rows else None, rows, problems)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"


def _chosen(values: Any, rows: Sequence[int]) -> Any:
    return [values[row] for row in rows] if isinstance(values, list) else values[rows]


def _column(cells: Cells, batch: pa.RecordBatch) -> tuple[Any, list[Problem]]:
    """Give a column of a batch as the request is made of it, and what is wrong with it."""
    name = cells.column.name
    array = _array(cells, batch.column(batch.schema.get_field_index(name)))
    if array is not None:
        return array, []
    return _checked(cells, plain_columns(batch.select([name]), [name])[0])


def _checked(cells: Cells, values: list[Any]) -> tuple[list[Any], list[Problem]]:
    """Check all values, also beyond the problems that an endpoint tells of one request."""
    taken, problems = cells.check(values)
    while len(taken) < len(values):
        start = len(taken) + 1
        more, found = cells.check(values[start:])
        taken += [None, *more]
        problems += [each._replace(row=(each.row or 0) + start) for each in found]
    return taken, problems


def _array(cells: Cells, values: Any) -> Any:
    """Give a column of plain numbers as an array, if nothing can be wrong with it: a hundred times as fast."""
    import numpy as np
    from pyarrow import types

    column, kind = cells.column, values.type
    fits = {
        NUMBER: types.is_floating(kind) or types.is_integer(kind),
        INTEGER: types.is_integer(kind),
        BOOLEAN: types.is_boolean(kind),
    }
    if values.null_count or not fits.get(column.kind) or column.categories or column.type.lower() == "object":
        return None
    found = values.to_numpy(zero_copy_only=False)
    if column.kind == BOOLEAN:
        return found
    if column.kind == NUMBER:
        found = found.astype("float64", copy=False)
        return found if number_limit(column) is None and np.isfinite(found).all() else None
    low, high = cells.bounds or (0, 0)
    return found if len(found) and low <= int(found.min()) and int(found.max()) <= high else None


class ResponseTables:
    """Makes Arrow tables of responses; all have one schema. BadAnswer for one that is not as the recorded one."""

    def __init__(self, schema: Schema) -> None:
        import pyarrow as pa

        self._answers = Answers(schema)
        self.names = ["prediction"] if schema.names == ["value"] else schema.names
        pairs = zip(self.names, schema.columns, strict=True)
        self.schema = pa.schema([pa.field(name, arrow_type(each) or pa.string()) for name, each in pairs])

    def make(self, answer: Any, rows: int) -> pa.Table:
        import pyarrow as pa

        columns = zip(self.schema, self._answers.columns(answer, rows).values(), strict=True)
        return pa.Table.from_arrays([to_arrow(values, field.type) for field, values in columns], schema=self.schema)


def arrow_type(column: Column) -> pa.DataType | None:
    """Give the Arrow type of a column of plain values; None for one that only its values tell."""
    import pyarrow as pa

    kinds: dict[str, Any] = {
        NUMBER: pa.float32() if column.type.lower() == "float32" else pa.float64(),
        INTEGER: pa.uint64() if column.type.lower() == "uint64" else pa.int64(),
        BOOLEAN: pa.bool_(),
        TIME: pa.timestamp("us", "UTC" if is_zoned(column.type + column.of) else None),
        DATE: pa.date32(),
        OTHER: None,
    }
    return kinds.get(column.kind, pa.string())


def to_arrow(values: Sequence[Any], kind: pa.DataType | None) -> Any:
    """Make an Arrow array of plain values; times and dates are ISO 8601 text. Values that do not fit become text."""
    import json

    import pyarrow as pa
    from pyarrow import types

    try:
        if kind is not None and types.is_temporal(kind):
            return pa.array(values, pa.string()).cast(kind)
        return pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        if kind is not None and not types.is_string(kind):
            raise DataError(f"answers can't be written as {kind}") from None
        return pa.array([each if each is None or isinstance(each, str) else json.dumps(each) for each in values])
