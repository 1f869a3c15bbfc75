"""What is expected of a table: inferred from a profile, written as JSON, and judged in `solvent.profiles.anomalies`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from solvent.profiles.records import DOMAIN, ColumnProfile, Profile

TRAINING, SERVING = "training", "serving"
ENVIRONMENTS = (TRAINING, SERVING)

COVERAGE = 0.95
"""A domain is inferred where the values that are known are so large a share of all."""
REPEATS = 2
"""A domain is inferred where a value occurs so often on average: the names in a table of three rows are none."""

Bound = float | int | str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one column.

    `type` is the logical type and `kind` its kind, as in its profile. A `required` column must be there; one that is not
    `nullable` has no nulls, and of another `null_share` are expected. `domain` are the values that it may have, as text.
    `least` and `most` are the range of numbers and the beginning of times; beyond it is a warning, of an `exact` range at
    once, else where the distance or the number of rows says that it is no chance. `unique` values occur once. `absent` are
    the environments in which the column need not be there, as a label when serving. A column that is not `watched` is left
    out when drift is judged after a run.
    """

    name: str
    type: str
    kind: str
    required: bool = True
    nullable: bool = False
    null_share: float = 0.0
    domain: tuple[str, ...] | None = None
    least: Bound = None
    most: Bound = None
    exact: bool = False
    unique: bool = False
    absent: tuple[str, ...] = ()
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Schema:
    """What is expected of a table: its columns in their order, and the rows that the table had that it was taken from."""

    columns: tuple[Expected, ...]
    rows: int = 0

    def column(self, name: str) -> Expected | None:
        return next((each for each in self.columns if each.name == name), None)


def infer(profile: Profile, *, label: str | None = None) -> Schema:
    """Give the schema that a table of this profile meets; the `label` is absent when serving."""
    columns = (expect(each, absent=(SERVING,) if each.name == label else ()) for each in profile.columns)
    return Schema(tuple(columns), profile.rows)


def expect(column: ColumnProfile, *, absent: tuple[str, ...] = ()) -> Expected:
    """Expect of a column what this one is like.

    A domain of texts and categories is inferred where at most 50 values are at least 95 % of all and repeat; a range of
    numbers, and the beginning of times; that values are unique where they look like ids, and no two are equal.
    """
    filled = column.rows - column.missing
    least, most = _range(column)
    return Expected(
        column.name,
        column.type,
        column.kind,
        nullable=column.missing > 0,
        null_share=column.missing / column.rows if column.rows else 0.0,
        domain=_domain(column, filled),
        least=least,
        most=most,
        unique=column.role == "id" and column.distinct_exact and column.distinct == filled > 0,
        absent=absent,
    )


def _domain(column: ColumnProfile, filled: int) -> tuple[str, ...] | None:
    distinct = column.distinct or 0
    if column.kind != "text" or column.role == "id" or not column.top or not 0 < distinct <= DOMAIN:
        return None
    counted = sum(count for _, count in column.top)
    if counted < COVERAGE * column.top_rows or filled < REPEATS * distinct:
        return None
    return tuple(sorted(value for value, _ in column.top))


def _range(column: ColumnProfile) -> tuple[Bound, Bound]:
    """Ids and times go on: ids have no range, and times no end. Nor has one value, such as the month, a range."""
    if column.role in ("id", "constant") or column.masked:
        return None, None
    if column.kind == "number":
        return column.minimum, column.maximum
    return (column.minimum, None) if column.kind == "time" else (None, None)


def schema_to_json(schema: Schema) -> str:
    """Write a schema as it is stored; what is as it mostly is, is left out."""
    columns = [_spoken(each) for each in schema.columns]
    return json.dumps({"rows": schema.rows, "columns": columns}, ensure_ascii=False)


def schema_from_json(text: str) -> Schema:
    """Read a stored schema; what a newer version wrote beside is left out."""
    found = json.loads(text)
    known = {each.name for each in fields(Expected)}
    columns = tuple(
        Expected(**{name: _tuple(value) for name, value in each.items() if name in known}) for each in found["columns"]
    )
    return Schema(columns, found.get("rows", 0))


def _spoken(expected: Expected) -> dict[str, Any]:
    usual = asdict(Expected(expected.name, expected.type, expected.kind))
    return {
        name: value
        for name, value in asdict(expected).items()
        if name in ("name", "type", "kind") or value != usual[name]
    }


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
