"""Named datasets: their versions in the order of first sight, and every use of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from solvent.metadata.database import Database


class DatasetVersion(NamedTuple):
    """One content of a dataset: `number` is for people, `digest` for machines.

    `removed_at` is when a person gave up its bytes; the number stays what it was.
    """

    project: str
    dataset: str
    number: int
    digest: str
    made_at: float
    removed_at: float | None = None


class DatasetUse(NamedTuple):
    """One time that a step run gave or reused a version, as the output `field` of that type."""

    number: int
    run_id: str
    position: int
    field: str
    type: str
    used_at: float


_VERSION = "project, dataset, number, digest, made_at, removed_at"
_USE = "number, run_id, position, field, type, used_at"
_USE_OF_U = ", ".join(f"u.{column}" for column in _USE.split(", "))
_NAMED = "project = ? AND dataset = ?"
# Of the run that used it last, the last call: a run that gives several versions leaves the same one current on any engine.
_CURRENT = f"""
SELECT {_USE_OF_U} FROM dataset_uses u
JOIN dataset_versions v ON v.project = u.project AND v.dataset = u.dataset AND v.number = u.number
WHERE u.project = ? AND u.dataset = ? AND v.removed_at IS NULL AND u.run_id = (
    SELECT n.run_id FROM dataset_uses n
    JOIN dataset_versions w ON w.project = n.project AND w.dataset = n.dataset AND w.number = n.number
    WHERE n.project = ? AND n.dataset = ? AND w.removed_at IS NULL ORDER BY n.used_at DESC LIMIT 1)
ORDER BY u.position DESC, u.field DESC LIMIT 1
"""
_PAST = f"""
SELECT {_USE_OF_U} FROM dataset_uses u
JOIN dataset_versions v ON v.project = u.project AND v.dataset = u.dataset AND v.number = u.number
WHERE u.project = ? AND u.dataset = ? AND v.removed_at IS NULL ORDER BY u.used_at DESC
"""
_TICK_SECONDS = 1e-6
"""By how much a use comes after the one before it where the clock has not moved on, or was set back."""


def use_version(
    database: Database, project: str, dataset: str, digest: str, type: str, place: tuple[str, int, str]
) -> int:
    """Note that an output is a version of a dataset, which is the current one from now on; give its number.

    `place` is (run id, position, field). Equal content is the version that it was before, also if that was removed.
    """
    number = _number_of(database, project, dataset, digest)
    newest = database.row(
        f"SELECT used_at FROM dataset_uses WHERE {_NAMED} ORDER BY used_at DESC LIMIT 1", (project, dataset)
    )
    used_at = max(time.time(), newest[0] + _TICK_SECONDS if newest else 0.0)
    database.execute(
        f"INSERT INTO dataset_uses (project, dataset, {_USE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (project, dataset, run_id, position, field)"
        " DO UPDATE SET number = excluded.number, type = excluded.type, used_at = excluded.used_at",
        (project, dataset, number, *place, type, used_at),
    )
    return number


def _number_of(database: Database, project: str, dataset: str, digest: str) -> int:
    """Give the number of a content, a new one if need be; in a transaction, since only one of those writes at a time."""
    row = database.row(
        f"SELECT number, removed_at FROM dataset_versions WHERE {_NAMED} AND digest = ?", (project, dataset, digest)
    )
    if row is None:
        sql = f"SELECT COALESCE(MAX(number), 0) + 1 FROM dataset_versions WHERE {_NAMED}"
        number: int = database.row(sql, (project, dataset))[0]
        database.execute(
            "INSERT INTO dataset_versions (project, dataset, number, digest, made_at) VALUES (?, ?, ?, ?, ?)",
            (project, dataset, number, digest, time.time()),
        )
        return number
    number, removed_at = row
    if removed_at is not None:
        sql = f"UPDATE dataset_versions SET removed_at = NULL WHERE {_NAMED} AND number = ?"
        database.execute(sql, (project, dataset, number))
    return number


def remove_version(database: Database, project: str, dataset: str, number: int) -> bool:
    """Give up the bytes of a version, for the next clean-up to take; tell whether it had not been removed before."""
    sql = f"UPDATE dataset_versions SET removed_at = ? WHERE {_NAMED} AND number = ? AND removed_at IS NULL"
    return bool(database.execute(sql, (time.time(), project, dataset, number)).rowcount)


def dataset_names(database: Database) -> list[tuple[str, str]]:
    """Name the datasets of all projects: pairs of project and dataset, in the order of the alphabet."""
    found: list[tuple[str, str]] = []
    # From one to the next by the index: their versions, which may be many, are not read.
    sql = "SELECT project, dataset FROM dataset_versions WHERE (project, dataset) > (?, ?) ORDER BY project, dataset LIMIT 1"
    last = ("", "")
    while (row := database.row(sql, last)) is not None:
        last = (row[0], row[1])
        found.append(last)
    return found


def has_versions(database: Database, project: str, dataset: str) -> bool:
    """Whether a project has a dataset of this name."""
    return database.row(f"SELECT 1 FROM dataset_versions WHERE {_NAMED} LIMIT 1", (project, dataset)) is not None


def count_versions(database: Database, project: str, dataset: str) -> int:
    """Tell how many versions a dataset has that were not removed."""
    sql = f"SELECT COUNT(*) FROM dataset_versions WHERE {_NAMED} AND removed_at IS NULL"
    return int(database.row(sql, (project, dataset))[0])


def list_versions(
    database: Database, project: str, dataset: str, *, limit: int | None = None, before: int | None = None
) -> list[DatasetVersion]:
    """Read the versions of a dataset, oldest first; with a `limit` only the newest of those below `before`."""
    below, given = ("", ()) if before is None else (" AND number < ?", (before,))
    sql = f"SELECT {_VERSION} FROM dataset_versions WHERE {_NAMED}{below} ORDER BY number DESC"
    most, last = ("", ()) if limit is None else (" LIMIT ?", (limit,))
    return [DatasetVersion(*row) for row in database.rows(sql + most, (project, dataset, *given, *last))][::-1]


def find_number(database: Database, project: str, dataset: str, number: int) -> DatasetVersion | None:
    """Read one version of a dataset."""
    sql = f"SELECT {_VERSION} FROM dataset_versions WHERE {_NAMED} AND number = ?"
    row = database.row(sql, (project, dataset, number))
    return DatasetVersion(*row) if row else None


def find_digests(database: Database, project: str, dataset: str, prefix: str) -> list[DatasetVersion]:
    """Read the versions of a dataset whose digests begin like that, at most nine."""
    sql = (
        f"SELECT {_VERSION} FROM dataset_versions WHERE {_NAMED} AND digest >= ? AND digest < ? ORDER BY digest LIMIT 9"
    )
    return [DatasetVersion(*row) for row in database.rows(sql, (project, dataset, prefix, prefix + "g"))]


def versions_of(database: Database, digest: str) -> list[DatasetVersion]:
    """Read which versions of which datasets a content is."""
    sql = f"SELECT {_VERSION} FROM dataset_versions WHERE digest = ? ORDER BY project, dataset, number"
    return [DatasetVersion(*row) for row in database.rows(sql, (digest,))]


def current_use(database: Database, project: str, dataset: str, back: int = 0) -> DatasetUse | None:
    """Read the use that made a version current, or the one that was `back` changes before; None if there is none.

    Versions that were removed are passed over.
    """
    if not back:
        row = database.row(_CURRENT, (project, dataset) * 2)
        return DatasetUse(*row) if row else None
    changes = groupby(_past(database, project, dataset), key=lambda use: use.number)
    for place, (_, uses) in enumerate(changes):
        if place == back:
            return next(uses)
    return None


def use_before(database: Database, project: str, dataset: str, run_id: str) -> DatasetUse | None:
    """Read the use that made a version the current one before a run gave its own; None if there was none."""
    row = database.row(
        f"SELECT MIN(used_at) FROM dataset_uses WHERE {_NAMED} AND run_id = ?", (project, dataset, run_id)
    )
    sql = (
        f"SELECT {_USE_OF_U} FROM dataset_uses u"
        " JOIN dataset_versions v ON v.project = u.project AND v.dataset = u.dataset AND v.number = u.number"
        " WHERE u.project = ? AND u.dataset = ? AND v.removed_at IS NULL"
    )
    line = (project, dataset)
    last = database.row(
        f"{sql} AND u.used_at < ? AND u.run_id <> ? ORDER BY u.used_at DESC LIMIT 1", (*line, row[0], run_id)
    )
    if last is None:
        return None
    found = database.row(
        f"{sql} AND u.run_id = ? ORDER BY u.position DESC, u.field DESC LIMIT 1", (*line, DatasetUse(*last).run_id)
    )
    return DatasetUse(*found)


def _past(database: Database, project: str, dataset: str) -> Iterator[DatasetUse]:
    """Give the last use of each run, newest first."""
    found = [DatasetUse(*row) for row in database.rows(_PAST, (project, dataset))]
    last: dict[str, Any] = {}
    for use in found:
        before = last.get(use.run_id)
        if before is None or (use.position, use.field) > (before.position, before.field):
            last[use.run_id] = use
    return iter(last.values())


def list_uses(
    database: Database, project: str, dataset: str, number: int | None = None, *, limit: int | None = None
) -> list[DatasetUse]:
    """Read the uses of a dataset or of one of its versions, newest first."""
    condition, given = ("", ()) if number is None else (" AND number = ?", (number,))
    most, last = ("", ()) if limit is None else (" LIMIT ?", (limit,))
    sql = f"SELECT {_USE} FROM dataset_uses WHERE {_NAMED}{condition} ORDER BY used_at DESC{most}"
    return [DatasetUse(*row) for row in database.rows(sql, (project, dataset, *given, *last))]


def first_uses(database: Database, project: str, dataset: str, number: int, limit: int = 1) -> list[DatasetUse]:
    """Read the oldest uses of a version, oldest first."""
    sql = f"SELECT {_USE} FROM dataset_uses WHERE {_NAMED} AND number = ? ORDER BY used_at LIMIT ?"
    return [DatasetUse(*row) for row in database.rows(sql, (project, dataset, number, limit))]


def count_uses(database: Database, project: str, dataset: str, number: int) -> int:
    """Tell how often a version was given or reused."""
    sql = f"SELECT COUNT(*) FROM dataset_uses WHERE {_NAMED} AND number = ?"
    return int(database.row(sql, (project, dataset, number))[0])


def datasets_of_run(database: Database, run_id: str) -> list[tuple[str, DatasetUse]]:
    """Read which versions the steps of a run gave: pairs of dataset and use, in the order of the steps."""
    sql = f"SELECT dataset, {_USE} FROM dataset_uses WHERE run_id = ? ORDER BY position, field, dataset"
    return [(row[0], DatasetUse(*row[1:])) for row in database.rows(sql, (run_id,))]
