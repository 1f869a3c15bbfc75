"""JSON bodies: read as the types of the schema in one go, and read again, slowly, to say what is wrong with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from solvent.serving.cells import ABSENT, Cells, integer_bounds, number_limit
from solvent.serving.refusals import MOST_PROBLEMS, BadRequest, Problem, near, row_of, shown
from solvent.serving.schema import BOOLEAN, CLOCK, DATE, DURATION, INTEGER, NUMBER, TEXT, TIME, Column

RECORDS, COLUMNS, LIST, RECORD = "records", "columns", "list", "record"
_FORM = re.compile(rb'\s*(?:(\[)|\{\s*"(records)"\s*:\s*\[|\{\s*"(columns)"\s*:\s*\{)')
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
"""What stands in a name with a backslash before it, which the typed decoder does not know."""
_MOST_MARKS = 2_000_000
"""A body with more commas and brackets is not read a second time: as objects of Python it would fill the memory."""
_PLACE = re.compile(r" - at `\$(?:\.records|\.columns)?(?:\[(\d+)\])?\.?(.*)`$")
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)


def form_of(body: bytes) -> str:
    """Tell the form of a body from how it begins."""
    found = _FORM.match(body)
    return RECORD if found is None else LIST if found[1] else RECORDS if found[2] else COLUMNS


def is_exact(column: Column) -> bool:
    """Whether the typed decoder checks all that there is to check."""
    if column.categories:
        return False
    if column.kind == INTEGER:
        bounds = integer_bounds(column)
        return bounds is None or bounds[1] < 2**63
    return column.kind in (BOOLEAN, TEXT) or (column.kind == NUMBER and number_limit(column) is None)


def json_type(column: Column) -> Any:
    """Give the type that msgspec decodes a value of a column as."""
    kind: Any = Any
    if column.categories:
        return Any
    if column.kind == INTEGER:
        bounds = integer_bounds(column) if is_exact(column) else None
        kind = Annotated[int, msgspec.Meta(ge=bounds[0], le=bounds[1])] if bounds else int
    elif column.kind == NUMBER:
        kind = int | float if column.type == "object" else float
    elif column.kind in (BOOLEAN, TEXT, TIME, DATE, CLOCK, DURATION):
        kind = bool if column.kind == BOOLEAN else str
    return kind | None if column.nullable and kind is not Any else kind


class Reader:
    """Reads bodies as the columns of a schema."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.names = [each.name for each in columns]
        self.cells = [Cells(each) for each in columns]
        self._known = frozenset(self.names)
        types = [json_type(each) for each in columns]
        self._texts = [at for at, each in enumerate(types) if each not in (float, int, bool, float | None)]
        self._own_colons = sum(name.count(":") for name in self.names)
        self._decode: dict[str, Callable[[bytes], Any]] = {}
        if not any(_ESCAPED.search(name) for name in self.names):
            self._decode = self._decoders(types)

    def _decoders(self, types: Sequence[Any]) -> dict[str, Callable[[bytes], Any]]:
        row: Any = _struct("Row", self.names, types)
        wide = _struct("Columns", self.names, [list[each] for each in types])  # type: ignore[valid-type]
        wanted = {
            RECORDS: _struct("Records", [RECORDS], [list[row]]),
            COLUMNS: _struct("Table", [COLUMNS], [wide]),
            LIST: list[row],
            RECORD: row,
        }
        return {form: msgspec.json.Decoder(each).decode for form, each in wanted.items()}

    def read(self, body: bytes) -> list[Any] | Sequence[Sequence[Any]] | None:
        """Give the rows as structs, or the columns as lists, if the body is all right; None if it has to be explained."""
        form = form_of(body)
        decode = self._decode.get(form)
        if decode is None:
            return None
        try:
            found = decode(body)
        except UNREADABLE:
            return None
        if form == COLUMNS:
            columns = msgspec.structs.astuple(found.columns)
            same = len({len(each) for each in columns}) == 1 and columns[0]
            return columns if same and self._is_single(body, columns, 1) else None
        rows = [found] if form == RECORD else found if form == LIST else found.records
        return rows if rows and self._is_single_rows(body, rows, form) else None

    def _is_single_rows(self, body: bytes, rows: list[Any], form: str) -> bool:
        """Whether no row names a column twice, which msgspec passes over: there is one colon for each name."""
        keys = len(rows) * (len(self.names) + self._own_colons) + (form == RECORDS)
        if not self._texts and not self._own_colons:
            return body.count(b":") == keys or not duplicates(body, self.names)
        texts = [msgspec.structs.astuple(row)[at] for row in rows for at in self._texts]
        return _is_counted(body, keys, texts) or not duplicates(body, self.names)

    def _is_single(self, body: bytes, columns: Sequence[Sequence[Any]], envelope: int) -> bool:
        keys = len(self.names) + self._own_colons + envelope
        texts = [each for at in self._texts for each in columns[at]]
        return _is_counted(body, keys, texts) or not duplicates(body, self.names)

    def explain(self, body: bytes) -> list[list[Any]]:
        """Read a body slowly: give its checked columns, or raise BadRequest with all that is wrong with it."""
        tree, problem = self.tree_of(body)
        found = self.columns_of(tree)
        if twice := duplicates(body, self.names):
            raise BadRequest(twice)
        checked = self.check(found)
        if problem:
            raise BadRequest(problem, 400)
        return checked

    def tree_of(self, body: bytes) -> tuple[Any, str]:
        """Give the body as plain objects, and why it is no JSON if only a lenient reader takes it."""
        if not body.strip():
            raise BadRequest("the body is empty", 400)
        if sum(body.count(mark) for mark in (b",", b"[", b"{")) > _MOST_MARKS:
            raise BadRequest([self._first_problem(body)])
        try:
            return msgspec.json.decode(body), ""
        except UNREADABLE as error:
            problem = _why(error)
        try:
            return json.loads(body), problem
        except UNREADABLE:
            raise BadRequest(problem, 400) from None

    def _first_problem(self, body: bytes) -> Problem:
        try:
            self._decode.get(form_of(body), len)(body)
        except UNREADABLE as error:
            found = _PLACE.search(str(error))
            if found is None:
                return Problem(_why(error))
            row = int(found[1]) if found[1] else None
            return Problem(str(error)[: found.start()].replace("`", ""), row, found[2] or None)
        return Problem("the request is too large to say what is wrong with it; send its rows in parts")

    def columns_of(self, tree: Any) -> list[list[Any]]:
        """Find the columns in a body: a list of records, an object with records or columns, or one record."""
        if isinstance(tree, list):
            return self.from_records(tree)
        if not isinstance(tree, dict):
            raise BadRequest(f"expected an object or a list of objects, found {shown(tree)}")
        for form, kind in ((RECORDS, list), (COLUMNS, dict)):
            if form in tree and (isinstance(tree[form], kind) or form not in self._known):
                return self._enveloped(tree, form, kind)
        return self.from_records([tree])

    def _enveloped(self, tree: dict[str, Any], form: str, kind: type) -> list[list[Any]]:
        if not isinstance(tree[form], kind):
            what = "a list of objects" if kind is list else "an object of lists"
            raise BadRequest(f'expected "{form}" to be {what}, found {shown(tree[form])}')
        others = [name for name in tree if name != form]
        if others:
            raise BadRequest([Problem(f'unknown key {shown(name)} beside "{form}"') for name in others])
        return self.from_records(tree[form]) if kind is list else self.from_columns(tree[form])

    def from_records(self, rows: list[Any]) -> list[list[Any]]:
        """Give the columns of records; what a record lacks is ABSENT and raises with what is wrong with all values."""
        if not rows:
            raise BadRequest("the request has no rows")
        problems: list[Problem] = []
        for row, record in enumerate(rows):
            if not isinstance(record, dict):
                problems.append(Problem(f"expected an object, found {shown(record)}", row))
            elif record.keys() != self._known:
                problems += self._differing(record, row)
            if len(problems) >= MOST_PROBLEMS:
                break
        records = [each if isinstance(each, dict) else {} for each in rows]
        columns = [[record.get(name, ABSENT) for record in records] for name in self.names]
        return self._complete(columns, problems)

    def from_columns(self, given: Mapping[str, Any]) -> list[list[Any]]:
        """Give the columns of an object of lists."""
        problems = self._differing(given, None)
        for name, values in given.items():
            if name in self._known and not isinstance(values, list):
                problems.append(
                    Problem(f"expected a list with a value for each row, found {shown(values)}", None, name)
                )
        if problems:
            raise BadRequest(problems)
        lengths = {name: len(given[name]) for name in self.names}
        if len(set(lengths.values())) > 1:
            raise BadRequest(ragged(lengths))
        if not any(lengths.values()):
            raise BadRequest("the request has no rows")
        return [given[name] for name in self.names]

    def _complete(self, columns: list[list[Any]], problems: list[Problem]) -> list[list[Any]]:
        if problems:
            checked = [each.check(values)[1] for each, values in zip(self.cells, columns, strict=True)]
            raise BadRequest(sorted([*problems, *(each for found in checked for each in found)], key=row_of))
        return columns

    def _differing(self, given: Mapping[str, Any], row: int | None) -> list[Problem]:
        missing = [name for name in self.names if name not in given]
        unknown = [name for name in given if name not in self._known]
        found = [
            Problem(f"unknown column{near(name, missing or self.names)}", row, name) for name in unknown[:MOST_PROBLEMS]
        ]
        return found + [Problem("missing column", row, name) for name in missing[:MOST_PROBLEMS]]

    def check(self, columns: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """Check all values: give what columns are built from, or raise BadRequest."""
        checked = [each.check(values) for each, values in zip(self.cells, columns, strict=True)]
        if problems := sorted((each for _, found in checked for each in found), key=row_of):
            raise BadRequest(problems)
        return [values for values, _ in checked]


def ragged(lengths: Mapping[str, int]) -> list[Problem]:
    """Say which columns have another length than most."""
    usual = max(set(lengths.values()), key=list(lengths.values()).count)
    return [
        Problem(f"{length} values, and the other columns have {usual}", None, name)
        for name, length in lengths.items()
        if length != usual
    ]


def _struct(title: str, names: Sequence[str], types: Sequence[Any]) -> Any:
    places = [f"f{at}" for at in range(len(names))] if title in ("Row", "Columns") else list(names)
    return msgspec.defstruct(
        title,
        list(zip(places, types, strict=True)),
        rename=dict(zip(places, names, strict=True)),
        forbid_unknown_fields=True,
        gc=False,
    )


def _is_counted(body: bytes, keys: int, texts: Iterable[Any]) -> bool:
    """Whether all colons of a body are those of its names and texts; a backslash may hide some."""
    inside = sum(each.count(":") for each in texts if type(each) is str)
    return body.count(b":") == keys + inside and b"\\u" not in body


def duplicates(body: bytes, names: Sequence[str]) -> list[Problem]:
    """Find names that stand twice in an object, the first 20."""
    found: list[Problem] = []
    objects = 0

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal objects
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen and len(found) < MOST_PROBLEMS:
                row = objects if any(each in seen for each in names) else None
                found.append(Problem("the name stands twice", row, name))
            seen.add(name)
        objects += 1

    try:
        json.loads(body, object_pairs_hook=look, parse_int=len, parse_float=len)
    except UNREADABLE:
        return found
    return found


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"the body is no UTF-8: byte {error.start} of a text is {error.object[error.start]:#04x}"
    if isinstance(error, RecursionError):
        return "the body is nested too deep"
    return f"the body is no JSON: {str(error).removeprefix('JSON is malformed: ')}"
