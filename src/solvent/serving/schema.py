"""What a request or a response is made of: its kind, and its columns by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

NUMBER, INTEGER, BOOLEAN, TEXT, OTHER = "number", "integer", "boolean", "text", "other"
TIME, DATE, CLOCK, DURATION, DECIMAL = "time", "date", "clock", "duration", "decimal"


@dataclass(frozen=True, slots=True)
class Column:
    """One named column: `type` is that of the library ("float64", "str", "category", "datetime64[us, UTC]"...).

    `kind` is what JSON holds for it: number, integer, boolean, text, time, date, clock (a time of day), duration, decimal,
    or other. `nullable` says whether a missing value was seen in training; `categories` are all values of a categorical
    column, `of` is their type and `ordered` whether they have an order; `low` and `high` the range that was seen.
    `missing` tells how an object says that there is no value: "nan", "NA", "NaT", "absent" (the key is left out), "" None.
    Of a `sensitive` column no value is told.
    """

    name: str
    type: str
    kind: str
    nullable: bool = False
    categories: tuple[str | int | float | bool, ...] = ()
    low: float | str | None = None
    high: float | str | None = None
    ordered: bool = False
    of: str = ""
    missing: str = ""
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """A table or array of rows: `container` is the value's class as "module:qualname", `columns` in their order.

    `shape` is that of one row of an array: () for a scalar, (k,) for k columns, more for an array that is one column; None
    for a table. `item` is the class of the elements of a list ("" for scalars) or of the columns of a dict. `labels` says
    what names the columns of a table of pandas: "" text, "integer" numbers, "none" nothing (a nameless Series).
    """

    container: str
    columns: tuple[Column, ...]
    shape: tuple[int, ...] | None = None
    item: str = ""
    labels: str = ""

    @property
    def package(self) -> str:
        """The library of the container: pandas, polars, pyarrow, numpy or builtins."""
        return self.container.partition(":")[0].partition(".")[0]

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.columns]

    def column(self, name: str) -> Column | None:
        return next((each for each in self.columns if each.name == name), None)


_DEFAULTS = {each.name: each.default for each in fields(Column)}
_SEAM = ("name", "type", "kind", "nullable", "low", "high")


def schema_tree(schema: Schema) -> dict[str, Any]:
    """Give a schema as plain JSON values."""
    shape = None if schema.shape is None else list(schema.shape)
    tree = {"container": schema.container, "columns": [_column_tree(each) for each in schema.columns], "shape": shape}
    return tree | {name: value for name in ("item", "labels") if (value := getattr(schema, name))}


def _column_tree(column: Column) -> dict[str, Any]:
    tree = {name: getattr(column, name) for name in _SEAM} | {"categories": list(column.categories)}
    for name in ("ordered", "of", "missing", "sensitive"):
        if (value := getattr(column, name)) != _DEFAULTS[name]:
            tree[name] = value
    return tree


def schema_from(tree: Mapping[str, Any]) -> Schema:
    """Read what `schema_tree` gave."""
    columns = tuple(Column(**{**each, "categories": tuple(each["categories"])}) for each in tree["columns"])
    shape = None if tree["shape"] is None else tuple(tree["shape"])
    return Schema(tree["container"], columns, shape, tree.get("item", ""), tree.get("labels", ""))
