"""The metadata store of one project, opened."""

from __future__ import annotations

import os
import sqlite3
import sys
import time

from solvent.config.private import make_file, make_folder
from solvent.errors import StoreError
from solvent.metadata.database import BUSY_SECONDS, failed
from solvent.metadata.lineage import Lineage
from solvent.metadata.migrations import check_readable, migrate
from solvent.metadata.queries import Queries
from solvent.metadata.writes import Writes


class MetadataStore(Writes, Queries, Lineage):
    """Everything recorded about runs, step runs, artifacts, code and environments, for one thread at a time."""

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, create: bool = True) -> MetadataStore:
        """Open the store at `path`, made if need be; a newer or damaged one is refused.

        One that this process may not write is refused too, unless with `create=False`: then it can be read.
        """
        where = os.path.abspath(os.fspath(path))
        if not create and os.path.isfile(where) and not _is_writable(where):
            return cls._open_to_read(where)
        _prepare(where, create)
        store = cls(where, _connect(where))
        try:
            migrate(store)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def _open_to_read(cls, path: str) -> MetadataStore:
        """Open a store on a disk or in a folder where nothing can be written."""
        store = cls(path, _connect_to_read(path))
        try:
            check_readable(store)
        except BaseException:
            store.close()
            raise
        return store


def _is_writable(path: str) -> bool:
    return os.access(path, os.R_OK | os.W_OK) and os.access(os.path.dirname(path), os.W_OK)


def _prepare(path: str, create: bool) -> None:
    """Refuse early, in words, what the database would refuse late."""
    if not os.path.exists(path):
        if not create:
            raise StoreError(
                "There is no metadata store yet.", where=path, hint="Run a pipeline first: `solvent run TARGET`."
            )
        _prepare_folder(os.path.dirname(path))
        return make_file(path)
    if os.path.isdir(path):
        raise StoreError("The metadata store must be a file, and this is a folder.", where=path)
    if not _is_writable(path):
        raise StoreError(
            "The metadata store is read-only.",
            where=path,
            hint="Make the file and its folder writable, or use another store by setting SOLVENT_HOME.",
        )


def _prepare_folder(folder: str) -> None:
    try:
        make_folder(folder)
        writable = os.access(folder, os.W_OK)
        reason = "it is read-only"
    except OSError as error:
        writable = False
        reason = (error.strerror or str(error)).lower()
    if not writable:
        raise StoreError(
            f"A metadata store can't be made in this folder: {reason}.",
            where=folder,
            hint="Make the folder writable, or use another one by setting SOLVENT_HOME.",
        )


def _connect(path: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
        )
    except sqlite3.Error as error:
        raise failed(error, path) from error
    try:
        _log_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-8000")
        if sys.platform == "darwin":
            # There fsync alone leaves the bytes in the drive's cache.
            connection.execute("PRAGMA fullfsync=ON")
    except sqlite3.Error as error:
        connection.close()
        raise failed(error, path) from error
    return connection


def _connect_to_read(path: str) -> sqlite3.Connection:
    """Open a store without writing: rows that are in its log alone count too, or this raises."""
    from pathlib import Path

    log = f"{path}-wal"
    has_log = os.path.exists(log) and os.path.getsize(log) > 0
    mode = "mode=ro" if has_log else "immutable=1"
    connection = None
    try:
        connection = sqlite3.connect(
            f"{Path(path).as_uri()}?{mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        connection.execute("PRAGMA query_only=ON")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        if has_log and (error.sqlite_errorname or "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            raise StoreError(
                "The metadata store is read-only, and its newest rows are still in its log, which can't be read so.",
                where=log,
                hint="Make the folder writable, or copy all of it, the log included, and set SOLVENT_HOME to the copy.",
            ) from error
        raise failed(error, path) from error
    return connection


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging: readers never wait for the writer.

    The switch of a new file needs it alone and does not wait for others as every later statement does.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = (error.sqlite_errorname or "").startswith("SQLITE_BUSY")
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(0.005)
