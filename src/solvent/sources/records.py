"""What the readers of all kinds of sources have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from solvent.sources.catalogue import Entry

Columns = Sequence[str] | None
Where = Any
"""Rows to keep: a list of (column, operator, value), all of which must hold, or an expression of pyarrow."""

UNVERSIONED = "unversioned"


class Data(Protocol):
    """A table that is open for reading, in whole or batch by batch."""

    entry: Entry

    @property
    def schema(self) -> Any:
        """The schema of the whole, as a `pyarrow.Schema`."""
        ...

    def table(self, columns: Columns, where: Where) -> Any:
        """Give all of it as a `pyarrow.Table`."""
        ...

    def batches(self, columns: Columns, where: Where, batch_rows: int) -> Iterator[Any]:
        """Give it as record batches, of which only a few are in memory at once."""
        ...

    @property
    def dataset(self) -> Any:
        """The `pyarrow.dataset.Dataset` behind it, or None."""
        ...

    @property
    def paths(self) -> Sequence[str]:
        """The local files that it is in, or none where it is elsewhere."""
        ...


class Opened(NamedTuple):
    """A source that is open: its data, its version as it was before the first byte, and whether it still has that."""

    data: Data
    version: str
    unchanged: Callable[[], bool]


class Reader(Protocol):
    """What can read one source; making one reads nothing."""

    kind: str
    shown: str
    place: str
    """What tells this place from another one, without secrets; "" where the version is of the content."""

    def version(self) -> str:
        """Ask which version is there now; SourceError if it can't be reached."""
        ...

    def open(self) -> Opened:
        """Open it; SourceError says what is wrong with it."""
        ...
