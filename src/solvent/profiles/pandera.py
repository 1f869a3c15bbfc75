"""What a pandera schema says about a table, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Said = tuple[str | None, str, int, list[tuple[Any, str]]]
"""A column, what was expected of it, how many cases there are, and the first of them as (row, value)."""

FIRST = 10


def validate(schema: Any, table: Any) -> list[Said]:
    """Hold a table against a schema or model; give what fails. The table stays as it is, also where a schema coerces."""
    from pandera.errors import SchemaError, SchemaErrors

    try:
        schema.validate(table, lazy=True)
    except SchemaErrors as error:
        return list(_grouped(error.failure_cases))
    except SchemaError as error:
        return [(None, str(error), 1, [])]
    return []


def _grouped(cases: Any) -> Iterator[Said]:
    rows = cases.to_dicts() if hasattr(cases, "to_dicts") else cases.to_dict("records")
    found: dict[tuple[str | None, str], list[tuple[Any, str]]] = {}
    for each in rows:
        column = each["column"] if isinstance(each["column"], str) else None
        found.setdefault((column, str(each["check"])), []).append((_row(each["index"]), str(each["failure_case"])))
    for (column, check), said in found.items():
        yield column, check, len(said), said[:FIRST]


def _row(place: Any) -> Any:
    """Give the place that a case has in the index, None if it is of no row."""
    if place is None or place != place:
        return None
    if isinstance(place, int | float):
        return int(place)
    return str(place)
