"""Bytes in, the value that the first live step takes; the answer of the last one, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import astuple

from solvent.serving.answers import Answers
from solvent.serving.bodies import Reader, is_exact
from solvent.serving.containers import Find, block_maker, maker, plain_float64
from solvent.serving.refusals import BadAnswer, BadRequest, Problem
from solvent.serving.schema import Schema
from solvent.serving.tables import find_class, plain_columns

__all__ = ["BadAnswer", "BadRequest", "Codec", "Decoded", "Problem"]


MOST_ROWS = 1_000_000
"""So many are read at most where no other limit is set."""


class Decoded:
    """A request as the first live step takes it: `value`, its number of rows, and its columns as plain values.

    `read` is what the decoder gave where that is as plain: records or columns of numbers.
    """

    __slots__ = ("_names", "_read", "rows", "value")

    def __init__(self, value: Any, rows: int, names: Sequence[str], read: Any = None) -> None:
        self.value = value
        self.rows = rows
        self._names = names
        self._read = read

    def columns(self) -> dict[str, list[Any]]:
        """Lay the request out in columns, as JSON has them; costs nothing unless it is asked for."""
        columns: Iterable[Any]
        if isinstance(self._read, list):
            columns = map(list, zip(*map(astuple, self._read), strict=True))
        else:
            columns = self._read if self._read is not None else plain_columns(self.value, self._names)
        return dict(zip(self._names, columns, strict=True))


class Codec:
    """Reads requests and writes answers of one bundle, as their schemas say.

    `row_limit` bounds a request; `find` gives a class of the bundle by "module:qualname".
    """

    def __init__(self, request: Schema, response: Schema, row_limit: int = MOST_ROWS, find: Find = find_class) -> None:
        self.request = request
        self.response = response
        self.row_limit = row_limit
        self.reader = Reader(request.columns)
        self.answers = Answers(response)
        self._names = request.names
        self._block = _block(request)
        self._make = maker(request, find)
        self._exact = [is_exact(each) for each in request.columns]

    def decode(self, body: bytes, content_type: str = "application/json") -> Decoded:
        """Read a request: records, columns, a list of records, or one record. BadRequest says all that is wrong with it."""
        if content_type != "application/json":
            check_json(content_type)
        self._check_size(body)
        found: Any = self.reader.read(body)
        if found is None:
            return self.build(self.reader.explain(body))
        self._check_rows(len(found) if isinstance(found, list) else len(found[0]))
        if self._block is not None:
            block = self._block(found)
            return Decoded(block, len(block), self._names, found)
        return self._checked(list(zip(*map(astuple, found), strict=True)) if isinstance(found, list) else found)

    def _checked(self, columns: Sequence[Sequence[Any]]) -> Decoded:
        if all(self._exact):
            return self.build(columns)
        checked = [
            (values, []) if exact else cells.check(values)
            for exact, cells, values in zip(self._exact, self.reader.cells, columns, strict=True)
        ]
        if any(problems for _, problems in checked):
            return self.build(self.reader.check(columns))
        return self.build([values for values, _ in checked])

    def decode_columns(self, columns: Sequence[Sequence[Any]]) -> Decoded:
        """Take columns of another protocol, in the order of the schema, through the same checks."""
        if not columns[0]:
            raise BadRequest("the request has no rows")
        self._check_rows(len(columns[0]))
        return self.build(self.reader.check(columns))

    def build(self, columns: Sequence[Sequence[Any]]) -> Decoded:
        """Make the request of columns that were checked."""
        rows = len(columns[0])
        self._check_rows(rows)
        try:
            return Decoded(self._make(columns), rows, self._names)
        except Exception as error:
            told = str(error).partition("\n")[0] if not any(each.sensitive for each in self.request.columns) else ""
            raise BadRequest(
                f"these values make no {self.request.container}: {told or type(error).__name__}"
            ) from error

    def _check_size(self, body: bytes) -> None:
        """Refuse far too many rows before they are read: without text, braces and commas stand between values alone."""
        if len(body) > self.row_limit and self._block is not None:
            text = "".join(self._names)
            records = (body.count(b"{") - 1) // (1 + text.count("{"))
            width = len(self._names) * (1 + text.count(","))
            if max(records, (body.count(b",") - width) // (width + 1)) > self.row_limit:
                raise BadRequest(
                    f"the request has more than {self.row_limit:,} rows, the most that are answered at once", 413
                )

    def _check_rows(self, rows: int) -> None:
        if rows > self.row_limit:
            raise BadRequest(f"the request has {rows:,} rows, and at most {self.row_limit:,} are answered at once", 413)

    def encode(self, answer: Any, extra: bytes = b"", rows: int | None = None) -> bytes:
        """Write an answer, and `extra`, JSON without braces, beside it; BadAnswer if it is not as the recorded one."""
        return self.answers.encode(answer, extra, rows)


def _block(schema: Schema) -> Callable[[Any], Any] | None:
    """Give what makes a request straight from decoded rows or columns, where all are float64."""
    if not plain_float64(schema):
        return None
    import numpy as np

    make = block_maker(schema)

    def block(found: Any) -> Any:
        if isinstance(found, list):
            return make(np.array([astuple(row) for row in found], "float64"))
        return make(np.ascontiguousarray(np.array(found, "float64").T))

    return block


def check_json(content_type: str) -> None:
    """Refuse a content type that is no JSON in UTF-8."""
    kind, _, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind and kind != "application/json" and not kind.endswith(("+json", "/json")):
        raise BadRequest(f"expected a body of application/json, found {kind}", 415)
    charset = rest.lower().partition("charset=")[2].strip(' "').partition(";")[0].rstrip('" ')
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise BadRequest(f"expected JSON in UTF-8, found charset {charset}", 415)
