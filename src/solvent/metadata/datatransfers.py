"""What is known of data on its way from one metadata store to another: profiles, dataset versions, schemas, findings.

A version is its content: the store that gets it counts it anew, in the order of times, and so the numbers may differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from solvent.metadata.database import Database
from solvent.metadata.results import Name

Line = tuple[str, str]
"""A dataset: project and name."""


class MovedUse(NamedTuple):
    """A use of a version, with what is known of the version."""

    project: str
    dataset: str
    digest: str
    made_at: float
    removed_at: float | None
    run_id: str
    position: int
    field: str
    type: str
    used_at: float


_USES = (
    "SELECT u.project, u.dataset, v.digest, v.made_at, v.removed_at, u.run_id, u.position, u.field, u.type, u.used_at"
    " FROM dataset_uses u JOIN step_runs s ON s.run_id = u.run_id AND s.position = u.position JOIN dataset_versions v"
    " ON v.project = u.project AND v.dataset = u.dataset AND v.number = u.number WHERE u.run_id"
)
_OF = "project = ? AND dataset = ?"


def read_uses(store: Database, run_ids: Sequence[str]) -> list[MovedUse]:
    """Read which versions these runs gave, oldest use first; of step runs that were cleaned away nothing is told."""
    found = [MovedUse(*row) for row in store.rows_among(_USES, run_ids)]
    return sorted(found, key=lambda use: (use.used_at, use.run_id, use.position, use.field))


def add_uses(store: Database, uses: Iterable[MovedUse]) -> None:
    """Write uses that are not there, and the versions that they need; one brings a version back that was removed here."""
    for use in uses:
        number, removed = _number_of(store, use)
        written = store.execute(
            "INSERT INTO dataset_uses (project, dataset, number, run_id, position, field, type, used_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (use.project, use.dataset, number, use.run_id, use.position, use.field, use.type, use.used_at),
        )
        if removed and written.rowcount and use.removed_at is None:
            sql = f"UPDATE dataset_versions SET removed_at = NULL WHERE {_OF} AND number = ?"
            store.execute(sql, (use.project, use.dataset, number))


def _number_of(store: Database, use: MovedUse) -> tuple[int, bool]:
    """Give the number of a version here, and whether it was removed here."""
    line = (use.project, use.dataset)
    row = store.row(f"SELECT number, removed_at FROM dataset_versions WHERE {_OF} AND digest = ?", (*line, use.digest))
    if row is not None:
        return row[0], row[1] is not None
    number = store.row(f"SELECT COALESCE(MAX(number), 0) + 1 FROM dataset_versions WHERE {_OF}", line)[0]
    store.execute(
        "INSERT INTO dataset_versions (project, dataset, number, digest, made_at, removed_at) VALUES (?, ?, ?, ?, ?, ?)",
        (*line, number, use.digest, use.made_at, use.removed_at),
    )
    return number, False


def move_schemas(source: Database, target: Database, lines: Iterable[Line]) -> None:
    """Copy what was accepted later than all that was accepted for a dataset in the other store."""
    for line in lines:
        newest = target.row(f"SELECT MAX(accepted_at), COALESCE(MAX(number), 0) FROM schemas WHERE {_OF}", line)
        number = newest[1]
        for row in source.rows(
            f"SELECT record, version, reason, author, accepted_at FROM schemas WHERE {_OF} ORDER BY number", line
        ):
            if newest[0] is not None and row[4] <= newest[0]:
                continue
            number += 1
            target.execute(
                "INSERT INTO schemas (project, dataset, number, record, version, reason, author, accepted_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*line, number, row[0], _same_version(source, target, line, row[1]), *row[2:]),
            )


def _same_version(source: Database, target: Database, line: Line, number: int | None) -> int | None:
    """Give the number that a version has in the other store."""
    if number is None:
        return None
    ours = source.row(f"SELECT digest FROM dataset_versions WHERE {_OF} AND number = ?", (*line, number))
    sql = f"SELECT number FROM dataset_versions WHERE {_OF} AND digest = ?"
    theirs = target.row(sql, (*line, ours[0])) if ours else None
    return theirs[0] if theirs else None


def move_profiles(source: Database, target: Database, names: Collection[Name]) -> None:
    """Copy the profiles of these artifacts that the other store has not made."""
    digests = sorted({digest for digest, _ in names})
    sql = "SELECT digest, type FROM profiles WHERE status = 'made' AND digest"
    made = {tuple(row) for row in target.rows_among(sql, digests)}
    lacking = {digest for digest, type_name in names if (digest, type_name) not in made}
    sql = f"SELECT {_PROFILE} FROM profiles WHERE status <> 'pending' AND digest"
    rows = [row for row in source.rows_among(sql, sorted(lacking)) if row[:2] in names and row[:2] not in made]
    if rows:
        target.execute_many(_ADD_PROFILE, rows)


_PROFILE = "digest, type, status, made_at, seconds, problem, record"
_ADD_PROFILE = (
    f"INSERT INTO profiles ({_PROFILE}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest, type) DO UPDATE SET"
    " status = excluded.status, made_at = excluded.made_at, seconds = excluded.seconds, problem = excluded.problem,"
    " record = excluded.record"
)


def move_findings(source: Database, target: Database, run_ids: Sequence[str]) -> None:
    """Copy what was found about the data of these runs."""
    columns = "run_id, ordinal, kind, severity, subject, message, fix, detail"
    rows: list[Any] = list(source.rows_among(f"SELECT {columns} FROM findings WHERE run_id", run_ids))
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        target.execute_many(f"INSERT INTO findings ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING", rows)


def makers_of_versions(store: Database, project: str | None = None) -> list[str]:
    """Name the cleaned runs of which a part stays because it made a dataset version."""
    mine, given = ("", ()) if project is None else (" AND r.project = ?", (project,))
    sql = (
        "SELECT DISTINCT r.id FROM (SELECT DISTINCT digest FROM dataset_versions WHERE removed_at IS NULL) AS v"
        " JOIN outputs o ON o.digest = v.digest JOIN runs r ON r.id = o.run_id"
        f" WHERE r.status = 'cleaned'{mine} ORDER BY r.id DESC"
    )
    return [id for (id,) in store.rows(sql, given)]
