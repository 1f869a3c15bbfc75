"""Answers: checked against what the recorded run gave back, and written as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from solvent.errors import DataError
from solvent.serving.refusals import BadAnswer
from solvent.serving.schema import BOOLEAN, DECIMAL, INTEGER, NUMBER, TEXT, TIME, Column, Schema
from solvent.serving.tables import plain_columns

encode_json: Callable[[Any], bytes] = msgspec.json.Encoder().encode
"""NaN and infinite numbers become null; floats have the fewest digits that come back bit-equal."""
_KINDS = {"f": NUMBER, "i": INTEGER, "u": INTEGER, "b": BOOLEAN, "M": TIME, "U": TEXT}


class Answers:
    """Takes what the last live step gave back."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.names = schema.names
        module, _, kind = schema.container.partition(":")
        self._class = module, kind
        self._dtype = _array_dtype(schema)
        self._one = len(self.names) == 1

    def encode(self, answer: Any, extra: bytes = b"", rows: int | None = None) -> bytes:
        """Write an answer as {"predictions": [...]} and what `extra` adds; BadAnswer if it is not as recorded."""
        body = encode_json(self.predictions(answer, rows))
        return b'{"predictions":%b,%b}' % (body, extra) if extra else b'{"predictions":%b}' % body

    def predictions(self, answer: Any, rows: int | None = None) -> list[Any]:
        """Give one value for each row, or one record where there are several columns."""
        self.check(answer, rows)
        if self._dtype is not None and self.schema.shape is not None:
            found: list[Any] = answer.tolist()
            if self._one:
                return [each[0] for each in found] if len(self.schema.shape) == 1 else found
            return [dict(zip(self.names, each, strict=True)) for each in found]
        columns = self._columns(answer)
        if self._one:
            return columns[0]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]

    def columns(self, answer: Any, rows: int | None = None) -> dict[str, list[Any]]:
        """Give the checked columns of an answer as plain values."""
        self.check(answer, rows)
        return dict(zip(self.names, self._columns(answer), strict=True))

    def _columns(self, answer: Any) -> list[list[Any]]:
        try:
            found = plain_columns(answer, self.names)
        except DataError as error:
            raise BadAnswer(f"the answer can't be written: {error.problem}") from error
        for column, values in zip(self.schema.columns, found, strict=True):
            _check_kind(column, values)
        return found

    def check(self, answer: Any, rows: int | None) -> None:
        """Hold an answer against the recorded one: its class, columns, shape and number of rows."""
        kind = type(answer)
        if kind.__qualname__ != self._class[1] or kind.__module__ != self._class[0]:
            raise BadAnswer(
                f"the answer is a {_named(kind.__module__, kind.__qualname__)}; the recorded one is a {_named(*self._class)}"
            )
        if self._dtype is not None:
            self._check_array(answer)
        elif (names := _names(answer)) is not None and names != self.names:
            raise BadAnswer(f"the answer has the columns {_listed(names)}; the recorded one has {_listed(self.names)}")
        if rows is not None and (found := _length(answer)) != rows:
            raise BadAnswer(f"the answer has {found} rows, and the request had {rows}")

    def _check_array(self, answer: Any) -> None:
        if answer.dtype != self._dtype and _KINDS.get(answer.dtype.kind) != _KINDS.get(self._dtype.kind):
            raise BadAnswer(f"the answer is an array of {answer.dtype}; the recorded one is of {self._dtype}")
        if answer.ndim == 0 or answer.shape[1:] != self.schema.shape:
            raise BadAnswer(
                f"a row of the answer has the shape {answer.shape[1:]}; in the recorded one it is {self.schema.shape}"
            )


def _array_dtype(schema: Schema) -> Any:
    """Give the dtype of an array whose elements are written as they are; None for all others."""
    if schema.package != "numpy" or schema.shape is None:
        return None
    import numpy as np

    dtype = np.dtype(schema.columns[0].type)
    return dtype if dtype.kind in "fiubU" else None


def _names(answer: Any) -> list[str] | None:
    if isinstance(answer, dict):
        return list(map(str, answer))
    if type(answer).__module__.partition(".")[0] == "pandas" and answer.ndim == 2:
        return list(map(str, answer.columns))
    for name in ("column_names", "columns"):
        names = getattr(answer, name, None)
        if isinstance(names, list) and all(isinstance(each, str) for each in names):
            return names
    return None


def _length(answer: Any) -> int:
    if isinstance(answer, dict):
        return len(next(iter(answer.values()), ()))
    return len(answer) if hasattr(answer, "__len__") else int(answer.num_rows)


def _check_kind(column: Column, values: list[Any]) -> None:
    wanted = _PYTHON.get(column.kind)
    if wanted is None or column.categories:
        return
    for row, value in enumerate(values):
        if value is not None and type(value) not in wanted:
            raise BadAnswer(
                f"row {row} of column {column.name!r} is a {type(value).__name__}; the recorded ones: {column.kind}"
            )


_PYTHON: dict[str, tuple[type, ...]] = {
    NUMBER: (float, int),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    TEXT: (str,),
    TIME: (str,),
    DECIMAL: (str,),
}


def _named(module: str, kind: str) -> str:
    return kind if module == "builtins" else f"{module.partition('.')[0]} {kind}"


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")
