"""Tables that do not come from files: as they are handed over, in whole or batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from solvent.errors import SourceError
from solvent.sources.catalogue import Entry
from solvent.sources.records import Columns, Where
from solvent.sources.schemas import check_declared
from solvent.sources.tables import check_columns, expression, selected


class RowData:
    """A table that is made anew, as Arrow batches of one schema, each time that it is read.

    A column of nulls alone in one batch may have a type in another.
    """

    dataset: Any = None
    paths: Sequence[str] = ()

    def __init__(self, entry: Entry, read: Callable[[], Iterator[Any]]) -> None:
        self.entry = entry
        self._read = read
        self._schema: Any = None

    @property
    def schema(self) -> Any:
        if self._schema is None:
            self._schema = next(iter(self._read())).schema
            check_declared(self.entry, self._schema)
        return self._schema

    def table(self, columns: Columns, where: Where) -> Any:
        import pyarrow as pa

        found = pa.concat_tables([pa.Table.from_batches([each]) for each in self._read()], promote_options="default")
        check_declared(self.entry, found.schema)
        check_columns(self.entry, columns, found.schema)
        return selected(found, columns, where)

    def batches(self, columns: Columns, where: Where, batch_rows: int) -> Iterator[Any]:
        import pyarrow as pa

        check_columns(self.entry, columns, self.schema)
        for batch in self._read():
            table = self._fitted(pa.Table.from_batches([batch]))
            if where is not None:
                table = table.filter(expression(where))
            if columns is not None:
                table = table.select(list(columns))
            yield from table.to_batches(batch_rows)

    def _fitted(self, table: Any) -> Any:
        """Give a batch the schema of the first one; SourceError names the column that does not fit it."""
        import pyarrow as pa

        for name in table.column_names if table.schema != self.schema else ():
            mine, theirs = self.schema.field(name).type, table.schema.field(name).type
            if pa.types.is_null(mine) and not pa.types.is_null(theirs):
                raise SourceError(
                    f"source `{self.entry.name}`: column {name!r} is null in the first rows and {theirs} in later ones",
                    where=self.entry.where,
                    hint=f"say its type in the catalogue: `columns: {{{name}: {theirs}}}`",
                )
        return table if table.schema == self.schema else table.cast(self.schema)


def missing_library(entry: Entry, error: ImportError, extra: str) -> SourceError:
    """Say which library a source needs."""
    name = error.name or str(error)
    return SourceError(
        f"source `{entry.name}` needs {name}, which is not installed",
        where=entry.where,
        hint=f"pip install {extra or name}",
    )
