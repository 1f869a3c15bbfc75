"""The profile of data that comes in batches, in one pass and in bounded memory."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from solvent.profiles.columns import Column
from solvent.profiles.make import gather, is_sensitive
from solvent.profiles.reading import chunks_of, numbered
from solvent.profiles.records import Profile

if TYPE_CHECKING:
    import pyarrow

_HELD_BYTES = 64 << 20
_HELD_ROWS = 1 << 18
_LEAST_ROWS = 1 << 14


class BatchProfiler:
    """The profile of a part of a table, which grows with each batch; parts of one table merge.

    Counts, sums, least and largest are exact. Quantiles, distinct and frequent values are exact up to 262,144 rows (fewer
    with more than 32 columns), and of columns with few different values; beyond that within the errors that they state.
    """

    def __init__(self, schema: pyarrow.Schema) -> None:
        names: list[str] = [str(name) for name in schema.names]
        rows = max(min(_HELD_ROWS, _HELD_BYTES // 8 // max(len(names), 1)), _LEAST_ROWS)
        self._columns = [
            Column(name, schema.field(at).type, exact_rows=rows) for at, name in enumerate(numbered(names))
        ]
        self._rows = 0
        self._began = time.perf_counter()

    def add(self, batch: pyarrow.RecordBatch | pyarrow.Table) -> None:
        """Take the next rows: a batch or table of the same columns."""
        self._rows += batch.num_rows
        for at, column in enumerate(self._columns):
            for piece in chunks_of(batch.column(at)):
                column.add(piece)

    def merge(self, other: BatchProfiler) -> None:
        """Take in the part that another has seen."""
        self._rows += other._rows
        for mine, others in zip(self._columns, other._columns, strict=True):
            mine.merge(others)

    def profile(self, *, digests: Mapping[str, str] | None = None, sensitive: Collection[str] = ()) -> Profile:
        """Give the profile of all rows; nothing may be added afterwards."""
        found = [
            each.profile(digest=(digests or {}).get(each.name), masked=is_sensitive(each.name, sensitive))
            for each in self._columns
        ]
        size_bytes = sum(each.size_bytes for each in self._columns)
        shape = (self._rows, len(found))
        return gather(found, rows=self._rows, shape=shape, size_bytes=size_bytes, began=self._began)


def profile_batches(
    batches: Iterable[pyarrow.RecordBatch], *, digests: Mapping[str, str] | None = None, sensitive: Collection[str] = ()
) -> Profile:
    """Give the profile of record batches of one schema, read once; memory does not grow with the rows."""
    profiler: BatchProfiler | None = None
    for batch in batches:
        profiler = profiler or BatchProfiler(batch.schema)
        profiler.add(batch)
    if profiler is None:
        return Profile(0, ())
    return profiler.profile(digests=digests, sensitive=sensitive)
