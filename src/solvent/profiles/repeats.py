"""Which rows repeat an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvent.profiles.checked_columns import Column, Unfit


def repeated(columns: Sequence[Column]) -> Any:
    """Give an array with a truth for each row: whether an earlier row has the same values in all these columns.

    A row in which one of them is missing repeats none. Unfit if a column's values can't be compared.
    """
    import numpy as np
    import pyarrow as pa

    missing, numbers = columns[0].missing(), _numbers(columns[0])
    for column in columns[1:]:
        missing, other = missing | column.missing(), _numbers(column)
        # Both are below the number of rows, so that the product is below 2^63 for tables of up to 3 * 10^9 rows.
        numbers = codes_of(pa.array(numbers * (int(other.max(initial=0)) + 1) + other))[0].astype(np.int64)
    numbers = np.where(missing, -1, numbers)
    # Numbers are given in the order of first sight, so a row that is new is above all before it.
    highest = np.maximum.accumulate(numbers) if len(numbers) else numbers
    new = numbers > np.concatenate([np.full(1, -1, dtype=numbers.dtype), highest[:-1]])
    return ~new & ~missing


def codes_of(values: Any) -> tuple[Any, Any]:
    """Give, for an Arrow column, the number of each row's value among the different values, -1 for null, and those."""
    import numpy as np
    import pyarrow as pa

    encoded = values.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries()
        parts = [chunk.indices for chunk in encoded.chunks]
        texts = encoded.chunk(0).dictionary if parts else pa.array([], type=values.type)
    else:
        parts, texts = [encoded.indices], encoded.dictionary
    codes = [part.fill_null(-1).to_numpy(zero_copy_only=False) for part in parts]
    return (np.concatenate(codes) if codes else np.zeros(0, dtype=np.int32)), texts


def _numbers(column: Column) -> Any:
    """Number the values of a column in the order of first sight, equal ones alike; a missing one has any number."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.pandas:
        import pandas as pd

        try:
            codes = pd.factorize(column.values)[0]
        except TypeError:
            raise Unfit(f"{column.name}: values of type {column.type} can't be compared with each other") from None
        return codes.astype(np.int64) + 1
    values: Any = column.arrow()
    if pa.types.is_floating(values.type):
        values = pc.add(values, 0.0)  # type: ignore[attr-defined]  # -0.0 is 0.0
    try:
        codes, _ = codes_of(values)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise Unfit(f"{column.name}: values of type {column.type} can't be compared with each other") from None
    return codes.astype(np.int64) + 1
