"""The profile of data that comes in batches, in one pass and in bounded memory."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from solvent.profiles.columns import Column
from solvent.profiles.make import add_reading, gather, is_sensitive
from solvent.profiles.reading import WIDE, read
from solvent.profiles.records import Profile

HELD_BYTES = 64 << 20
"""So much of a table is kept as it is, before sketches stand for it."""


class BatchProfiler:
    """The profile of a part of a table, which grows with each batch; parts of one table merge.

    Counts, sums, least and largest are exact. Quantiles, distinct and frequent values are exact as long as `held_bytes`
    hold the columns, and of columns with few different values; beyond that within the errors that they state.
    """

    def __init__(self, *, held_bytes: int = HELD_BYTES) -> None:
        self._held_bytes = held_bytes
        self._columns: list[Column] | None = None
        self._rows = 0
        self._left_out = 0
        self._shape: tuple[int, ...] = ()
        self._kind = "table"
        self._began = time.perf_counter()

    def add(self, batch: Any) -> None:
        """Take the next rows: an Arrow batch, or a table or array of any kind that has a profile, of the same columns."""
        table = read(batch)
        readings = list(table.columns)
        if self._columns is None:
            self._left_out = max(len(readings) - WIDE, 0)
            held_bytes = self._held_bytes // max(min(len(readings), WIDE), 1)
            self._columns = [Column(each.name, words=each.words, held_bytes=held_bytes) for each in readings[:WIDE]]
            self._shape, self._kind = table.shape[1:], table.kind
        self._rows += table.rows
        for column, reading in zip(self._columns, readings, strict=False):
            add_reading(column, reading, table.rows)

    def merge(self, other: BatchProfiler) -> None:
        """Take in the part that another has seen."""
        if self._columns is None:
            began = self._began
            self.__dict__.update(other.__dict__, _began=began)
            return
        self._rows += other._rows
        for mine, others in zip(self._columns, other._columns or (), strict=False):
            mine.merge(others)

    def profile(self, *, digests: Mapping[str, str] | None = None, sensitive: Collection[str] = ()) -> Profile:
        """Give the profile of all rows; nothing may be added afterwards."""
        columns = self._columns or []
        return gather(
            [
                each.profile(digest=(digests or {}).get(each.name), masked=is_sensitive(each.name, sensitive))
                for each in columns
            ],
            rows=self._rows,
            shape=(self._rows, *self._shape),
            size_bytes=sum(each.size_bytes for each in columns),
            kind=self._kind,
            left_out=self._left_out,
            began=self._began,
        )


def profile_batches(
    batches: Iterable[Any],
    *,
    digests: Mapping[str, str] | None = None,
    sensitive: Collection[str] = (),
    held_bytes: int = HELD_BYTES,
) -> Profile:
    """Give the profile of a table that comes in batches, read once: record batches, or tables or arrays of any kind.

    Memory does not grow with the rows beyond `held_bytes` and about two megabytes for a column.
    """
    profiler = BatchProfiler(held_bytes=held_bytes)
    for batch in batches:
        profiler.add(batch)
    return profiler.profile(digests=digests, sensitive=sensitive)
