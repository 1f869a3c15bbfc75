"""Columns of Python objects: natively where all are of one plain type, else one JSON text for each cell."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

from solvent.artifacts.tagged import Decoder, Encoder, dumps, loads, tagged
from solvent.errors import FormatError

_MISSING = {"NoneType": "None", "NAType": "NA", "NaTType": "NaT"}


def encode_cells(values: Any, where: str) -> tuple[Any, dict[str, Any]]:
    """Give the Arrow column and the note for an array of Python objects."""
    import pyarrow as pa

    found = _one_kind(values)
    if found is not None:
        kind, missing = found
        types = {
            str: pa.large_string(),
            bytes: pa.large_binary(),
            bool: pa.bool_(),
            int: pa.int64(),
            float: pa.float64(),
        }
        types[date] = pa.date32()
        try:
            column = pa.array(values.tolist(), type=types[kind], from_pandas=kind is not float)
            return column, {"as": "cells", "of": kind.__name__, "missing": missing}
        except (pa.ArrowException, OverflowError):
            pass  # an integer of more than 64 bits
    return pa.array([_cell(cell, f"{where}, row {row}") for row, cell in enumerate(values)], pa.large_string()), {
        "as": "cells",
        "of": "json",
    }


def decode_cells(column: Any, note: dict[str, Any]) -> Any:
    """Give back the array of Python objects."""
    import numpy

    if note["of"] == "json":
        cells = [Decoder().value(loads(text.encode())) for text in column.to_pylist()]
    else:
        cells = column.to_pylist()
        if column.null_count and note["missing"] != "None":
            mark = _mark(note["missing"])
            cells = [mark if cell is None else cell for cell in cells]
    array = numpy.empty(len(cells), dtype=object)
    # Assigned one by one: NumPy would take cells that are lists for another dimension.
    for row, cell in enumerate(cells):
        array[row] = cell
    return array


def _one_kind(values: Any) -> tuple[type, str] | None:
    """Give the one plain type of the cells and the one kind of missing value among them, or None if they are mixed."""
    kinds = set(map(type, values))
    marks = [_MISSING[kind.__name__] for kind in kinds if kind.__name__ in _MISSING]
    plain = {kind for kind in kinds if kind.__name__ not in _MISSING}
    if float in plain and len(plain) > 1:
        if any(cell == cell for cell in values if type(cell) is float):
            return None
        plain.discard(float)
        marks.append("nan")
    if len(plain) != 1 or len(marks) > 1:
        return None
    kind = plain.pop()
    if kind not in (str, bytes, bool, int, float, date) or (kind is float and marks not in ([], ["None"])):
        return None
    return kind, marks[0] if marks else "None"


def _mark(name: str) -> Any:
    import pandas

    return float("nan") if name == "nan" else getattr(pandas, name)


def _cell(cell: Any, where: str) -> str:
    return dumps(Encoder(_array_or_refuse, where).tree(cell)).decode()


def _array_or_refuse(part: Any, where: str) -> Any:
    import numpy

    if type(part) is numpy.ndarray and not part.dtype.hasobject and part.dtype.kind in "biufcMmUS":
        data = base64.b64encode(numpy.ascontiguousarray(part).tobytes()).decode()
        return tagged("ndarray", [part.dtype.str, list(part.shape), data])
    kind = type(part)
    raise FormatError(
        f"a table can't hold a {kind.__module__}.{kind.__qualname__} in a cell",
        where=where,
        hint="keep such objects in a list or dict beside the table",
    )
