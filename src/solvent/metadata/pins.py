"""Pins: what a clean-up must keep, with all that it reaches.

Whatever gives a name to a run or an artifact (an alias, a version of a model) pins it in the transaction that gives the
name, with a reason of its own; several reasons may pin one thing, and it stays pinned until the last of them is gone.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from solvent.metadata.database import Database

RUN, ARTIFACT = "run", "artifact"


class Pin(NamedTuple):
    """What is pinned (`kind` run or artifact, `subject` a run's id or "digest type"), why, by whom and when."""

    kind: str
    subject: str
    reason: str
    author: str
    at: float


def artifact_subject(digest: str, type: str) -> str:
    """Name an artifact as `pins.subject` does."""
    return f"{digest} {type}"


def add_pin(database: Database, kind: str, subject: str, reason: str, author: str) -> None:
    """Pin a run or artifact for a reason; done again, nothing changes."""
    database.execute(
        "INSERT INTO pins (kind, subject, reason, author, pinned_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (kind, subject, reason, author, time.time()),
    )


def remove_pins(database: Database, kind: str, subject: str, reason: str | None = None) -> int:
    """Take the pin of one reason away, or those of all; tell how many there were."""
    only, given = ("", ()) if reason is None else (" AND reason = ?", (reason,))
    sql = f"DELETE FROM pins WHERE kind = ? AND subject = ?{only}"
    return int(database.execute(sql, (kind, subject, *given)).rowcount)


def list_pins(database: Database, kind: str | None = None, subject: str | None = None) -> list[Pin]:
    """Read the pins, oldest first, of all or of one thing."""
    conditions = [(name, value) for name, value in (("kind", kind), ("subject", subject)) if value is not None]
    where = " WHERE " + " AND ".join(f"{name} = ?" for name, _ in conditions) if conditions else ""
    sql = f"SELECT kind, subject, reason, author, pinned_at FROM pins{where} ORDER BY pinned_at, kind, subject"
    return [Pin(*row) for row in database.rows(sql, [value for _, value in conditions])]
