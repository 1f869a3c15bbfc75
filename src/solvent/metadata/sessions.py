"""Connections to a PostgreSQL server: made with checks, made again with patience, and never shared with a fork."""

from __future__ import annotations

import os
import re
import threading
import time
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from weakref import WeakSet

from solvent.errors import StoreError
from solvent.metadata.refusals import LOCK_SECONDS, ConnectionLost, ServerFull, refused

PATIENCE_SECONDS = 60.0
"""How long a lost server is waited for before a run stops."""

OLDEST = 12

_ATTEMPT_SECONDS = 15.0
"""How long one attempt and the pause after it take at most."""

_ACTIVE = 1  # psycopg.pq.TransactionStatus.ACTIVE

# A machine that died is noticed by the server within 20 s, and a server that died by this machine too.
_ALIVE = {"keepalives_idle": 8, "keepalives_interval": 4, "keepalives_count": 3}
_USER_TIMEOUT_MS = 20_000

_SETTINGS = "; ".join(
    [
        *(f"SET tcp_{name} = {value}" for name, value in _ALIVE.items()),
        f"SET tcp_user_timeout = {_USER_TIMEOUT_MS}",
        f"SET lock_timeout = '{LOCK_SECONDS}s'",
        "SET jit = off",
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    ]
)
_FACTS = (
    "SELECT pg_backend_pid(), current_schema(), current_database(),"
    " (SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid())"
)
_END_FORMER = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = %s AND backend_start = %s::timestamptz AND usename = current_user"
)


class Session(NamedTuple):
    """One connection and what the server says of it: `schema` is where tables are made."""

    connection: Any
    process: int
    schema: str
    database: str
    began: str

    @property
    def lost(self) -> bool:
        """Whether it is of no more use: closed, or left in the middle of a statement."""
        return bool(self.connection.closed or self.connection.info.transaction_status == _ACTIVE)

    def close(self) -> None:
        """Give the connection back, unless a parent process uses it."""
        if self.connection in _open:
            self.connection.close()


class Server:
    """The database and schema that a URL names; one object for each URL in a process.

    A URL is one that libpq reads, with `?schema=NAME` besides: a schema of its own for the store.
    """

    def __new__(cls, url: str) -> Server:
        with _making:
            known = _by_url.get(url)
            if known is None:
                known = super().__new__(cls)
                known._set_up(url)
                _by_url[url] = known
        return known

    def _set_up(self, url: str) -> None:
        self._url, self.schema = _without_schema(url)
        self.facts = _facts_of(self._url, self.schema)
        self.where = _shown(self.facts, self.schema)
        self._reached = False
        self._lost_at: float | None = None
        self._failed_at = 0.0

    def connect(self, former: Session | None = None, *, create: bool = False) -> Session:
        """Make a connection; a server that was there before, or is full, is waited for up to a minute.

        The session that it takes the place of is ended, if the server still has it.
        """
        pause = 0.05
        while True:
            try:
                return self.connect_once(former, create=create)
            except ConnectionLost as error:
                if not self._reached and not isinstance(error, ServerFull):
                    raise
                if self._out_of_patience():
                    raise self._given_up(error) from error
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def connect_once(self, former: Session | None = None, *, create: bool = False) -> Session:
        """Make a connection or say at once why there is none."""
        psycopg = _psycopg()
        try:
            connection = psycopg.connect(self._url, autocommit=True, context=_adapters(), **self._options())
        except psycopg.Error as error:
            raise refused(error, self.facts, self.where) from error
        try:
            session = self._prepared(connection, former, create)
        except psycopg.Error as error:
            problem = self.complaint(error, closed=connection.closed)
            connection.close()
            raise problem from error
        except BaseException:
            connection.close()
            raise
        self._reached, self._lost_at = True, None
        _track(connection)
        return session

    def complaint(self, error: Exception, *, closed: bool) -> StoreError:
        """Say what the server complains about."""
        from solvent.metadata.refusals import complaint

        return complaint(error, self.facts, self.where, closed=closed)

    def _options(self) -> dict[str, Any]:
        given = dict(parse_qsl(urlsplit(self._url).query))
        usual = {"connect_timeout": 10, "tcp_user_timeout": _USER_TIMEOUT_MS, "application_name": "solvent", **_ALIVE}
        return {**{name: value for name, value in usual.items() if name not in given}, "client_encoding": "utf8"}

    def _prepared(self, connection: Any, former: Session | None, create: bool) -> Session:
        self._refuse_unfit(connection)
        connection.execute(_SETTINGS)
        if self.schema is not None:
            self._choose_schema(connection, self.schema, create)
        row = connection.execute(_FACTS).fetchone()
        assert row is not None
        process, schema, database, began = row
        if schema is None:
            raise self._no_schema()
        if connection.info.backend_pid != process:
            self._refuse_pooler(connection, process)
        if former is not None:
            connection.execute(_END_FORMER, (former.process, former.began))
        return Session(connection, process, schema, database, began)

    def _no_schema(self) -> StoreError:
        if self.schema is not None:
            problem = f"There is no metadata store yet: the database has no schema {self.schema} that you may use."
            return StoreError(
                problem, where=self.where, hint="Run a pipeline first, which makes it: `solvent run TARGET`."
            )
        return StoreError(
            "The database has no schema for the tables of the metadata store.",
            where=self.where,
            hint="Add ?schema=NAME to the URL, or grant the use of the schema public.",
        )

    def _choose_schema(self, connection: Any, schema: str, create: bool) -> None:
        if create and not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}")
        connection.execute("SELECT set_config('search_path', %s, false)", (_quoted(schema),))

    def _refuse_unfit(self, connection: Any) -> None:
        version = connection.info.server_version // 10_000
        if version < OLDEST:
            raise StoreError(
                f"The server of the metadata store is PostgreSQL {version}; Solvent needs {OLDEST} or newer.",
                where=self.where,
                hint="Upgrade the server, or name another one.",
            )
        encoding = connection.info.parameter_status("server_encoding") or ""
        if encoding != "UTF8":
            raise StoreError(
                f"The database of the metadata store has the encoding {encoding}; it must be UTF8.",
                where=self.where,
                hint="Make one that holds every text: `CREATE DATABASE solvent ENCODING 'UTF8' TEMPLATE template0`.",
            )

    def _refuse_pooler(self, connection: Any, process: int) -> None:
        """Tell whether the connections that a pooler gives are sessions: two that are open at once must be two."""
        psycopg = _psycopg()
        with psycopg.connect(self._url, autocommit=True, **self._options()) as other:
            other.execute("BEGIN")
            others = other.execute("SELECT pg_backend_pid()").fetchone()
            again = connection.execute("SELECT pg_backend_pid()").fetchone()
            other.execute("ROLLBACK")
        if others == (process,) or again != (process,):
            raise StoreError(
                "A connection pooler in transaction mode is between Solvent and its metadata store.",
                where=self.where,
                hint="Locks need a session of their own: name the server itself, or set the pooler's mode to session.",
            )

    def _given_up(self, error: ConnectionLost) -> StoreError:
        safe = "What was reported as done is safe; run again when the server is back."
        return StoreError(
            f"The metadata store could not be reached for {PATIENCE_SECONDS:.0f} seconds. {error.problem}",
            where=self.where,
            hint=error.hint if isinstance(error, ServerFull) else safe,
        )

    def _out_of_patience(self) -> bool:
        now = time.monotonic()
        if self._lost_at is None or now - self._failed_at > PATIENCE_SECONDS + _ATTEMPT_SECONDS:
            self._lost_at = now  # nobody has tried for a while: this is another outage
        self._failed_at = now
        return now - self._lost_at > PATIENCE_SECONDS


def _without_schema(url: str) -> tuple[str, str | None]:
    """Take `schema` out of a URL: libpq does not know it."""
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return url, None
    schema = next((value for name, value in pairs if name == "schema"), None) or None
    if schema is None:
        return url, None
    rest = urlencode([pair for pair in pairs if pair[0] != "schema"], quote_via=quote)
    return urlunsplit(parts._replace(query=rest)), schema


def _facts_of(url: str, schema: str | None) -> dict[str, str]:
    """Read who and where a URL names; no password."""
    psycopg = _psycopg()
    from psycopg.conninfo import conninfo_to_dict

    given: dict[str, Any] = {}
    with suppress(psycopg.Error):
        given = conninfo_to_dict(url)
    # A sign of the password that is not written as %40 moves the borders of the parts: what is shown could be of it.
    moved = "@" in f"{given.get('host')}{given.get('dbname')}" or not re.fullmatch(
        r"[\d,]*", str(given.get("port", ""))
    )
    if not given or moved:
        raise StoreError(
            "setting `metadata`: the URL can't be read (it is not shown)",
            hint="write postgresql://user@host:5432/database, with special characters of the password as %40 and the like",
        )
    user = str(given.get("user") or os.environ.get("PGUSER") or _login())
    return {
        "user": user,
        "host": str(given.get("host") or given.get("hostaddr") or os.environ.get("PGHOST") or "localhost"),
        "port": str(given.get("port") or os.environ.get("PGPORT") or 5432),
        "database": str(given.get("dbname") or os.environ.get("PGDATABASE") or user),
        "schema": schema or "public",
    }


def _shown(facts: dict[str, str], schema: str | None) -> str:
    place = "postgresql://{user}@{host}:{port}/{database}".format(**facts)
    return f"{place}?schema={schema}" if schema else place


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "nobody"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@lru_cache(maxsize=1)
def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise StoreError(
            f"A metadata store on PostgreSQL needs psycopg ({str(error).splitlines()[0]}).",
            hint="pip install 'solvent[postgres]'",
        ) from error
    return psycopg


@lru_cache(maxsize=1)
def _adapters() -> Any:
    """Make what goes in and comes out the same as with SQLite: a bool is 0 or 1, a sum is an int."""
    psycopg = _psycopg()
    from psycopg.adapt import AdaptersMap, Dumper, Loader

    class Number(Dumper):
        oid = psycopg.adapters.types["int4"].oid

        def dump(self, obj: Any) -> bytes:
            return b"1" if obj else b"0"

    class Sum(Loader):
        def load(self, data: Any) -> int | float:
            text = bytes(data).decode()
            return int(text) if re.fullmatch(r"-?\d+", text) else float(text)

    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(bool, Number)
    adapters.register_loader("numeric", Sum)
    return adapters


def _track(connection: Any) -> None:
    """Remember a connection, so that a forked child lets go of it: held open there, the parent's end went unnoticed."""
    global _watching
    with _making:
        _open.add(connection)
        if not _watching and hasattr(os, "register_at_fork"):
            _watching = True
            os.register_at_fork(after_in_child=_let_go)


def _let_go() -> None:
    """In a forked child: put nothing in the place of the parent's sockets, without a word to the server."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for connection in list(_open):
        _parents.append(connection)
        try:
            os.dup2(nothing, connection.fileno(), inheritable=False)
        except Exception:  # it was lost already: nothing to let go of
            continue
    os.close(nothing)
    _open.clear()
    _by_url.clear()


_by_url: dict[str, Server] = {}
_open: WeakSet[Any] = WeakSet()
_parents: list[Any] = []
_watching = False
_making = threading.Lock()
