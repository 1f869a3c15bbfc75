"""What a request or a response is made of: its kind, and its columns by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One named column: `type` is that of the library ("float64", "str", "category", "datetime64[us, UTC]"...).

    `kind` is number, integer, boolean, text, time or other: what JSON holds for it. `nullable` says whether a missing value
    was seen in training; `categories` are all values of a categorical column; `low` and `high` the range that was seen.
    """

    name: str
    type: str
    kind: str
    nullable: bool = False
    categories: tuple[str, ...] = ()
    low: float | str | None = None
    high: float | str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A table or array of rows: `container` is the value's class as "module:qualname", `columns` in their order.

    `shape` is that of one row of an array; empty for a scalar of each row, and None for a table.
    """

    container: str
    columns: tuple[Column, ...]
    shape: tuple[int, ...] | None = None

    def column(self, name: str) -> Column | None:
        return next((each for each in self.columns if each.name == name), None)


def schema_tree(schema: Schema) -> dict[str, Any]:
    """Give a schema as plain JSON values."""
    columns = [
        {name: getattr(each, name) for name in ("name", "type", "kind", "nullable", "low", "high")}
        | {"categories": list(each.categories)}
        for each in schema.columns
    ]
    shape = None if schema.shape is None else list(schema.shape)
    return {"container": schema.container, "columns": columns, "shape": shape}


def schema_from(tree: Mapping[str, Any]) -> Schema:
    """Read what `schema_tree` gave."""
    columns = tuple(Column(**{**each, "categories": tuple(each["categories"])}) for each in tree["columns"])
    return Schema(tree["container"], columns, None if tree["shape"] is None else tuple(tree["shape"]))
