"""The types of libraries by their names in a schema; each library is imported when a schema has its types."""

from __future__ import annotations

import re
from typing import Any

from solvent.errors import BundleError
from solvent.serving.schema import Column

_STRINGS = {"str": "nan", "string": "NA"}
_STRING = re.compile(r"(str|string)(?:\[(python|pyarrow)\])?")
_ARGUMENTS = re.compile(r"(\w+)(?:\[(.*)\])?")
_DECIMAL = re.compile(r"decimal(\d+)\((\d+), (-?\d+)\)")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")
_LIST = re.compile(r"(list|large_list)<\w+: (.+?)(?: not null)?>")
_ZONED = re.compile(r"timestamp\[(\w+), tz=(.+)\]")
_UNITS = re.compile(r"(time32|time64|duration|timestamp)\[(\w+)\]")


def pandas_dtype(column: Column) -> Any:
    """Give the dtype of a column of pandas."""
    import pandas as pd

    if column.type == "category":
        values = pd.Index(list(column.categories), dtype=pandas_dtype(Column("", column.of, "")))
        return pd.CategoricalDtype(values, ordered=column.ordered)
    found = _STRING.fullmatch(column.type)
    if found and (found[2] or found[1] == "str"):
        missing: Any = float("nan") if found[1] == "str" else pd.NA
        storage: Any = found[2]
        return pd.StringDtype(storage, na_value=missing) if storage else pd.StringDtype(na_value=missing)
    if column.type.endswith("[pyarrow]"):
        return pd.ArrowDtype(arrow_type(column.type.removesuffix("[pyarrow]"), column))
    return pd.api.types.pandas_dtype(column.type)


def polars_dtype(type_name: str, column: Column) -> Any:
    """Give the type of a column of polars: "Datetime[us, UTC]", "List[Float64]", "Enum"..."""
    import polars as pl

    found = _ARGUMENTS.fullmatch(type_name)
    kind: Any = getattr(pl, found[1], None) if found else None
    if found is None or kind is None:
        raise BundleError(f"column {column.name!r}: polars has no type {type_name}")
    if found[1] == "Enum":
        return pl.Enum([str(each) for each in column.categories])
    if found[2] is None:
        return kind() if isinstance(kind, type) else kind
    inner, _, last = found[2].rpartition(", ")
    if found[1] == "List":
        return pl.List(polars_dtype(found[2], column))
    if found[1] == "Array":
        return pl.Array(polars_dtype(inner, column), int(last))
    if found[1] == "Decimal":
        return pl.Decimal(int(inner), int(last))
    unit, _, zone = found[2].partition(", ")
    return kind(unit, zone) if zone else kind(unit)


def arrow_type(type_name: str, column: Column) -> Any:
    """Give the type of an Arrow column: "timestamp[us, tz=UTC]", "list<item: double>", "decimal128(10, 2)"..."""
    import pyarrow as pa

    if found := _ZONED.fullmatch(type_name):
        return pa.timestamp(found[1], found[2])
    if found := _UNITS.fullmatch(type_name):
        return getattr(pa, found[1])(found[2])
    if found := _DECIMAL.fullmatch(type_name):
        return getattr(pa, f"decimal{found[1]}")(int(found[2]), int(found[3]))
    if found := _DICTIONARY.fullmatch(type_name):
        return pa.dictionary(arrow_type(found[2], column), arrow_type(found[1], column), found[3] == "1")
    if found := _LIST.fullmatch(type_name):
        return getattr(pa, "list_" if found[1] == "list" else found[1])(arrow_type(found[2], column))
    name = {"date32[day]": "date32", "date64[ms]": "date64", "halffloat": "float16"}.get(type_name, type_name)
    try:
        return pa.type_for_alias(name)
    except ValueError as error:
        raise BundleError(f"column {column.name!r}: Arrow has no type {type_name}") from error
