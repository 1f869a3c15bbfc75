"""The metadata store in a PostgreSQL database: the same statements, said to a server that may be lost and come back.

One transaction writes at a time, as in SQLite: each takes the store's advisory lock first. So what is read in a
transaction stays true in it, and no two writers wait for each other.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from solvent.errors import StoreError
from solvent.metadata.database import Result, Written, escaped
from solvent.metadata.dialect import to_postgres
from solvent.metadata.lineage import Edge
from solvent.metadata.migrations import migrate
from solvent.metadata.refusals import ConnectionLost
from solvent.metadata.sessions import Server, Session
from solvent.metadata.store import MetadataStore
from solvent.model import StepRunRecord

REPEATS = 5
"""How often the same is asked again on connections that are lost each time."""

# A writer that goes silent with the store in its hand is ended by the server: nobody else could write.
_BEGIN_WRITING = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '30s'; SELECT pg_advisory_xact_lock({key})"
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_OURS = (
    "SELECT COUNT(*) FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(current_schema()) || '.migrations')"
    " AND attname IN ('number', 'applied_at')"
)
_TABLES = (
    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace"
    " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS"
    " (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
)
_INVALID = (
    "SELECT 'index ' || c.relname || ' is not valid' FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND NOT (i.indisvalid AND i.indisready)"
    " UNION ALL SELECT 'constraint ' || n.conname || ' is not validated' FROM pg_constraint n"
    " WHERE n.connamespace = quote_ident(current_schema())::regnamespace AND NOT n.convalidated"
)


class PostgresStore(MetadataStore):
    """A metadata store in a database that a URL names, for one thread at a time.

    What is read, and what is written by `write`, is asked again on a new connection when the old one is lost.
    """

    elsewhere = "Add ?schema=NAME to the URL to give the store a schema of its own."

    def __init__(self, server: Server, session: Session) -> None:
        super().__init__(server.where, session.connection)
        self._server = server
        self._session = session
        self._in_block = False

    @classmethod
    def reach(cls, url: str, *, create: bool = True) -> PostgresStore:
        """Open the store that a URL names, made if need be; a newer one or another program's is refused."""
        server = Server(url)
        store = cls(server, server.connect(create=create))
        try:
            if not create and store.schema_number() is None and not store.has_tables():
                raise StoreError(
                    "There is no metadata store yet.",
                    where=server.where,
                    hint="Run a pipeline first: `solvent run TARGET`.",
                )
            migrate(store)
        except BaseException:
            store.close()
            raise
        return store

    def write(self, work: Callable[[], Result]) -> Result:
        """Do `work` in one transaction; if the connection is lost, do it again on a new one."""
        return self._repeated(lambda: super(PostgresStore, self).write(work))

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Written:
        """Run one statement; text that the database can't hold is written with escapes."""
        ask = lambda session, given: session.connection.execute(to_postgres(sql), given)  # noqa: E731
        written: Written = self._ask(ask, parameters)
        return written

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row; the statement leaves rows that are there already alone."""
        if not rows:
            return

        def ask(session: Session, given: Any) -> None:
            with session.connection.cursor() as cursor:
                cursor.executemany(to_postgres(sql), given)

        self._ask(ask, rows, many=True)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Read all rows of a query."""
        ask = lambda session, given: session.connection.execute(to_postgres(sql), given).fetchall()  # noqa: E731
        found: list[Any] = self._ask(ask, parameters)
        return found

    # Several queries of one moment: asked again as a whole.

    def list_step_runs(self, run_id: str, *, whole: bool = True) -> list[StepRunRecord]:
        return self._repeated(lambda: super(PostgresStore, self).list_step_runs(run_id, whole=whole))

    def step_run(self, run_id: str, position: int) -> StepRunRecord:
        return self._repeated(lambda: super(PostgresStore, self).step_run(run_id, position))

    def walk_up(self, digest: str, type: str, *, every: bool = False) -> list[Edge]:
        return self._repeated(lambda: super(PostgresStore, self).walk_up(digest, type, every=every))

    def walk_down(self, digest: str, type: str) -> list[Edge]:
        return self._repeated(lambda: super(PostgresStore, self).walk_down(digest, type))

    def schema_number(self) -> int | None:
        """Read which schema the store has; None if it has none of Solvent's tables."""
        if self.row(_OURS)[0] < 2:
            return None
        return self.row("SELECT MAX(number) FROM migrations")[0] or 0

    def has_tables(self) -> bool:
        """Tell whether there is any table, whoever made it, but for those of extensions."""
        return bool(self.rows(f"{_TABLES} LIMIT 1"))

    def keep_copy(self, number: int) -> str | None:
        """None: the database has backups of its own, and its owner undoes a change of the schema by them."""
        return None

    def check(self) -> list[str]:
        """Look for damage: every page of every table is read, and no index or constraint may be out of order.

        Pages are compared with their checksums if the server keeps them.
        """
        try:
            found = [text for (text,) in self.rows(_INVALID)]
            with self.reading():
                self.execute("SET LOCAL enable_indexonlyscan = off")
                for (name,) in self.rows(f"{_TABLES} AND c.relkind = 'r'"):
                    self.rows(f"SELECT COUNT(*) FROM {name}")
            return found
        except StoreError as error:
            return [error.problem]

    def weaknesses(self) -> list[str]:
        """Name the settings of the server under which less is durable than Solvent promises."""
        found = self.rows(
            "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name"
        )
        return [
            f"the server runs with {name}=off: a power cut there may take what was reported as done"
            for (name,) in found
        ]

    def free_bytes(self) -> int:
        """Give 0: the server looks after that by itself."""
        return 0

    def compact(self) -> None:
        """Do nothing: the server looks after that by itself."""

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""
        self._session.close()

    def __del__(self) -> None:
        # Results read lazily keep their store open, and nobody closes it.
        with suppress(Exception):
            self.close()

    def _repeated(self, ask: Callable[[], Result]) -> Result:
        if self._in_block:
            return ask()
        for left in reversed(range(REPEATS)):
            try:
                return ask()
            except ConnectionLost:
                if not left:
                    raise
            time.sleep(0.01)
        raise AssertionError

    def _ask(self, ask: Callable[[Session, Any], Any], parameters: Any, *, many: bool = False) -> Any:
        return self._repeated(lambda: self._asked(ask, parameters, many))

    def _asked(self, ask: Callable[[Session, Any], Any], parameters: Any, many: bool) -> Any:
        import psycopg

        session = self._connected()
        try:
            return ask(session, parameters)
        except (UnicodeEncodeError, psycopg.DataError) as error:
            plain = [escaped(row) for row in parameters] if many else escaped(parameters)
            if plain == (list(map(tuple, parameters)) if many else tuple(parameters)):
                raise self._failed(error) from error
            return self._asked(ask, plain, many)
        except psycopg.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StoreError:
        problem = self._server.complaint(error, closed=self._session.lost)
        if isinstance(problem, ConnectionLost) and not self._session.lost and not self._in_block:
            self._session.connection.close()
        return problem

    def _connected(self) -> Session:
        if self._session.lost:
            if self._in_block:
                raise ConnectionLost("The connection to the metadata store was lost in a transaction.", where=self.path)
            self._session = self._server.connect(self._session)
            self.connection = self._session.connection
        return self._session

    def _begin(self, *, writing: bool) -> bool:
        self._refuse_fork()
        if self._in_block:
            return False
        sql = _BEGIN_WRITING.format(key=lock_key(self._session.schema, "writer")) if writing else _BEGIN_READING
        try:
            self._ask(lambda session, _: session.connection.execute(sql), ())
        except BaseException:
            self._abandon()
            raise
        self._in_block = True
        return True

    def _commit(self) -> None:
        ended = self._ask(lambda session, _: session.connection.execute("COMMIT"), ())
        if ended.statusmessage != "COMMIT":
            raise StoreError("Nothing of the transaction was written, since a part of it was refused.", where=self.path)
        self._in_block = False

    def _abandon(self) -> None:
        from psycopg import Error

        self._in_block = False
        session = self._session
        if session.lost:
            session.close()
        elif session.connection.info.transaction_status:
            try:
                session.connection.execute("ROLLBACK")
            except Error:
                session.close()


def lock_key(schema: str, name: str) -> int:
    """Give the number of an advisory lock: 63 bits of a hash, since locks are shared by all schemas of a database."""
    seen = hashlib.sha256(f"{schema}\0{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(seen[:8], "big") >> 1
