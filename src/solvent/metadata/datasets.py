"""Named datasets: their versions in the order of first sight, and every use of them."""

from __future__ import annotations

import time
from typing import NamedTuple

from solvent.metadata.database import Database


class DatasetVersion(NamedTuple):
    """One content of a dataset: `number` is for people, `digest` for machines."""

    project: str
    dataset: str
    number: int
    digest: str
    made_at: float


class DatasetUse(NamedTuple):
    """One time that a step run gave or reused a version, as the output `field` of that type."""

    number: int
    run_id: str
    position: int
    field: str
    type: str
    used_at: float


def use_version(
    database: Database, project: str, dataset: str, digest: str, type: str, place: tuple[str, int, str]
) -> int:
    """Note that an output is a version of a dataset, which is the current one from now on; give its number.

    `place` is (run id, position, field). Equal content is the version that it was before.
    """
    number = _number_of(database, project, dataset, digest)
    database.execute(
        "INSERT INTO dataset_uses (project, dataset, number, run_id, position, field, type, used_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (project, dataset, number, *place, type, time.time()),
    )
    return number


def _number_of(database: Database, project: str, dataset: str, digest: str) -> int:
    find = "SELECT number FROM dataset_versions WHERE project = ? AND dataset = ? AND digest = ?"
    while (row := database.row(find, (project, dataset, digest))) is None:
        last = database.row(
            "SELECT COALESCE(MAX(number), 0) FROM dataset_versions WHERE project = ? AND dataset = ?",
            (project, dataset),
        )[0]
        # Where it is not written, another writer has taken the number.
        database.execute(
            "INSERT INTO dataset_versions (project, dataset, number, digest, made_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (project, dataset, last + 1, digest, time.time()),
        )
    number: int = row[0]
    return number


def list_versions(database: Database, project: str, dataset: str) -> list[DatasetVersion]:
    """Read the versions of a dataset, oldest first."""
    sql = (
        "SELECT project, dataset, number, digest, made_at FROM dataset_versions WHERE project = ? AND dataset = ?"
        " ORDER BY number"
    )
    return [DatasetVersion(*row) for row in database.rows(sql, (project, dataset))]


def list_uses(database: Database, project: str, dataset: str, number: int | None = None) -> list[DatasetUse]:
    """Read the uses of a dataset or of one of its versions, newest first: the first is that of the current version."""
    condition, given = ("", ()) if number is None else (" AND number = ?", (number,))
    sql = (
        "SELECT number, run_id, position, field, type, used_at FROM dataset_uses"
        f" WHERE project = ? AND dataset = ?{condition} ORDER BY used_at DESC, run_id DESC, position DESC"
    )
    return [DatasetUse(*row) for row in database.rows(sql, (project, dataset, *given))]


def datasets_of_run(database: Database, run_id: str) -> list[tuple[str, DatasetUse]]:
    """Read which versions the steps of a run gave: pairs of dataset and use, in the order of the steps."""
    sql = (
        "SELECT dataset, number, run_id, position, field, type, used_at FROM dataset_uses WHERE run_id = ?"
        " ORDER BY position, field, dataset"
    )
    return [(row[0], DatasetUse(*row[1:])) for row in database.rows(sql, (run_id,))]
