"""How a target is spread over some rows: the shares of its classes, or the mean and so on of its numbers."""

from __future__ import annotations

from typing import Any

CLASSES = 20
"""A target with more different values than this that are all numbers is a quantity; of others the most frequent count."""


def spread(column: Any, chosen: Any) -> dict[str, float]:
    """Give value to share, most frequent first and all others as "(other)"; or mean, std, median of a quantity."""
    import pyarrow as pa

    if not isinstance(column, list) and pa.types.is_nested(column.type):
        column = column.to_pylist()
    if isinstance(column, list):
        column = pa.array([None if each is None else str(each) for each in column])
    values = column.filter(pa.array(chosen))
    if is_quantity(column):
        return _moments(values)
    return _shares(values)


def is_quantity(column: Any) -> bool:
    """Tell whether a target is a number with many values: regression, not classes."""
    import pyarrow as pa

    if isinstance(column, list) or not (pa.types.is_floating(column.type) or _is_whole(column.type)):
        return False
    return len(column.slice(0, 100_000).unique()) > CLASSES


def _is_whole(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _moments(values: Any) -> dict[str, float]:
    import numpy as np
    import pyarrow as pa

    numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return {}
    return {"mean": float(numbers.mean()), "std": float(numbers.std()), "median": float(np.median(numbers))}


def _shares(values: Any) -> dict[str, float]:
    import pyarrow.compute as pc

    if not len(values):
        return {}
    counted: Any = pc.value_counts(values)  # pyright: ignore[reportAttributeAccessIssue]
    pairs = sorted(((each["counts"].as_py(), str(each["values"].as_py())) for each in counted), key=lambda one: -one[0])
    found = {name: count / len(values) for count, name in pairs[:CLASSES]}
    rest = sum(count for count, _ in pairs[CLASSES:])
    return found | ({"(other)": rest / len(values)} if rest else {})
