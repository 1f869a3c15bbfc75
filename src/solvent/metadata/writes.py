"""Everything that is written to the metadata store, each call inside `store.transaction()`.

What is written again is there once: a transaction whose end was not heard of may be repeated as a whole.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from solvent.errors import NotFoundError, StoreError
from solvent.metadata.database import Database, storable
from solvent.metadata.rows import ARTIFACT_COLUMNS, RUN_COLUMNS, RUN_FIELDS, blob_row
from solvent.model import ArtifactRef, CodeFingerprint, Execution, RunRecord, StepRunRecord


def _insert(table: str, columns: str, *, again: str = "") -> str:
    marks = ", ".join("?" * len(columns.split(",")))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}){again}"


_UNLESS_THERE = " ON CONFLICT DO NOTHING"

_RUN = _insert("runs", RUN_COLUMNS, again=_UNLESS_THERE)
_STEP_RUN = _insert(
    "step_runs",
    "run_id, position, name, occurrence, status, key, why, code, cached, source_run, source_position, attempt,"
    " finished_at, started_at, seconds, cpu_seconds, peak_memory_bytes, memory_scope, failure_kind, failure_message,"
    " failure_traceback, failure_signal, log_bytes, parts, log",
    again=_UNLESS_THERE,
)
_OUTPUT = _insert("outputs", "run_id, position, ordinal, field, digest, type", again=_UNLESS_THERE)
_INPUT = _insert(
    "inputs",
    "run_id, position, ordinal, name, digest, type, from_run, from_position, from_field",
    again=_UNLESS_THERE,
)
_OBSERVATION = _insert("observations", "run_id, position, ordinal, kind, subject, token", again=_UNLESS_THERE)
_METRIC = _insert("metrics", "run_id, position, ordinal, name, value, step, logged_at, low, high", again=_UNLESS_THERE)
_CHECK = _insert("checks", "run_id, position, ordinal, field, name, status, message, detail", again=_UNLESS_THERE)
_ATTACHMENT = _insert("attachments", "run_id, position, ordinal, kind, name, digest, type", again=_UNLESS_THERE)
_ARTIFACT = _insert("artifacts", ARTIFACT_COLUMNS, again=_UNLESS_THERE)
_ARTIFACT_AGAIN = (
    "UPDATE artifacts SET format = ?, size_bytes = ?, pickled = ?, blob_count = ?, child_count = ?, classes = ?,"
    " columns = ?, meta = ?, inline = ? WHERE digest = ? AND type = ?"
)
_BLOB = _insert("blobs", "artifact_digest, artifact_type, ordinal, digest, size_bytes, role", again=_UNLESS_THERE)
_CHILD = _insert("children", "parent_digest, parent_type, ordinal, digest, type", again=_UNLESS_THERE)
_CODE = _insert("codes", "digest, packages, unfollowed, files", again=_UNLESS_THERE)
_SYMBOL = _insert("symbols", "code, ordinal, name, kind, digest, file, line", again=_UNLESS_THERE)
_ENVIRONMENT = _insert("environments", "digest, record, lock_text", again=_UNLESS_THERE)
_NOTE = _insert("notes", "kind, subject, ordinal, text, author, written_at")
_SAME_NOTE = "SELECT 1 FROM notes WHERE kind = ? AND subject = ? AND written_at = ? AND author = ?"
_TAG = _insert("tags", "kind, subject, tag, author, tagged_at", again=_UNLESS_THERE)
_FILE = _insert(
    "file_memos",
    "path, state, digest",
    again=" ON CONFLICT (path) DO UPDATE SET state = excluded.state, digest = excluded.digest",
)

_NEVER_STARTED = (None,) * 5
_NO_FAILURE = (None,) * 4


class Writes(Database):
    """The writing half of a metadata store."""

    def add_run(self, run: RunRecord) -> None:
        """Write a run that begins; refuse one that has the id of another."""
        row = tuple(getattr(run, field) for field in RUN_FIELDS)
        if self.execute(_RUN, row).rowcount == 0:
            there = self.row("SELECT started_at, pipeline FROM runs WHERE id = ?", (run.id,))
            if there != (run.started_at, run.pipeline):
                raise StoreError(
                    f"There is another run {run.id} already.", where=self.path, hint="Run again: it gets another id."
                )

    def update_run(self, id: str, **fields: Any) -> None:
        """Change fields of a run, named as in `RunRecord`."""
        unknown = sorted(set(fields) - set(RUN_FIELDS))
        if unknown:
            raise TypeError(f"a run has no field {unknown[0]!r}")
        names = sorted(fields)
        changes = ", ".join(f"{RUN_FIELDS[name]} = ?" for name in names)
        changed = self.execute(f"UPDATE runs SET {changes} WHERE id = ?", (*(fields[name] for name in names), id))
        if changed.rowcount == 0:
            raise NotFoundError(f"There is no run {id!r}.", where=self.path)

    def end_run(self, id: str, status: str, ended_at: float, **fields: Any) -> None:
        """Write how and when a run ended."""
        self.update_run(id, status=status, ended_at=ended_at, **fields)

    def add_step_run(self, record: StepRunRecord) -> None:
        """Write a step run with all that its execution left behind; written again, it replaces the former.

        A reused one is written without execution and parts: those of its source stand for them.
        """
        place = (record.run_id, record.position)
        execution = record.execution if record.source is None else None
        row = _step_run_row(record, execution)
        if self.execute(_STEP_RUN, row).rowcount == 0:
            self.execute("DELETE FROM step_runs WHERE run_id = ? AND position = ?", place)
            self.execute(_STEP_RUN, row)
        if record.inputs:
            self.execute_many(_INPUT, [(*place, number, *each) for number, each in enumerate(record.inputs)])
        if execution is not None:
            self._add_execution(place, execution)

    def _add_execution(self, place: tuple[str, int], execution: Execution) -> None:
        for number, (field, artifact) in enumerate(execution.outputs.items()):
            self.add_artifact(artifact)
            self.execute(_OUTPUT, (*place, number, field, *artifact.identity[:2]))
        if execution.observations:
            self.execute_many(
                _OBSERVATION,
                [
                    (*place, number, kind, storable(subject), token)
                    for number, (kind, subject, token) in enumerate(execution.observations)
                ],
            )
        if execution.metrics:
            self.execute_many(
                _METRIC,
                [
                    (*place, number, name, None if math.isnan(value) else float(value), step, at, low, high)
                    for number, (name, value, step, at, low, high) in enumerate(execution.metrics)
                ],
            )
        if execution.checks:
            self.execute_many(_CHECK, [(*place, number, *each) for number, each in enumerate(execution.checks)])
        for number, (kind, name, artifact) in enumerate(execution.attachments):
            self.add_artifact(artifact)
            self.execute(_ATTACHMENT, (*place, number, kind, name, *artifact.identity[:2]))

    def add_artifact(self, artifact: ArtifactRef) -> None:
        """Write what an artifact is and where its bytes are; the newest encoding of a value counts.

        An older encoding is replaced because only the newest is known to have its bytes in the store.
        """
        for child in artifact.children:
            self.add_artifact(child)
        row = _artifact_row(artifact)
        if self.execute(_ARTIFACT, row).rowcount == 0 and not self._is_written(artifact, row):
            self.execute(_ARTIFACT_AGAIN, row[2:] + row[:2])
            self.execute("DELETE FROM blobs WHERE artifact_digest = ? AND artifact_type = ?", row[:2])
            self.execute("DELETE FROM children WHERE parent_digest = ? AND parent_type = ?", row[:2])
        if artifact.blobs:
            self.execute_many(
                _BLOB, [(*row[:2], number, *blob_row(blob)) for number, blob in enumerate(artifact.blobs)]
            )
        if artifact.children:
            children = [(*row[:2], number, *child.identity[:2]) for number, child in enumerate(artifact.children)]
            self.execute_many(_CHILD, children)

    def _is_written(self, artifact: ArtifactRef, row: Sequence[Any]) -> bool:
        written = self.row(f"SELECT {ARTIFACT_COLUMNS} FROM artifacts WHERE digest = ? AND type = ?", row[:2])
        if written != row:
            return False
        blobs = (
            self.rows(
                "SELECT digest, size_bytes, role FROM blobs WHERE artifact_digest = ? AND artifact_type = ?"
                " ORDER BY ordinal",
                row[:2],
            )
            if artifact.blobs
            else []
        )
        return blobs == [blob_row(blob) for blob in artifact.blobs]

    def add_code(self, code: CodeFingerprint) -> None:
        """Write what a code fingerprint is made of; one that is there already is left alone."""
        texts = (json.dumps(part) for part in (code.packages, code.unfollowed, code.files))
        if self.execute(_CODE, (code.digest, *texts)).rowcount:
            self.execute_many(_SYMBOL, [(code.digest, number, *each) for number, each in enumerate(code.symbols)])

    def add_environment(self, digest: str, record: str, lock_text: str) -> None:
        """Write an environment (JSON) with its lock; one that is there already is left alone."""
        self.execute(_ENVIRONMENT, (digest, record, lock_text))

    def add_note(self, kind: str, id: str, text: str, author: str, at: float | None = None) -> None:
        """Write what a person says about a run, artifact, dataset or model; with its time `at` it is written once."""
        if at is not None and self.row(_SAME_NOTE, (kind, id, at, author)):
            return
        number = self.row("SELECT COUNT(*) FROM notes WHERE kind = ? AND subject = ?", (kind, id))[0]
        self.execute(_NOTE, (kind, id, number, text, author, time.time() if at is None else at))

    def add_tag(self, kind: str, id: str, tag: str, author: str) -> None:
        """Tag a run, artifact, dataset or model; a tag that it has already is left alone."""
        self.execute(_TAG, (kind, id, tag, author, time.time()))

    def remove_tag(self, kind: str, id: str, tag: str) -> bool:
        """Take a tag away; tell whether it was there."""
        removed = self.execute("DELETE FROM tags WHERE kind = ? AND subject = ? AND tag = ?", (kind, id, tag))
        return bool(removed.rowcount > 0)

    def remember_files(self, files: Iterable[tuple[Sequence[Any], str]]) -> None:
        """Remember the digests of files by their states: path, and whatever tells that one has changed."""
        rows = [(storable(str(state[0])), state_text(state), digest) for state, digest in files]
        if rows:
            self.execute_many(_FILE, rows)


def state_text(state: Sequence[Any]) -> str:
    """Write a file's state as one text, since an inode may be too large for a database's integer."""
    return " ".join(str(part) for part in state[1:])


def _step_run_row(record: StepRunRecord, execution: Execution | None) -> tuple[Any, ...]:
    started = failure = log_bytes = log = None
    if execution is not None:
        started = (
            execution.started_at,
            execution.seconds,
            execution.cpu_seconds,
            execution.peak_memory_bytes,
            execution.memory_scope,
        )
        failure, log_bytes, log = execution.failure, execution.log_bytes, execution.log or None
    return (
        record.run_id,
        record.position,
        record.name,
        record.occurrence,
        record.status,
        record.key,
        record.why,
        record.code,
        record.cached,
        *(record.source or (None, None)),
        record.attempt,
        record.finished_at,
        *(started or _NEVER_STARTED),
        *((failure.kind, failure.message, failure.traceback, failure.signal) if failure else _NO_FAILURE),
        log_bytes,
        record.parts if record.source is None else "{}",
        log,
    )


def _artifact_row(artifact: ArtifactRef) -> tuple[Any, ...]:
    digest, type_name, classes, columns = artifact.identity
    return (
        digest,
        type_name,
        artifact.format,
        artifact.size_bytes,
        int(artifact.pickled),
        len(artifact.blobs),
        len(artifact.children),
        json.dumps(classes) if classes else "[]",
        _columns_text(columns),
        json.dumps(dict(artifact.meta)) if artifact.meta else "{}",
        artifact.inline,
    )


def _columns_text(columns: Mapping[str, str] | None) -> str | None:
    return None if columns is None else json.dumps(dict(columns))
