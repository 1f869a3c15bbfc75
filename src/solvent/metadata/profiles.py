"""Profiles, checks' findings and schemas, as JSON text that this floor does not look into."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from solvent.metadata.database import Database
from solvent.model import Finding

PENDING, MADE, FAILED = "pending", "made", "failed"


class StoredProfile(NamedTuple):
    """The profile of an artifact: `record` is its JSON, or None with the `problem` that stood in the way."""

    status: str
    seconds: float | None
    problem: str | None
    record: str | None


def expect_profile(database: Database, digest: str, type: str) -> None:
    """Note that a profile of an artifact is to be made; one that was made before stays."""
    database.execute(
        "INSERT INTO profiles (digest, type, status, made_at) VALUES (?, ?, 'pending', ?) ON CONFLICT DO NOTHING",
        (digest, type, time.time()),
    )


def add_profile(database: Database, digest: str, type: str, profile: StoredProfile) -> None:
    """Write the profile of an artifact, or why there is none, in place of what was known before."""
    database.execute(
        "INSERT INTO profiles (digest, type, status, made_at, seconds, problem, record) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (digest, type) DO UPDATE SET status = excluded.status, made_at = excluded.made_at,"
        " seconds = excluded.seconds, problem = excluded.problem, record = excluded.record",
        (digest, type, profile.status, time.time(), profile.seconds, profile.problem, profile.record),
    )


def find_profile(database: Database, digest: str, type: str | None = None) -> StoredProfile | None:
    """Read the profile of an artifact; without a type, of any artifact of that content."""
    condition, given = ("", ()) if type is None else (" AND type = ?", (type,))
    row = database.row(
        f"SELECT status, seconds, problem, record FROM profiles WHERE digest = ?{condition}"
        " ORDER BY CASE status WHEN 'made' THEN 0 ELSE 1 END, type LIMIT 1",
        (digest, *given),
    )
    return None if row is None else StoredProfile(*row)


def add_findings(database: Database, run_id: str, findings: Sequence[Finding]) -> None:
    """Write what was found about the data of a run; written again, it replaces the former."""
    database.execute("DELETE FROM findings WHERE run_id = ?", (run_id,))
    if findings:
        database.execute_many(
            "INSERT INTO findings (run_id, ordinal, kind, severity, subject, message, fix, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(run_id, number, *each) for number, each in enumerate(findings)],
        )


def list_findings(database: Database, run_id: str) -> list[Finding]:
    """Read what was found about the data of a run, in the order in which it was written."""
    sql = "SELECT kind, severity, subject, message, fix, detail FROM findings WHERE run_id = ? ORDER BY ordinal"
    return [Finding(*row) for row in database.rows(sql, (run_id,))]


_FIELDS = (
    "SELECT DISTINCT o.field FROM step_runs s JOIN outputs o ON o.run_id = COALESCE(s.source_run, s.run_id)"
    " AND o.position = COALESCE(s.source_position, s.position) WHERE s.run_id = ?"
)


def gave_datasets(database: Database, run_id: str) -> bool:
    """Whether a step of a run gave or reused a version of a dataset."""
    return database.row("SELECT 1 FROM dataset_uses WHERE run_id = ? LIMIT 1", (run_id,)) is not None


def gave_fields(database: Database, run_id: str) -> set[str]:
    """Give the names of the fields that the outputs of a run's steps were split into; "" stands for a whole output."""
    return {field for (field,) in database.rows(_FIELDS, (run_id,))}
