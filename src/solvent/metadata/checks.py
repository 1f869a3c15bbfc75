"""What came of the checks of a run's steps."""

from __future__ import annotations

from typing import NamedTuple

from solvent.metadata.database import Database
from solvent.metadata.rows import EXECUTED
from solvent.model import CheckResult

_UNMET = (
    "SELECT s.name, s.occurrence, s.position, c.field, c.name, c.status, c.message, c.detail FROM step_runs s"
    f" JOIN checks c ON {EXECUTED.format('c')} WHERE s.run_id = ? AND s.status IN ('done', 'reused')"
    " AND c.status <> 'passed' ORDER BY s.position, c.ordinal"
)


class Unmet(NamedTuple):
    """A check that failed and stopped nothing, with the step run whose output it is of."""

    step: str
    occurrence: int
    position: int
    result: CheckResult


def list_unmet_checks(database: Database, run_id: str) -> list[Unmet]:
    """Read the checks that failed of the steps of a run that ended well; a reused step has those of its execution."""
    rows = database.rows(_UNMET, (run_id,))
    return [Unmet(step, occurrence, at, CheckResult(*result)) for step, occurrence, at, *result in rows]
