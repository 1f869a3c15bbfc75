"""Schemas of requests and answers as JSON Schema has them."""

from __future__ import annotations

from typing import Any

from solvent.serving.cells import expected, integer_bounds
from solvent.serving.schema import BOOLEAN, DECIMAL, INTEGER, NUMBER, OTHER, Column, Schema

Tree = dict[str, Any]
_TYPES = {NUMBER: ["number"], INTEGER: ["integer"], BOOLEAN: ["boolean"], DECIMAL: ["string", "number"], OTHER: []}
"""All other kinds are texts."""


def value_schema(column: Column) -> Tree:
    """Describe one value of a column. The range seen in training is told in words: values beyond it are answered too."""
    found = _typed(column, nullable=column.nullable)
    if column.kind == INTEGER and (bounds := integer_bounds(column)):
        found["minimum"], found["maximum"] = bounds
    if column.categories and not column.sensitive:
        found = {"enum": [*column.categories, *([None] if column.nullable else [])]}
    return {**found, "description": words(column)}


def row_schema(schema: Schema) -> Tree:
    """Describe one row as an object: every column is named."""
    return _object({each.name: value_schema(each) for each in schema.columns})


def columns_schema(schema: Schema) -> Tree:
    """Describe rows as an object of equally long lists."""
    return _object(
        {each.name: {"type": "array", "items": value_schema(each), "minItems": 1} for each in schema.columns}
    )


def answers_schema(schema: Schema) -> Tree:
    """Describe predictions: for each row a value, or an object where there are several columns. NaN is null."""
    answers = {each.name: _answer(schema, each) for each in schema.columns}
    return {"type": "array", "items": _object(answers) if len(answers) > 1 else next(iter(answers.values()))}


def words(column: Column) -> str:
    """Say what a column holds, and what training saw."""
    found = f"{column.type}: {expected(column)}"
    return f"{found}; {seen} in training" if (seen := range_words(column)) else found


def range_words(column: Column) -> str:
    """Say between what the values of training are; nothing of a sensitive column."""
    if column.sensitive or column.low is None or column.high is None:
        return ""
    return f"{_short(column.low)} to {_short(column.high)}"


def _short(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _object(properties: Tree) -> Tree:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _answer(schema: Schema, column: Column) -> Tree:
    if schema.shape is not None and len(schema.shape) > 1:
        return {"type": "array"}
    return _typed(column, nullable=True)


def _typed(column: Column, *, nullable: bool) -> Tree:
    types = _TYPES.get(column.kind, ["string"])
    given = [*types, "null"] if nullable and types else types
    return {"type": given[0] if len(given) == 1 else given} if given else {}
