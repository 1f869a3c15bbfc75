"""MLflow's scoring protocol: the four forms of JSON and CSV, through the checks that all requests go through.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally.html#json-input. No HTTP: bytes in, values out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from solvent.serving.bodies import UNREADABLE, duplicates
from solvent.serving.refusals import MOST_PROBLEMS, BadRequest, Problem, shown
from solvent.serving.schema import BOOLEAN, INTEGER, NUMBER, OTHER, Column
from solvent.serving.wire import Codec, Decoded, check_json

SPLIT, RECORDS, INSTANCES, INPUTS = "dataframe_split", "dataframe_records", "instances", "inputs"
FORMS = (SPLIT, RECORDS, INSTANCES, INPUTS)
_NUMBER = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,4})?")
_INTEGER = re.compile(r"[+-]?\d{1,40}")
_BOOLEANS = {"true": True, "false": False}


class Invocations:
    """Reads requests in MLflow's forms; its answers are {"predictions": ...}."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._names = codec.request.names

    def decode(self, body: bytes, content_type: str = "application/json") -> Decoded:
        """Read a request. BadRequest says what is wrong with it, and 415 if it is neither JSON nor CSV."""
        if content_type.partition(";")[0].strip().lower() == "text/csv":
            return self._codec.decode_columns(self._from_csv(body))
        check_json(content_type)
        return self._codec.decode_columns(self._from_json(body))

    def encode(self, answer: Any, extra: bytes = b"", rows: int | None = None) -> bytes:
        """Write an answer; BadAnswer if it is not as the recorded one."""
        return self._codec.encode(answer, extra, rows)

    def _from_json(self, body: bytes) -> list[list[Any]]:
        reader = self._codec.reader
        tree, problem = reader.tree_of(body)
        if not isinstance(tree, dict):
            raise BadRequest(f"expected an object with one of {', '.join(FORMS)}; found {shown(tree)}")
        if twice := duplicates(body, self._names):
            raise BadRequest(twice)
        given = [name for name in FORMS if name in tree]
        others = [name for name in tree if name not in FORMS and not (name == "params" and not tree[name])]
        if others or len(given) != 1:
            told = [Problem(f"unknown key {shown(name)}; this endpoint takes no parameters") for name in others]
            raise BadRequest(told or f"expected one of {', '.join(FORMS)}; found {' and '.join(given) or 'none'}")
        columns = self._form(given[0], tree[given[0]])
        if problem:
            reader.check(columns)
            raise BadRequest(problem, 400)
        return columns

    def _form(self, form: str, given: Any) -> list[list[Any]]:
        reader = self._codec.reader
        if form == SPLIT:
            return self._from_split(given)
        if isinstance(given, dict) and form == INPUTS:
            return reader.from_columns(given)
        if not isinstance(given, list):
            raise BadRequest(f'expected "{form}" to be a list of rows, found {shown(given)}')
        if form == RECORDS or (given and isinstance(given[0], dict)):
            return reader.from_records(given)
        if not given:
            raise BadRequest("the request has no rows")
        if len(self._names) == 1:
            return [given]
        raise BadRequest(
            f'the rows in "{form}" do not name their columns, and nobody sees whether they are in the right order; '
            f'send them as "{RECORDS}", as "{SPLIT}" with "columns", or as "{INPUTS}" with a list for each column'
        )

    def _from_split(self, given: Any) -> list[list[Any]]:
        if not isinstance(given, dict):
            raise BadRequest(f'expected "{SPLIT}" to be an object, found {shown(given)}')
        if others := [name for name in given if name not in ("columns", "data", "index")]:
            raise BadRequest([Problem(f'unknown key {shown(name)} in "{SPLIT}"') for name in others])
        names, rows, index = given.get("columns"), given.get("data"), given.get("index")
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise BadRequest(f'"{SPLIT}" has to name its columns: expected "columns" to be a list of names')
        if not isinstance(rows, list):
            raise BadRequest(f'expected "data" to be a list of rows, found {shown(rows)}')
        if index is not None and (not isinstance(index, list) or len(index) != len(rows)):
            raise BadRequest(f'"index" has to have one element for each of the {len(rows)} rows')
        return self._from_rows(names, rows)

    def _from_rows(self, names: Sequence[str], rows: Sequence[Any]) -> list[list[Any]]:
        """Lay rows out in columns; each row has a value for each name."""
        problems = [
            Problem("the name stands twice", None, name) for name in dict.fromkeys(names) if names.count(name) > 1
        ]
        for row, values in enumerate(rows):
            if not isinstance(values, list) or len(values) != len(names):
                found = f"{len(values)}" if isinstance(values, list) else shown(values)
                problems.append(Problem(f"expected {len(names)} values, found {found}", row))
            if len(problems) >= MOST_PROBLEMS:
                break
        if problems:
            raise BadRequest(problems)
        columns = {name: [values[at] for values in rows] for at, name in enumerate(names)}
        return self._codec.reader.from_columns(columns)

    def _from_csv(self, body: bytes) -> list[list[Any]]:
        try:
            text = body.decode("utf-8-sig")
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        except UnicodeDecodeError as error:
            raise BadRequest(f"the body is no UTF-8: byte {error.start} is {body[error.start]:#04x}", 400) from None
        except csv.Error as error:
            raise BadRequest(f"the body is no CSV: {error}", 400) from None
        if not rows:
            raise BadRequest("the body is empty; its first line names the columns", 400)
        columns = self._from_rows(rows[0], rows[1:])
        return [
            [from_text(each, column) for each in values] for column, values in zip(self._columns, columns, strict=True)
        ]

    @property
    def _columns(self) -> tuple[Column, ...]:
        return self._codec.request.columns


def from_text(text: str, column: Column) -> Any:
    """Read a cell of CSV as JSON would have it, as its column says; an empty one is null.

    What is no number or no boolean stays text, for the checks of the column to refuse; a text column that was never empty in
    training takes an empty text as it is.
    """
    if not text:
        return "" if column.kind not in (NUMBER, INTEGER, BOOLEAN) and not column.nullable else None
    if column.kind == INTEGER:
        return int(text) if _INTEGER.fullmatch(text) else _number(text)
    if column.kind == NUMBER:
        return _number(text)
    if column.kind == BOOLEAN:
        return _BOOLEANS.get(text.lower(), text)
    if column.kind == OTHER:
        try:
            return msgspec.json.decode(text)
        except UNREADABLE:
            return text
    return text


def _number(text: str) -> Any:
    return float(text) if _NUMBER.fullmatch(text) else text
