"""One open connection: statements, transactions, and what the database complains about in the user's words.

Written here for SQLite; `solvent.metadata.postgres` says the same to PostgreSQL.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar

from solvent.errors import StoreError

BUSY_SECONDS = 30.0

_AT_ONCE = 400

Result = TypeVar("Result")


class Written(Protocol):
    """What one statement did."""

    @property
    def rowcount(self) -> int:
        """How many rows it wrote, changed or removed."""
        ...


class Database:
    """A connection to one metadata store, for one thread at a time; nothing is written outside `transaction()`."""

    elsewhere = "Use another folder for the store by setting SOLVENT_HOME."
    """How to get another store where this one can't be used."""

    connection: Any
    """A connection of `sqlite3`; of psycopg in a store on PostgreSQL."""

    kept_copy: str | None = None
    """Where the store was copied to before this connection brought it to a newer schema, if it did."""

    def __init__(self, path: str, connection: Any) -> None:
        self.path = path
        self.connection = connection
        self._process = os.getpid()
        self._file = _identity(path)

    def transaction(self) -> Transaction:
        """Write everything in the block or nothing of it; a block inside a block belongs to the outer one."""
        return Transaction(self)

    def write(self, work: Callable[[], Result]) -> Result:
        """Do `work` in one transaction. Where a connection can be lost it is done again: what it writes must allow that."""
        with self.transaction():
            return work()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Written:
        """Run one statement; text that UTF-8 can't hold is written with escapes."""
        try:
            written: Written = self.connection.execute(sql, parameters)
            return written
        except UnicodeEncodeError:
            return self.execute(sql, escaped(parameters))
        except (sqlite3.Error, OverflowError) as error:
            raise failed(error, self.path) from error

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row; the statement leaves rows that are there already alone."""
        try:
            self.connection.executemany(sql, rows)
        except UnicodeEncodeError:
            self.execute_many(sql, [escaped(row) for row in rows])
        except (sqlite3.Error, OverflowError) as error:
            raise failed(error, self.path) from error

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Read all rows of a query."""
        try:
            found: list[Any] = self.connection.execute(sql, parameters).fetchall()
            return found
        except UnicodeEncodeError:
            return self.rows(sql, escaped(parameters))
        except (sqlite3.Error, OverflowError) as error:
            raise failed(error, self.path) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Read the first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def rows_among(self, sql: str, values: Collection[Any], then: str = "") -> Iterator[Any]:
        """Read the rows of many values, a few hundred at a time; `sql` ends with the column that must be one of them."""
        given = list(values)
        for start in range(0, len(given), _AT_ONCE):
            part = given[start : start + _AT_ONCE]
            yield from self.rows(f"{sql} IN ({', '.join('?' * len(part))}){then}", part)

    def reading(self) -> Reading:
        """See one moment of the store in the whole block, whatever others write meanwhile."""
        return Reading(self)

    def schema_number(self) -> int | None:
        """Read which schema the store has; None if it has none of Solvent's tables."""
        try:
            return self.row("SELECT MAX(number) FROM migrations")[0] or 0
        except StoreError as error:
            if "no such table" not in error.problem and "no such column" not in error.problem:
                raise
            return None

    def has_tables(self) -> bool:
        """Tell whether there is any table, whoever made it."""
        return bool(self.row("SELECT COUNT(*) FROM sqlite_master")[0])

    def keep_copy(self, number: int) -> str | None:
        """Copy the store before it gets schema `number`, and name the copy; None where a copy is not ours to make."""
        from solvent.metadata.copies import keep_copy

        return keep_copy(self.path, number)

    def check(self) -> list[str]:
        """Look for damage in the whole database; an empty list means that all is well."""
        try:
            return [text for (text,) in self.rows("PRAGMA quick_check") if text != "ok"]
        except StoreError as error:
            return [error.problem]

    def weaknesses(self) -> list[str]:
        """Name the settings of a server under which less is durable than Solvent promises."""
        return []

    def free_bytes(self) -> int:
        """Tell how much of the file is free, and will be used again before it grows."""
        return int(self.row("PRAGMA freelist_count")[0]) * int(self.row("PRAGMA page_size")[0])

    def compact(self) -> None:
        """Give the free part of the file back to the disk; nobody else can write meanwhile."""
        self.execute("VACUUM")
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""
        self.connection.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _begin(self, *, writing: bool) -> bool:
        """Start a transaction unless one is open; tell whether it did."""
        self._refuse_fork()
        if self.connection.in_transaction:
            return False
        self.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
        return True

    def _commit(self) -> None:
        if self._file is not None and _identity(self.path) != self._file:
            # The database would write on, to a file that nobody finds any more under this name.
            from solvent.metadata.complaints import moved

            raise moved(self.path)
        self.execute("COMMIT")

    def _abandon(self) -> None:
        """Undo the open transaction; the database may have done so by itself, after a failure such as a full disk."""
        if self.connection.in_transaction:
            self.execute("ROLLBACK")

    def _refuse_fork(self) -> None:
        if os.getpid() != self._process:
            raise StoreError(
                "A metadata store was used in a forked process, where its connection is not valid.",
                where=self.path,
                hint="Open the store again in the new process.",
            )


class Transaction:
    """The block of `Database.transaction()`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outermost = False

    def __enter__(self) -> None:
        self._outermost = self._database._begin(writing=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._outermost:
            return
        if kind is not None:
            self._database._abandon()
            return
        try:
            self._database._commit()
        except BaseException:
            self._database._abandon()
            raise


class Reading:
    """The block of `Database.reading()`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outermost = False

    def __enter__(self) -> None:
        self._outermost = self._database._begin(writing=False)

    def __exit__(self, *raised: object) -> None:
        if self._outermost:
            self._database._abandon()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def failed(error: Exception, path: str) -> StoreError:
    """Say what the database complains about, where the file is, and what to do."""
    from solvent.metadata.complaints import complaint

    return complaint(error, path)


def escaped(values: Sequence[Any]) -> tuple[Any, ...]:
    """Write texts that a database refuses with escapes: those with lone surrogates or a NUL."""
    return tuple(_escape(value) if isinstance(value, str) else value for value in values)


def _escape(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


_UNUSUAL = "\N{SYMBOL FOR ESCAPE}"


def storable(text: str) -> str:
    """Write any text so that `restored` gives it back exactly, also one that is not valid UTF-8 or holds a NUL."""
    if text.isascii() and "\0" not in text:
        return text
    seen = text.encode("utf-8", "surrogatepass")
    try:
        text.encode()
    except UnicodeEncodeError:
        return _UNUSUAL + seen.hex()
    return _UNUSUAL + seen.hex() if text.startswith(_UNUSUAL) or "\0" in text else text


def restored(text: str) -> str:
    """Read what `storable` wrote."""
    if text.startswith(_UNUSUAL):
        return bytes.fromhex(text.removeprefix(_UNUSUAL)).decode("utf-8", "surrogatepass")
    return text
