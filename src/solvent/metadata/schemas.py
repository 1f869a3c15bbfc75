"""Accepted schemas of datasets, as JSON text that this floor does not look into; the newest number counts."""

from __future__ import annotations

import time
from typing import NamedTuple

from solvent.metadata.database import Database


class StoredSchema(NamedTuple):
    """One schema of a dataset: its JSON, the `version` that it was accepted from (None: written by hand), who and why."""

    number: int
    record: str
    version: int | None
    reason: str
    author: str
    accepted_at: float


_COLUMNS = "number, record, version, reason, author, accepted_at"


def add_schema(
    database: Database, project: str, dataset: str, record: str, version: int | None, reason: str, author: str
) -> int:
    """Write a schema, which counts from now on, and give its number; in a transaction, since only one writes at a time."""
    sql = "SELECT COALESCE(MAX(number), 0) + 1 FROM schemas WHERE project = ? AND dataset = ?"
    number: int = database.row(sql, (project, dataset))[0]
    database.execute(
        f"INSERT INTO schemas (project, dataset, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (project, dataset, number, record, version, reason, author, time.time()),
    )
    return number


def newest_schema(database: Database, project: str, dataset: str) -> StoredSchema | None:
    """Read the schema of a dataset that counts; None if none was accepted."""
    sql = f"SELECT {_COLUMNS} FROM schemas WHERE project = ? AND dataset = ? ORDER BY number DESC LIMIT 1"
    row = database.row(sql, (project, dataset))
    return StoredSchema(*row) if row else None


def list_schemas(database: Database, project: str, dataset: str) -> list[StoredSchema]:
    """Read all schemas of a dataset, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM schemas WHERE project = ? AND dataset = ? ORDER BY number"
    return [StoredSchema(*row) for row in database.rows(sql, (project, dataset))]
