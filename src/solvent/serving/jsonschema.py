"""Schemas of requests and answers as JSON Schema has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.serving.schema import Column, Schema

Tree = dict[str, Any]
_TYPES: Mapping[str, Tree] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "text": {"type": "string"},
    "time": {"type": "string"},
}


def value_schema(column: Column) -> Tree:
    """Describe one value of a column. The range seen in training is told in words: other values are answered too."""
    found = dict(_TYPES.get(column.kind, {}))
    if column.categories and column.kind == "text":
        found["examples"] = list(column.categories[:3])
    if column.nullable and "type" in found:
        found["type"] = [found["type"], "null"]
    words = _words(column)
    return {**found, "description": words} if words else found


def row_schema(schema: Schema) -> Tree:
    """Describe one row as an object."""
    return {
        "type": "object",
        "properties": {each.name: value_schema(each) for each in schema.columns},
        "required": [each.name for each in schema.columns if not each.nullable],
        "additionalProperties": False,
    }


def columns_schema(schema: Schema) -> Tree:
    """Describe rows as an object of equally long lists."""
    return {
        "type": "object",
        "properties": {each.name: {"type": "array", "items": value_schema(each)} for each in schema.columns},
        "required": [each.name for each in schema.columns if not each.nullable],
        "additionalProperties": False,
    }


def answers_schema(schema: Schema) -> Tree:
    """Describe predictions: a list for a single column, else an object of lists. A number that is none is null."""
    lists = {each.name: {"type": "array", "items": _answer(each)} for each in schema.columns}
    if len(lists) == 1:
        return next(iter(lists.values()))
    return {"type": "object", "properties": lists, "required": list(lists)}


def _answer(column: Column) -> Tree:
    found = dict(_TYPES.get(column.kind, {}))
    return {"type": [found["type"], "null"]} if found else {}


def _words(column: Column) -> str:
    parts = [column.type]
    if column.low is not None and column.high is not None:
        parts.append(f"{column.low} to {column.high} in training")
    if column.categories:
        shown = ", ".join(map(str, column.categories[:12]))
        parts.append(f"one of {shown}{', ...' if len(column.categories) > 12 else ''}")
    return "; ".join(parts)
