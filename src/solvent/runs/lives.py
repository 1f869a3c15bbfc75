"""Which runs are alive: a runner holds a lock that the system takes back when the process dies."""

from __future__ import annotations

from solvent.model import Locks, RunRecord


def lease_name(run_id: str) -> str:
    return f"run:{run_id}"


def status_of(record: RunRecord, locks: Locks) -> str:
    """Give the status of a run; one that says running and has no living runner is interrupted."""
    if record.status == "running" and not locks.holder_alive(lease_name(record.id)):
        return "interrupted"
    return record.status
