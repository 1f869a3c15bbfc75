"""Rows as JSON has them, and the tables and arrays that steps take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from solvent.serving.schema import Schema


def to_columns(value: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """Give a table, array, series or list as one list of plain values for each column."""
    package = type(value).__module__.partition(".")[0]
    if package == "pandas" and value.ndim == 2:
        return {name: _plain(value.iloc[:, at]) for at, name in enumerate(names)}
    if package == "polars" and hasattr(value, "columns"):
        return {name: value[name].to_list() for name in names}
    if package == "pyarrow":
        return {name: value.column(name).to_pylist() for name in names}
    if package == "numpy" and value.ndim == 2:
        return {name: value[:, at].tolist() for at, name in enumerate(names)}
    return {names[0]: _plain(value)}


def from_columns(columns: Mapping[str, Sequence[Any]], schema: Schema) -> Any:
    """Make what a step takes, with the very types that the schema names."""
    package = schema.container.partition(":")[0].partition(".")[0]
    if package == "pandas":
        import pandas as pd

        return pd.DataFrame({each.name: pd.Series(columns[each.name], dtype=each.type) for each in schema.columns})
    if package == "polars":
        import polars as pl

        return pl.DataFrame(dict(columns), schema={each.name: getattr(pl, each.type) for each in schema.columns})
    import numpy as np

    found = np.column_stack([np.asarray(columns[each.name], each.type) for each in schema.columns])
    return found if schema.shape else found[:, 0]


def _plain(values: Any) -> list[Any]:
    return list(values.tolist() if hasattr(values, "tolist") else values)
