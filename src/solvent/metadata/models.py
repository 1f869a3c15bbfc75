"""Model versions of endpoints, the aliases that point at them, and every move of an alias."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from solvent.metadata.database import Database


class ModelRow(NamedTuple):
    """A verified bundle under its endpoint's name: `bundle` is the digest of its manifest, (digest, type) its artifact."""

    project: str
    endpoint: str
    number: int
    bundle: str
    digest: str
    type: str
    verification_digest: str
    verification_type: str
    run_id: str
    target: str
    settings: str
    author: str
    made_at: float

    @property
    def artifacts(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """What it needs of the store: its bundle, and what was found when it was verified."""
        return (self.digest, self.type), (self.verification_digest, self.verification_type)


class AliasMove(NamedTuple):
    """One move of an alias; `before` is None for its first, `kind` is deploy, promote or rollback."""

    ordinal: int
    alias: str
    before: int | None
    number: int
    kind: str
    why: str
    author: str
    moved_at: float


_VERSION = ", ".join(ModelRow._fields)
_OF = "project = ? AND endpoint = ?"
_MOVE = "ordinal, alias, from_number, to_number, kind, why, author, moved_at"


def add_version(database: Database, row: ModelRow) -> int:
    """Add a version and give its number; `number` 0 asks for the next one.

    A bundle that is a version of its endpoint already keeps its number, and gets the newer verification.
    """
    known = find_by_bundle(database, row.project, row.endpoint, row.bundle)
    if known is not None:
        database.execute(
            "UPDATE model_versions SET digest = ?, type = ?, verification_digest = ?, verification_type = ?, settings = ?"
            f" WHERE {_OF} AND number = ?",
            (*row[4:8], row.settings, row.project, row.endpoint, known.number),
        )
        return known.number
    number = row.number
    if not number:
        sql = f"SELECT COALESCE(MAX(number), 0) + 1 FROM model_versions WHERE {_OF}"
        number = int(database.row(sql, (row.project, row.endpoint))[0])
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO model_versions ({_VERSION}) VALUES ({marks})", row._replace(number=number))
    return number


def list_versions(database: Database, project: str, endpoint: str) -> list[ModelRow]:
    """Read the versions of an endpoint, oldest first."""
    sql = f"SELECT {_VERSION} FROM model_versions WHERE {_OF} ORDER BY number"
    return [ModelRow(*row) for row in database.rows(sql, (project, endpoint))]


def versions_of_run(database: Database, run_id: str) -> list[ModelRow]:
    """Read the versions that were cut out of a run."""
    sql = f"SELECT {_VERSION} FROM model_versions WHERE run_id = ? ORDER BY endpoint, number"
    return [ModelRow(*row) for row in database.rows(sql, (run_id,))]


def find_by_bundle(database: Database, project: str, endpoint: str, bundle: str) -> ModelRow | None:
    """Find the version of an endpoint with this very bundle."""
    row = database.row(f"SELECT {_VERSION} FROM model_versions WHERE {_OF} AND bundle = ?", (project, endpoint, bundle))
    return ModelRow(*row) if row else None


def owners_of_endpoint(database: Database, endpoint: str) -> list[str]:
    """Name the projects that have a version of an endpoint of this name."""
    sql = "SELECT DISTINCT project FROM model_versions WHERE endpoint = ? ORDER BY project"
    return [name for (name,) in database.rows(sql, (endpoint,))]


def versions_with(database: Database, digest: str) -> list[ModelRow]:
    """Read the versions whose bundle, or whose verification, is an artifact of this digest."""
    sql = f"SELECT {_VERSION} FROM model_versions WHERE digest = ? OR verification_digest = ? ORDER BY endpoint, number"
    return [ModelRow(*row) for row in database.rows(sql, (digest, digest))]


def is_stored(database: Database, bundle: str) -> bool:
    """Whether some version has this bundle and a clean-up has left it."""
    sql = (
        "SELECT 1 FROM model_versions v JOIN artifacts a ON a.digest = v.digest AND a.type = v.type WHERE v.bundle = ?"
    )
    return database.row(sql, (bundle,)) is not None


def model_subject(row: ModelRow) -> str:
    """Name a version as notes and tags do; it is the same in every store."""
    return f"{row.project}/{row.endpoint}@{row.bundle}"


def models_of_runs(database: Database, run_ids: Sequence[str]) -> list[ModelRow]:
    """Read the versions that were cut out of these runs, in the order in which they were made."""
    found = [
        ModelRow(*row) for row in database.rows_among(f"SELECT {_VERSION} FROM model_versions WHERE run_id", run_ids)
    ]
    return sorted(found, key=lambda row: (row.made_at, row.project, row.endpoint, row.number))


def add_copies(database: Database, rows: Sequence[ModelRow]) -> None:
    """Write versions that came from another store and are not there yet; each gets the next number here."""
    for row in rows:
        if find_by_bundle(database, row.project, row.endpoint, row.bundle) is None:
            add_version(database, row._replace(number=0))


def endpoint_names(database: Database, project: str) -> list[str]:
    """Name the endpoints of a project that have a version."""
    sql = "SELECT DISTINCT endpoint FROM model_versions WHERE project = ? ORDER BY endpoint"
    return [name for (name,) in database.rows(sql, (project,))]


def list_aliases(database: Database, project: str, endpoint: str) -> dict[str, int]:
    """Read where the aliases of an endpoint point."""
    sql = f"SELECT alias, number FROM aliases WHERE {_OF} ORDER BY alias"
    return {alias: int(number) for alias, number in database.rows(sql, (project, endpoint))}


def move_alias(database: Database, project: str, endpoint: str, alias: str, move: AliasMove) -> bool:
    """Point an alias at `move.number`, if it still points at `move.before`; tell whether it did. In a transaction.

    The ordinal of the move is given here.
    """
    now = list_aliases(database, project, endpoint).get(alias)
    if now != move.before:
        return False
    database.execute(
        "INSERT INTO aliases (project, endpoint, alias, number) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (project, endpoint, alias) DO UPDATE SET number = excluded.number",
        (project, endpoint, alias, move.number),
    )
    ordinal = database.row(f"SELECT COALESCE(MAX(ordinal), 0) + 1 FROM alias_moves WHERE {_OF}", (project, endpoint))[0]
    database.execute(
        f"INSERT INTO alias_moves (project, endpoint, {_MOVE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (project, endpoint, ordinal, alias, *move[2:7], move.moved_at or time.time()),
    )
    return True


def list_moves(database: Database, project: str, endpoint: str, alias: str | None = None) -> list[AliasMove]:
    """Read the moves of an endpoint's aliases, or of one, oldest first."""
    only, given = ("", ()) if alias is None else (" AND alias = ?", (alias,))
    sql = f"SELECT {_MOVE} FROM alias_moves WHERE {_OF}{only} ORDER BY ordinal"
    return [AliasMove(*row) for row in database.rows(sql, (project, endpoint, *given))]
