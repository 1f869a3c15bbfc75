"""A query or table of a database, by an SQLAlchemy URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from solvent.config.masking import learn, masked, without_passwords
from solvent.errors import SourceError
from solvent.fingerprint.files import nearest_file
from solvent.sources.batches import BATCH_ROWS
from solvent.sources.catalogue import Entry
from solvent.sources.places import revealed
from solvent.sources.records import UNVERSIONED, Opened
from solvent.sources.rows import RowData, missing_library
from solvent.sources.schemas import declared_types


class Database:
    """Reads what a query gives; its version is what the `version` query gives, else it has none."""

    kind = "sql"

    def __init__(self, entry: Entry, location: str, root: str) -> None:
        self.entry = entry
        self.shown = self.place = without_passwords(entry.location)
        self._location = location
        self._root = root

    def version(self) -> str:
        if self.entry.version != "query":
            return UNVERSIONED
        rows = next(self._partitions(self.entry.asked, 1))[1]
        if not rows:
            raise self._error(f"its version query gives no row: {self.entry.asked}", "let it give one row")
        return f"query {', '.join(str(each) for each in rows[0])}"

    def open(self) -> Opened:
        version = self.version()
        return Opened(RowData(self.entry, self._batches), version, lambda: self.version() == version)

    def _batches(self) -> Iterator[Any]:
        import pyarrow as pa

        declared = declared_types(self.entry)
        kinds: list[Any] = []
        for names, rows in self._partitions(self._query(), BATCH_ROWS):
            kinds = kinds or [declared.get(name) for name in names]
            arrays = [self._array(name, [row[at] for row in rows], kinds[at]) for at, name in enumerate(names)]
            # What was null in all rows so far may yet be anything.
            kinds = [None if pa.types.is_null(each.type) else each.type for each in arrays]
            yield pa.record_batch(arrays, names=names)

    def _array(self, name: str, values: list[Any], kind: Any) -> Any:
        import pyarrow as pa

        try:
            return pa.array(values, kind)
        except (pa.ArrowException, TypeError, OverflowError) as error:
            raise self._error(
                f"the values of column {name!r} have no common type: {error}",
                f"say its type in the catalogue, such as `columns: {{{name}: double}}`",
            ) from error

    def _query(self) -> str:
        options = self.entry.options
        if ("query" in options) == ("table" in options):
            raise self._error("it has no query, or a query and a table", "write options: {query: SELECT ...}")
        if "query" in options:
            return str(options["query"])
        quoted = self._engine().dialect.identifier_preparer.quote
        return f"SELECT * FROM {'.'.join(quoted(part) for part in str(options['table']).split('.'))}"

    def _partitions(self, query: str, size: int) -> Iterator[tuple[list[str], list[Any]]]:
        """Give the names of columns with some rows at a time; at least once, even if there is no row."""
        engine = self._engine()
        import sqlalchemy
        from sqlalchemy import exc

        try:
            with engine.connect() as connection:
                result = connection.execution_options(stream_results=True).execute(sqlalchemy.text(query))
                names = list(result.keys())
                rows = list(result.fetchmany(size))
                yield names, rows
                while rows := list(result.fetchmany(size)):
                    yield names, rows
        except exc.SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise self._error(
                f"the database refuses: {str(cause).partition(chr(10))[0]}",
                "is the query right, and are the credentials?",
            ) from None
        finally:
            engine.dispose()

    def _engine(self) -> Any:
        try:
            import sqlalchemy
            from sqlalchemy import exc
        except ImportError as error:
            raise missing_library(self.entry, error, "'solvent[sql]'") from None
        try:
            url = self._url(sqlalchemy)
            return sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        except ImportError as error:
            raise missing_library(self.entry, error, "") from None
        except exc.ArgumentError:
            raise self._error("its location is no URL of a database", "write dialect://user@host/name") from None

    def _url(self, sqlalchemy: Any) -> Any:
        url = sqlalchemy.engine.make_url(self._location)
        password = revealed(self.entry.options.get("password"))
        if password:
            url = url.set(password=password)
        if url.password:
            learn(str(url.password))
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            path = os.path.join(self._root, url.database)
            if not os.path.isfile(path):
                raise self._error(f"there is no {path}", nearest_file(path))
            url = url.set(database=path)
        return url

    def _error(self, what: str, hint: str | None) -> SourceError:
        return SourceError(masked(f"source `{self.entry.name}`: {what}"), where=self.entry.where, hint=hint)
