"""The parts of a split, column by column, over all their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvent.profiles.rowhash import hash_rows, hash_values, mix_one
from solvent.profiles.rowset import Name, Rows

PARTS = ("train", "validation", "test")
TRAIN = 0


class Sides:
    """The rows of a split: one table with the part of each row, or several tables one after the other.

    Of tables with different columns, those of the first that all have are looked at.
    """

    def __init__(self, tables: Sequence[Rows], codes: Any) -> None:
        self._tables = tables
        self.codes = codes
        self.names = [name for name in tables[0].names if all(name in each.names for each in tables)]
        self.present = [code for code in range(len(PARTS)) if (codes == code).any()]
        self.others = [code for code in self.present if code != TRAIN]

    def __len__(self) -> int:
        return len(self.codes)

    def name(self, code: int) -> str:
        return PARTS[code]

    def inside(self, code: int) -> Any:
        """Tell for each row whether it is in a part."""
        return self.codes == code

    def column(self, name: Name) -> Any:
        """Give a column of all rows: an Arrow array, or a list where the tables hold it in ways that do not go together."""
        import pyarrow as pa

        columns = [each.column(name) for each in self._tables]
        if len(columns) == 1:
            return columns[0]
        kinds = {None if isinstance(each, list) else each.type for each in columns}
        if len(kinds) == 1 and None not in kinds:
            chunks = [each.chunks if isinstance(each, pa.ChunkedArray) else [each] for each in columns]
            return pa.chunked_array([chunk for found in chunks for chunk in found])
        return [value for each in columns for value in (each if isinstance(each, list) else each.to_pylist())]

    def hashes(self, name: Name) -> Any:
        """Give the hash of each value of a column; equal values of different types are equal."""
        import numpy as np

        return np.concatenate([hash_values(each.column(name)) for each in self._tables])

    def joined(self, names: Sequence[Name]) -> Any:
        """Give the hash of several columns of each row."""
        import numpy as np

        return np.concatenate([hash_rows([each.column(name) for name in names]) for each in self._tables])

    def filled(self, names: Sequence[Name]) -> Any:
        """Tell for each row whether any of these columns has a value."""
        import numpy as np

        return np.logical_or.reduce([self.hashes(name) != mix_one(0) for name in names])

    def numbers(self, name: Name) -> Any:
        """Give a column of numbers, Booleans or times as floats, NaN where there is none; None for other columns."""
        import numpy as np
        import pyarrow as pa

        made = []
        for table in self._tables:
            column = table.column(name)
            if isinstance(column, list) or not _is_number(column.type):
                return None
            if pa.types.is_temporal(column.type):
                column = column.cast(pa.int64() if _bits(column.type) == 64 else pa.int32())
            made.append(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
        return np.concatenate(made)

    def moments(self, name: Name) -> tuple[Any, Any]:
        """Give a column of times, numbers or texts as an array that sorts, and where there is a value."""
        import numpy as np
        import pyarrow as pa

        numbers = self.numbers(name)
        if numbers is not None:
            return numbers, ~np.isnan(numbers)
        column = self.column(name)
        values = column if isinstance(column, list) else column.cast(pa.string()).to_pylist()
        texts = np.array(["" if each is None else str(each) for each in values])
        return np.unique(texts, return_inverse=True)[1], texts != ""

    def value(self, name: Name, row: int) -> Any:
        """Give one value to show it."""
        column = self.column(name)
        found = column[row]
        return found if isinstance(column, list) else found.as_py()

    def is_category(self, name: Name) -> bool:
        """Tell whether a column has words of a small vocabulary, by a look at its first rows."""
        import pyarrow as pa

        column = self._tables[0].column(name)
        if isinstance(column, list) or not (pa.types.is_dictionary(column.type) or _is_text(column.type)):
            return False
        looked = column.slice(0, 5000)
        return len(looked.unique()) * 5 <= len(looked)

    def unique(self, hashes: Any) -> Any:
        import pyarrow as pa

        return pa.array(hashes).unique()

    def among(self, hashes: Any, values: Any) -> Any:
        """Tell of each hash whether it is one of some values."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = values if isinstance(values, pa.Array) else pa.array(values)
        found: Any = pc.is_in(pa.array(hashes), value_set=wanted)  # pyright: ignore[reportAttributeAccessIssue]
        return found.to_numpy(zero_copy_only=False)

    def counted(self, hashes: Any) -> tuple[Any, Any]:
        """Give the distinct hashes and how often each is there."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found: Any = pc.value_counts(pa.array(hashes))  # pyright: ignore[reportAttributeAccessIssue]
        return found.field("values"), found.field("counts").to_numpy()


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    plain = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)
    return bool(plain or (types.is_temporal(kind) and not types.is_interval(kind)))


def _bits(kind: Any) -> int:
    return int(kind.bit_width)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
