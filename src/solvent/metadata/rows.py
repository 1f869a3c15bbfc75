"""How rows become records: the columns to ask for, in the order of the records' fields."""

from __future__ import annotations

import json
from typing import Any

from solvent.metadata.database import restored, storable
from solvent.model import ArtifactRef, Blob, Execution, Failure, Identity, RunRecord, StepRunRecord

RUN_FIELDS = {field: "user_name" if field == "user" else field for field in RunRecord.__dataclass_fields__}
"""The fields of `RunRecord`, in order, to their columns ("user" alone means something else in PostgreSQL)."""

RUN_COLUMNS = ", ".join(RUN_FIELDS.values())
RUN_COLUMNS_OF_R = ", ".join(f"r.{column}" for column in RUN_FIELDS.values())

ARTIFACT_COLUMNS = "digest, type, format, size_bytes, pickled, blob_count, child_count, classes, columns, meta, inline"
ARTIFACT_COLUMNS_OF_A = ", ".join(f"a.{column}" for column in ARTIFACT_COLUMNS.split(", "))

STEP_COLUMNS = (
    "s.run_id, s.position, s.name, s.occurrence, s.status, s.key, s.why, s.code, s.cached, s.source_run,"
    " s.source_position, s.attempt, s.finished_at, s.failure_kind, s.failure_message, s.failure_traceback,"
    " s.failure_signal, e.started_at, e.seconds, e.cpu_seconds, e.peak_memory_bytes, e.memory_scope, e.log_bytes"
)

EXECUTED = "{0}.run_id = COALESCE(s.source_run, s.run_id) AND {0}.position = COALESCE(s.source_position, s.position)"
"""Joins a step run `s` with what belongs to the execution that it is or reuses."""


def read_step_run(row: Any, details: Details) -> StepRunRecord:
    """Make the record of a row of `STEP_COLUMNS` and the parts; `details` are what other tables hold of it."""
    source_run, source_position = row[9], row[10]
    return StepRunRecord(
        run_id=row[0],
        position=row[1],
        name=row[2],
        occurrence=row[3],
        status=row[4],
        key=row[5],
        why=row[6],
        parts=row[23],
        code=row[7],
        cached=bool(row[8]),
        source=None if source_run is None else (source_run, source_position),
        attempt=row[11],
        finished_at=row[12],
        execution=None if row[17] is None else _read_execution(row, details),
        inputs=tuple(details.inputs),
    )


def _read_execution(row: Any, details: Details) -> Execution:
    return Execution(
        outputs=details.outputs,
        started_at=row[17],
        seconds=row[18],
        cpu_seconds=row[19],
        peak_memory_bytes=row[20],
        memory_scope=row[21],
        observations=tuple(details.observations),
        metrics=tuple(details.metrics),
        attachments=tuple(details.attachments),
        checks=tuple(details.checks),
        failure=None if row[13] is None else Failure(*row[13:17]),
        log=details.log,
        log_bytes=row[22],
    )


def read_artifact(row: Any, blobs: tuple[Blob, ...], children: tuple[ArtifactRef, ...]) -> ArtifactRef:
    """Make the record of a row of `ARTIFACT_COLUMNS`."""
    digest, type_name, format_name, size_bytes, _, _, _, classes, columns, meta, inline = row
    return ArtifactRef(
        Identity(
            digest,
            type_name,
            () if classes == "[]" else tuple(json.loads(classes)),
            None if columns is None else json.loads(columns),
        ),
        format_name,
        size_bytes,
        inline,
        blobs,
        {} if meta == "{}" else json.loads(meta),
        children,
    )


def blob_row(blob: Blob) -> tuple[str, int, str]:
    """Make what `read_blob` reads; a role is the name of a file, which may be any bytes."""
    return blob.digest, blob.size_bytes, storable(blob.role)


def read_blob(digest: str, size_bytes: int, role: str) -> Blob:
    """Make the record of a digest, size and role from `blobs`."""
    return Blob(digest, size_bytes, restored(role))


class Details:
    """What the other tables hold of one step run, while it is being collected."""

    __slots__ = ("attachments", "checks", "inputs", "log", "metrics", "observations", "outputs")

    def __init__(self) -> None:
        self.outputs: dict[str, ArtifactRef] = {}
        self.observations: list[Any] = []
        self.metrics: list[Any] = []
        self.checks: list[Any] = []
        self.attachments: list[Any] = []
        self.inputs: list[Any] = []
        self.log = b""
