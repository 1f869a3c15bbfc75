"""One open connection: statements, transactions, and what the database complains about in the user's words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from solvent.errors import StoreError

BUSY_SECONDS = 30.0


class Database:
    """A connection to one metadata store, for one thread at a time; nothing is written outside `transaction()`."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._process = os.getpid()

    def transaction(self) -> Transaction:
        """Write everything in the block or nothing of it; a block inside a block belongs to the outer one."""
        return Transaction(self)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement; text that UTF-8 can't hold is written with escapes."""
        try:
            return self.connection.execute(sql, parameters)
        except UnicodeEncodeError:
            return self.execute(sql, _escaped(parameters))
        except (sqlite3.Error, OverflowError) as error:
            raise failed(error, self.path) from error

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row; the statement leaves rows that are there already alone."""
        try:
            self.connection.executemany(sql, rows)
        except UnicodeEncodeError:
            self.execute_many(sql, [_escaped(row) for row in rows])
        except (sqlite3.Error, OverflowError) as error:
            raise failed(error, self.path) from error

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Read all rows of a query."""
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except UnicodeEncodeError:
            return self.rows(sql, _escaped(parameters))
        except (sqlite3.Error, OverflowError) as error:
            raise failed(error, self.path) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Read the first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def reading(self) -> Reading:
        """See one moment of the store in the whole block, whatever others write meanwhile."""
        return Reading(self)

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""
        self.connection.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _begin(self, sql: str) -> bool:
        """Start a transaction unless one is open; tell whether it did."""
        if os.getpid() != self._process:
            raise StoreError(
                "A metadata store was used in a forked process, where its connection is not valid.",
                where=self.path,
                hint="Open the store again in the new process.",
            )
        if self.connection.in_transaction:
            return False
        self.execute(sql)
        return True


class Transaction:
    """The block of `Database.transaction()`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outermost = False

    def __enter__(self) -> None:
        self._outermost = self._database._begin("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._outermost:
            return
        if kind is None:
            try:
                self._database.execute("COMMIT")
            except BaseException:
                self._abandon()
                raise
        else:
            self._abandon()

    def _abandon(self) -> None:
        # The database has already rolled back by itself after some failures, such as a full disk.
        if self._database.connection.in_transaction:
            self._database.execute("ROLLBACK")


class Reading:
    """The block of `Database.reading()`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outermost = False

    def __enter__(self) -> None:
        self._outermost = self._database._begin("BEGIN")

    def __exit__(self, *raised: object) -> None:
        if self._outermost and self._database.connection.in_transaction:
            self._database.execute("ROLLBACK")


def failed(error: Exception, path: str) -> StoreError:
    """Say what the database complains about, where the file is, and what to do."""
    from solvent.metadata.complaints import complaint

    return complaint(error, path)


def _escaped(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_escape(value) if isinstance(value, str) else value for value in values)


def _escape(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


_UNUSUAL = "\N{SYMBOL FOR ESCAPE}"


def storable(text: str) -> str:
    """Write any text so that `restored` gives it back exactly, also names of files that are not valid UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _UNUSUAL + text.encode("utf-8", "surrogatepass").hex()
    return _UNUSUAL + text.encode().hex() if text.startswith(_UNUSUAL) else text


def restored(text: str) -> str:
    """Read what `storable` wrote."""
    if text.startswith(_UNUSUAL):
        return bytes.fromhex(text.removeprefix(_UNUSUAL)).decode("utf-8", "surrogatepass")
    return text
