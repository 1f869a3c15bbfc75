"""Named locks in a PostgreSQL database: advisory locks of a session, which die with it.

The session is a connection of their own. It ends with the process that has it, however that ends; if the whole machine
ends, the server notices within 20 seconds that nobody answers. No clock is asked: a process that was stopped, or whose
clock jumped, still has its session and its locks.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from contextlib import suppress
from typing import Any

from solvent.errors import StoreError
from solvent.metadata.postgres import lock_key
from solvent.metadata.refusals import ConnectionLost
from solvent.metadata.sessions import Server, Session

GLANCE_SECONDS = 0.5
"""How often the lease thread looks whether the server has closed the connection."""

GLANCES_A_PING = 10

RETURN_SECONDS = 3.0
"""How long the holders of a server that has restarted may take to come back, each by its next glances."""

_HELD = (
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = %s::bigint::oid AND objid = %s::bigint::oid),"
    " clock_timestamp() - pg_postmaster_start_time() < interval '1 min', pg_postmaster_start_time()::text"
)
_TAKE_AGAIN = "SELECT array_agg(key) FROM unnest(%s::bigint[]) AS key WHERE NOT pg_try_advisory_lock(key)"


class AdvisoryLocks:
    """The locks of the store that a URL names: one object for each URL in a process."""

    def __new__(cls, url: str) -> AdvisoryLocks:
        with _making:
            known = _by_url.get(url)
            if known is None:
                known = _by_url[url] = super().__new__(cls)
                known._set_up(url)
                atexit.register(known.close)
        return known

    def _set_up(self, url: str) -> None:
        self._url = url
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._server = Server(self._url)
        self._process = os.getpid()
        self._session: Session | None = None
        self._held: dict[str, int] = {}
        self._missing: list[int] = []
        self._guard = threading.RLock()
        self._lease: threading.Thread | None = None
        self._idle = threading.Event()

    def try_lock(self, name: str) -> bool:
        """Take a lock if nobody has it, other threads and runs of this process included; never wait."""
        self._mind_forks()
        with self._guard:
            if name in self._held:
                return False
            key = self._key(name)
            (taken,) = self._ask("SELECT pg_try_advisory_lock(%s)", (key,))
            if taken:
                self._held[name] = key
                self._keep()
            return bool(taken)

    def unlock(self, name: str) -> None:
        """Give back a lock that this process has; one that it does not have is left alone.

        A lock of a connection that is lost is free already.
        """
        self._mind_forks()
        with self._guard:
            key = self._held.pop(name, None)
            if key is None:
                return
            if self._session is not None and not self._session.lost:
                with suppress(StoreError):
                    self._say(self._session, "SELECT pg_advisory_unlock(%s)", (key,))
            lease = self._lease
            if self._held or lease is None:
                return
            self._idle.set()
        # The process is to have no thread of ours while nothing is held: another may fork it.
        if lease is not threading.current_thread():
            lease.join(1)

    def holder_alive(self, name: str) -> bool:
        """Tell whether a living process has this lock, this one included.

        Of a server that was restarted a moment ago the answer may take a few seconds, once: its holders come back.
        """
        self._mind_forks()
        while True:
            with self._guard:
                if name in self._held:
                    return True
                key = self._key(name)
                held, young, began = self._ask(_HELD, (key >> 32, key & 0xFFFFFFFF))
            if held or not young or _had_time(began):
                return bool(held)
            time.sleep(0.1)

    def close(self) -> None:
        """Give back all locks and the connection; they are made again when they are asked for."""
        if self._process != os.getpid():
            return
        with self._guard:
            self._held.clear()
            self._idle.set()
            if self._session is not None:
                self._session.close()
                self._session = None

    def _key(self, name: str) -> int:
        return lock_key(self._connected().schema, name)

    def _ask(self, sql: str, parameters: Any) -> Any:
        try:
            return self._say(self._connected(), sql, parameters)
        except ConnectionLost:
            return self._say(self._connected(), sql, parameters)

    def _say(self, session: Session, sql: str, parameters: Any) -> Any:
        from psycopg import Error

        try:
            return session.connection.execute(sql, parameters).fetchone()
        except Error as error:
            problem = self._server.complaint(error, closed=session.lost)
            if isinstance(problem, ConnectionLost):
                session.close()
            raise problem from error

    def _connected(self) -> Session:
        session = self._session
        if session is None or session.lost:
            session = self._session = self._server.connect(session)
            self._take_again(session, list(self._held.values()))
        return session

    def _take_again(self, session: Session, keys: list[int]) -> None:
        """Take on a new connection what was held on the former one.

        What the former one still holds on the server, or another process took meanwhile, is tried again at the next look.
        """
        self._missing = keys
        if keys:
            (missing,) = self._say(session, _TAKE_AGAIN, (keys,))
            self._missing = missing or []

    def _keep(self) -> None:
        """See to it that a thread watches the connection as long as something is held."""
        if self._lease is None or not self._lease.is_alive() or self._idle.is_set():
            self._idle = threading.Event()
            self._lease = threading.Thread(target=self._watch, args=(self._idle,), name="solvent-lease", daemon=True)
            self._lease.start()

    def _watch(self, idle: threading.Event) -> None:
        glances = 0
        while not idle.wait(GLANCE_SECONDS):
            glances += 1
            if self._guard.acquire(timeout=GLANCE_SECONDS):
                try:
                    if not idle.is_set():
                        self._look(ping=glances % GLANCES_A_PING == 0)
                finally:
                    self._guard.release()

    def _look(self, *, ping: bool) -> None:
        """Ask whether the connection is there, and make it again if it is not: one attempt, the next look is the next."""
        session = self._session
        with suppress(StoreError):
            if session is None or session.lost:
                session = self._session = self._server.connect_once(session)
                self._take_again(session, list(self._held.values()))
            elif _has_news(session) or ping:
                self._say(session, "SELECT 1", ())
            if self._missing:
                self._take_again(session, [key for key in self._missing if key in self._held.values()])

    def _mind_forks(self) -> None:
        """In a forked child the parent's locks and connection are not those of the child."""
        if self._process != os.getpid():
            self._begin_anew()


def _has_news(session: Session) -> bool:
    """Whether the server has said something unasked: that it closes the connection."""
    import select

    try:
        return bool(select.select([session.connection.fileno()], [], [], 0)[0])
    except (OSError, ValueError):
        return True


def _had_time(began: str) -> bool:
    """Whether this process has waited long enough for those who held locks before the server began."""
    now = time.monotonic()
    return now - _first_asked.setdefault(began, now) > RETURN_SECONDS


_first_asked: dict[str, float] = {}
_by_url: dict[str, AdvisoryLocks] = {}
_making = threading.Lock()
