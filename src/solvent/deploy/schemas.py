"""The schema of a request or a response, and example rows, from what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvent.serving.schema import Column, Schema
from solvent.serving.tables import to_columns

_KINDS = {"f": "number", "i": "integer", "u": "integer", "b": "boolean", "M": "time"}


def schema_of(value: Any, columns: Sequence[str]) -> Schema:
    """Read off a recorded value what it is made of."""
    kind = type(value)
    container = f"{kind.__module__}:{kind.__qualname__}"
    package = kind.__module__.partition(".")[0]
    if package == "pandas" and value.ndim == 2:
        return Schema(container, tuple(_column(str(name), value[name].dtype) for name in value.columns))
    if package == "polars":
        return Schema(container, tuple(_column(name, kind) for name, kind in value.schema.items()))
    shape = tuple(getattr(value, "shape", (0,))[1:])
    names = columns or ([f"x{at}" for at in range(shape[0])] if shape else ["value"])
    return Schema(container, tuple(_column(name, getattr(value, "dtype", "object")) for name in names), shape)


def example_rows(request: Any, response: Any, rows: int) -> dict[str, Any]:
    """Give the first recorded rows, and what was answered to them."""
    asked, answered = schema_of(request, ()), schema_of(response, ())
    return {
        "request": {k: v[:rows] for k, v in to_columns(request, [each.name for each in asked.columns]).items()},
        "response": {k: v[:rows] for k, v in to_columns(response, [each.name for each in answered.columns]).items()},
    }


def _column(name: str, dtype: Any) -> Column:
    return Column(name, str(dtype), _KINDS.get(getattr(dtype, "kind", "O"), "text"))
