"""A table that is larger than memory: read batch by batch, as often as one likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536


class Batches:
    """An iterable of `pyarrow.RecordBatch`, each of at most 65,536 rows; `schema` is that of all of them.

    Each `for` reads from the start again. Only a few batches are in memory at once.
    """

    def __init__(self, schema: pa.Schema, read: Callable[[], Iterator[pa.RecordBatch]], name: str = "") -> None:
        self.schema = schema
        self.name = name
        self._read = read

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._read()

    def __repr__(self) -> str:
        return f"<Batches of {self.name or 'a table'}: {', '.join(self.schema.names)}>"

    def to_reader(self) -> Any:
        """Give a `pyarrow.RecordBatchReader`, which polars, DuckDB and the writers of pyarrow take."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self.schema, iter(self))
