"""Who made an artifact, and which artifacts of others people vouched for."""

from __future__ import annotations

import time

from solvent.metadata.answers import Trusted, Writer
from solvent.metadata.database import Database
from solvent.metadata.makers import HOLDERS

_WRITERS = f"""{HOLDERS}SELECT r.id, r.project, r.origin, r.user_name, r.host, r.started_at
FROM (
    SELECT o.run_id FROM holders h JOIN outputs o ON o.digest = h.digest AND o.type = h.type
    UNION
    SELECT a.run_id FROM holders h JOIN attachments a ON a.digest = h.digest AND a.type = h.type
) AS p
JOIN runs r ON r.id = p.run_id
"""
# What the body of a pipeline made stands in the result alone, which no index covers: asked for only if nobody else has it.
_RETURNERS = (
    "SELECT r.id, r.project, r.origin, r.user_name, r.host, r.started_at FROM runs r WHERE r.result LIKE ? ESCAPE '!'"
)


def find_writers(database: Database, digest: str, type: str) -> list[Writer]:
    """Read every run that made, logged or returned an artifact, alone or inside a collection; newest first."""
    found = database.rows(_WRITERS, (digest, type)) or database.rows(_RETURNERS, (f"%{digest}%",))
    return sorted((Writer(*row) for row in found), key=lambda each: (each.started_at, each.run_id), reverse=True)


def is_trusted(database: Database, digest: str) -> bool:
    """Tell whether somebody vouched for an artifact."""
    return database.row("SELECT 1 FROM trusted WHERE digest = ?", (digest,)) is not None


def list_trusted(database: Database) -> list[Trusted]:
    """Read what people vouched for, newest first."""
    return [
        Trusted(*row)
        for row in database.rows("SELECT digest, author, trusted_at FROM trusted ORDER BY trusted_at DESC, digest")
    ]


def add_trust(database: Database, digest: str, author: str) -> None:
    """Note that somebody vouches for an artifact; the first one to do so stands."""
    database.execute(
        "INSERT INTO trusted (digest, author, trusted_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (digest, author, time.time()),
    )


def remove_trust(database: Database, digest: str) -> bool:
    """Take trust back; tell whether there was any."""
    return bool(database.execute("DELETE FROM trusted WHERE digest = ?", (digest,)).rowcount)
