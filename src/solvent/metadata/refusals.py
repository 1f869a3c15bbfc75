"""What PostgreSQL refuses, in the user's words: at the door, and once inside. A password is in none of them."""

from __future__ import annotations

import re
from typing import Any

from solvent.errors import StoreError

LOCK_SECONDS = 60


class ConnectionLost(StoreError):
    """The server can't be reached now or has undone what was asked: the same may well work on a new connection."""


class ServerFull(ConnectionLost):
    """The server has no connection left until somebody ends one."""


_LOST = ("57P01", "57P02", "57P03", "57P05", "25P03", "40001", "40P01")
"""Shut down, crashed, starting up, timed out while idle; and what was undone in favour of another transaction."""

_INSIDE = {
    "42501": (
        "The user of the database may not do that",
        "Grant it: `GRANT CREATE, USAGE ON SCHEMA {schema} TO {user}`, and all rights on its tables.",
    ),
    "3F000": (
        "The schema of the URL is not in the database",
        "Make it: `CREATE SCHEMA {schema} AUTHORIZATION {user}`.",
    ),
    "25006": (
        "The database takes no writes",
        "Name the server that does: this is a replica, or the database is set to read only.",
    ),
    "53100": ("The disk of the server is full: nothing of this was written", "Free some space there and run again."),
    "53200": ("The server is out of memory", "Give the server more memory, or run again later."),
    "55P03": (
        f"Another process has been writing to the metadata store for {LOCK_SECONDS} seconds",
        "See which process holds it (`SELECT * FROM pg_stat_activity`), let it finish or end it, and run again.",
    ),
    "22003": ("A number is too large for the metadata store", "Use one that fits in 64 bits."),
}
_FAMILIES = {
    "23": (
        "The metadata store refused a row that does not fit the others",
        "This is a fault of Solvent: please report it.",
    ),
    "XX": ("The metadata store is damaged", "Look at the server's log; restore the database from a backup."),
    "58": ("The server can't read or write its files", "Look at the server's log and at its disk."),
}

_AT_THE_DOOR = (
    (
        "password authentication failed|no password supplied|authentication failed",
        "The server of the metadata store refused the password of {user}",
        "Check the password in the URL (`env:NAME` keeps it out of files), in PGPASSWORD or in ~/.pgpass; write its special"
        " characters as %40 and the like.",
    ),
    (
        'database ".*" does not exist',
        "There is no database {database} on the server of the metadata store",
        "Check the name at the end of the URL, or make it: `CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0`.",
    ),
    (
        'role ".*" does not exist',
        "There is no user {user} on the server of the metadata store",
        "Check the user in the URL, or make it: `CREATE ROLE {user} LOGIN PASSWORD '...'`.",
    ),
    (
        "no pg_hba.conf entry|SSL|certificate",
        "The server of the metadata store does not let {user} in from here ({detail})",
        "Add ?sslmode=require to the URL if it wants encryption, or ask its owner to let this host in.",
    ),
    (
        "permission denied for database",
        "{user} may not use the database {database}",
        "Grant it: `GRANT CONNECT ON DATABASE {database} TO {user}`.",
    ),
)
_FULL = (
    (
        "too many clients|remaining connection slots|too many connections",
        "The server of the metadata store has no connection left",
        "Each run takes three: raise max_connections, or run fewer at once.",
    ),
)
_NOT_NOW = (
    (
        "starting up|shutting down|recovery mode",
        "The server of the metadata store is not ready yet ({detail})",
        "Try again in a moment.",
    ),
    (
        "could not translate host name|Name or service not known|nodename nor servname|resolve host",
        "The name of the metadata store's server is not known: {host}",
        "Check the host in the URL and the network.",
    ),
    (
        "",
        "The server of the metadata store can't be reached ({detail})",
        "Check that it runs, that host and port in the URL are right, and the network between.",
    ),
)


def refused(error: Exception, facts: dict[str, str], where: str) -> StoreError:
    """Say why a connection could not be made; a ConnectionLost where trying again may help."""
    text = str(error)
    detail = _detail(text)
    for kind, cases in ((StoreError, _AT_THE_DOOR), (ServerFull, _FULL), (ConnectionLost, _NOT_NOW)):
        for pattern, problem, hint in cases:
            if re.search(pattern, text):
                known = facts | {"detail": detail}
                return kind(problem.format(**known) + ".", where=where, hint=hint.format(**known))
    raise AssertionError


def complaint(error: Any, facts: dict[str, str], where: str, *, closed: bool) -> StoreError:
    """Say why a statement failed; a ConnectionLost if the same may work when it is repeated."""
    code = error.sqlstate or ""
    detail = _detail(str(error))
    if closed or code in _LOST:
        return ConnectionLost(
            f"The connection to the metadata store was lost ({detail}).",
            where=where,
            hint="Run again: it goes on from here.",
        )
    found = _INSIDE.get(code) or _FAMILIES.get(code[:2])
    if found is None:
        return StoreError(f"The metadata store failed: {detail}.", where=where)
    problem, hint = found
    return StoreError(f"{problem} ({detail}).", where=where, hint=hint.format(**facts))


_NO_NEWS = ("HINT", "LINE", "^", "CONTEXT", "Is the server", "Multiple connection")


def _detail(text: str) -> str:
    """Give the first line of the server's own words, without where it is, which the error says already."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(_NO_NEWS)]
    said = lines[0].rpartition("failed: ")[2] if lines else "it said nothing"
    return said.removeprefix("FATAL:").removeprefix("ERROR:").strip().rstrip(".")
