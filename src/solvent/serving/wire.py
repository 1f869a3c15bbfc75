"""Requests and answers as JSON: records or columns by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from solvent.serving.schema import Schema
from solvent.serving.tables import from_columns, to_columns


class BadRequest(Exception):
    """A body that can't be answered: a problem for each thing that is wrong, with its row and column."""

    def __init__(self, problems: Sequence[Mapping[str, Any]], status: int = 422) -> None:
        super().__init__("the request is not what this endpoint takes")
        self.problems = list(problems)
        self.status = status


class Decoded(NamedTuple):
    """A request as the type that the first live step takes."""

    value: Any
    rows: int
    given: Mapping[str, Sequence[Any]]

    def columns(self) -> Mapping[str, Sequence[Any]]:
        return self.given


class Codec:
    """Reads requests and writes answers by the schemas of a bundle."""

    def __init__(self, request: Schema, response: Schema) -> None:
        self._request = request
        self._response = response

    def decode(self, body: bytes, content_type: str = "application/json") -> Decoded:
        names = [each.name for each in self._request.columns]
        try:
            asked = json.loads(body)
            columns = asked.get("columns") or {name: [row[name] for row in asked["records"]] for name in names}
            return Decoded(from_columns(columns, self._request), len(columns[names[0]]), columns)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadRequest([{"row": None, "column": None, "problem": type(error).__name__}]) from error

    def encode(self, answer: Any, extra: bytes) -> bytes:
        found = to_columns(answer, [each.name for each in self._response.columns])
        predictions = next(iter(found.values())) if len(found) == 1 else found
        return b'{"predictions":%b,%b}' % (json.dumps(predictions).encode(), extra)
