"""The notes of bytes that were removed on purpose, since the record can make them again; they hold until those are back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from solvent.metadata.database import Database


class Dropped(NamedTuple):
    """A blob that was removed on purpose, and when, in seconds since the epoch."""

    digest: str
    size_bytes: int
    at: float


def note_dropped(database: Database, blobs: Iterable[Dropped]) -> None:
    """Write which blobs are removed on purpose; a note that is there already stays as it is."""
    sql = "INSERT INTO dropped (digest, size_bytes, dropped_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
    database.execute_many(sql, list(blobs))


def forget_dropped(database: Database, digests: Iterable[str]) -> None:
    """Write that blobs are there again, or were not removed after all."""
    database.execute_many("DELETE FROM dropped WHERE digest = ?", [(digest,) for digest in digests])


def forget_unnamed_dropped(database: Database) -> None:
    """Remove the notes of blobs that no artifact is made of any more."""
    database.execute("DELETE FROM dropped WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = dropped.digest)")


def find_dropped(database: Database, digests: Collection[str]) -> dict[str, Dropped]:
    """Read the notes of these blobs, by digest; those that were not removed on purpose are left out."""
    sql = "SELECT digest, size_bytes, dropped_at FROM dropped WHERE digest"
    return {row[0]: Dropped(*row) for row in database.rows_among(sql, digests)}


def list_dropped(database: Database, last: str = "", limit: int = 1 << 31) -> list[Dropped]:
    """Read the notes in the order of the digests, after that of `last`."""
    sql = "SELECT digest, size_bytes, dropped_at FROM dropped WHERE digest > ? ORDER BY digest LIMIT ?"
    return [Dropped(*row) for row in database.rows(sql, (last, limit))]
