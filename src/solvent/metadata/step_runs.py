"""What is read of step runs; a reused one shows what the execution that it reuses left behind."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from solvent.errors import NotFoundError
from solvent.metadata.answers import Part
from solvent.metadata.artifacts import ArtifactQueries
from solvent.metadata.database import restored
from solvent.metadata.rows import ARTIFACT_COLUMNS_OF_A, EXECUTED, STEP_COLUMNS, Details, read_step_run
from solvent.model import Attachment, CheckResult, Input, Metric, Observation, StepRunRecord

_FROM_STEPS = f"FROM step_runs s LEFT JOIN step_runs e ON {EXECUTED.format('e')}"
_PARTS = "CASE WHEN s.source_run IS NULL THEN s.parts ELSE COALESCE(e.parts, '{}') END"
_OF_RUN = " WHERE s.run_id = ?"
_OF_STEP = " WHERE s.run_id = ? AND s.position = ?"

_SHORT = f"SELECT {STEP_COLUMNS}, '{{}}' {_FROM_STEPS}{_OF_RUN} ORDER BY s.position"
_WHOLE = f"SELECT {STEP_COLUMNS}, {_PARTS} {_FROM_STEPS}"
_WHOLE_OF_RUN = f"{_WHOLE}{_OF_RUN} ORDER BY s.position"
_WHOLE_OF_STEP = _WHOLE + _OF_STEP
_BY_KEY = (
    f"SELECT {STEP_COLUMNS}, s.parts FROM step_runs s"
    " JOIN step_runs e ON e.run_id = s.run_id AND e.position = s.position"
    " WHERE s.key = ? AND s.status = 'done' AND s.cached = 1"
    " AND NOT EXISTS (SELECT 1 FROM condemned c WHERE c.run_id = s.run_id) ORDER BY s.finished_at DESC LIMIT ?"
)
_ADOPTABLE = (
    f"SELECT {STEP_COLUMNS}, e.parts {_FROM_STEPS} WHERE s.name = ? AND s.run_id = ? AND s.key = ? AND s.occurrence = ?"
    " AND s.status IN ('done', 'reused') AND e.status = 'done' ORDER BY s.position LIMIT 1"
)
_PARTS_OF = f"SELECT s.position, s.occurrence, s.key, {_PARTS}, s.code, s.status {_FROM_STEPS}"
_PARTS_OF_NAME = f"{_PARTS_OF} WHERE s.name = ? AND s.run_id = ? ORDER BY s.position"
_LOG = f"SELECT e.log {_FROM_STEPS}{_OF_STEP}"

_OUTPUTS = (
    f"SELECT s.position, o.field, {ARTIFACT_COLUMNS_OF_A} FROM step_runs s JOIN outputs o ON {EXECUTED.format('o')}"
    " JOIN artifacts a ON a.digest = o.digest AND a.type = o.type{0} ORDER BY s.position, o.ordinal"
)
_ATTACHMENTS = (
    f"SELECT s.position, t.kind, t.name, {ARTIFACT_COLUMNS_OF_A} FROM step_runs s"
    f" JOIN attachments t ON {EXECUTED.format('t')}"
    " JOIN artifacts a ON a.digest = t.digest AND a.type = t.type{0} ORDER BY s.position, t.ordinal"
)
_OBSERVATIONS = (
    f"SELECT s.position, o.kind, o.subject, o.token FROM step_runs s JOIN observations o ON {EXECUTED.format('o')}"
    "{0} ORDER BY s.position, o.ordinal"
)
_METRICS = (
    "SELECT s.position, m.name, m.value, m.step, m.logged_at, m.low, m.high FROM step_runs s"
    f" JOIN metrics m ON {EXECUTED.format('m')}"
    "{0} ORDER BY s.position, m.ordinal"
)
_INPUTS = (
    "SELECT s.position, i.name, i.digest, i.type, i.from_run, i.from_position, i.from_field FROM step_runs s"
    " JOIN inputs i ON i.run_id = s.run_id AND i.position = s.position{0} ORDER BY s.position, i.ordinal"
)


_CHECKS = (
    "SELECT s.position, c.field, c.name, c.status, c.message, c.detail FROM step_runs s"
    f" JOIN checks c ON {EXECUTED.format('c')}{{0}} ORDER BY s.position, c.ordinal"
)


_Shelf = tuple[str, str, str, str, str, str]
"""The queries for what other tables hold, for a whole run or for one step run."""


def _shelf(condition: str) -> _Shelf:
    return (
        _OUTPUTS.replace("{0}", condition),
        _OBSERVATIONS.replace("{0}", condition),
        _METRICS.replace("{0}", condition),
        _ATTACHMENTS.replace("{0}", condition),
        _INPUTS.replace("{0}", condition),
        _CHECKS.replace("{0}", condition),
    )


_ALL_OF_RUN = _shelf(_OF_RUN)
_ALL_OF_STEP = _shelf(_OF_STEP)


class StepRunQueries(ArtifactQueries):
    """The step runs of a metadata store, for reading."""

    def list_step_runs(self, run_id: str, *, whole: bool = True) -> list[StepRunRecord]:
        """Read the step runs of a run in call order, without their logs.

        `whole=False` leaves out what other tables hold (inputs, outputs, metrics, ...) and the parts of the key.
        """
        with self.reading():
            rows = self.rows(_WHOLE_OF_RUN if whole else _SHORT, (run_id,))
            collected: dict[int, Details] = defaultdict(Details)
            if whole and rows:
                self._collect(collected, _ALL_OF_RUN, (run_id,))
        return [read_step_run(row, collected[row[1]]) for row in rows]

    def step_run(self, run_id: str, position: int) -> StepRunRecord:
        """Read one step run with all that belongs to it, its log too."""
        with self.reading():
            rows = self.rows(_WHOLE_OF_STEP, (run_id, position))
            if not rows:
                raise NotFoundError(f"There is no step run {position} in run {run_id}.")
            collected: dict[int, Details] = defaultdict(Details)
            self._collect(collected, _ALL_OF_STEP, (run_id, position))
            collected[position].log = self.load_log(run_id, position)
        return read_step_run(rows[0], collected[position])

    def load_log(self, run_id: str, position: int) -> bytes:
        """Read what a step run printed."""
        row = self.row(_LOG, (run_id, position))
        return bytes(row[0]) if row and row[0] is not None else b""

    def find_executions(self, key: str, limit: int = 8) -> list[StepRunRecord]:
        """Read the executions that a later run may reuse, newest first, with their outputs and observations."""
        return [self._execution(row) for row in self.rows(_BY_KEY, (key, limit))]

    def find_adoptable(self, run_id: str, name: str, key: str, occurrence: int) -> StepRunRecord | None:
        """Read what an interrupted run has done already for this very call, also of a step with `cache=False`.

        The record's `source` is None if that run executed it and else names the execution that it reused.
        """
        row = self.row(_ADOPTABLE, (name, run_id, key, occurrence))
        return self._execution(row) if row else None

    def list_parts(self, run_id: str, name: str) -> list[Part]:
        """Read what the calls of a step in a run depended on."""
        return [Part(*row) for row in self.rows(_PARTS_OF_NAME, (name, run_id))]

    def _execution(self, row: Any) -> StepRunRecord:
        details = Details()
        self._collect_outputs({row[1]: details}, _ALL_OF_STEP, row[:2])
        return read_step_run(row, details)

    def _collect(self, collected: dict[int, Details], shelf: _Shelf, of: tuple[Any, ...]) -> None:
        self._collect_outputs(collected, shelf, of)
        metrics, attachments, inputs, checks = shelf[2:]
        for position, name, value, *rest in self.rows(metrics, of):
            collected[position].metrics.append(Metric(name, math.nan if value is None else value, *rest))
        for position, kind, name, *artifact in self.rows(attachments, of):
            collected[position].attachments.append(Attachment(kind, name, self._artifact(tuple(artifact))))
        for position, *each in self.rows(inputs, of):
            collected[position].inputs.append(Input(*each))
        for position, *each in self.rows(checks, of):
            collected[position].checks.append(CheckResult(*each))

    def _collect_outputs(self, collected: dict[int, Details], shelf: _Shelf, of: tuple[Any, ...]) -> None:
        outputs, observations = shelf[:2]
        for row in self.rows(outputs, of):
            collected[row[0]].outputs[row[1]] = self._artifact(row[2:])
        for position, kind, subject, token in self.rows(observations, of):
            collected[position].observations.append(Observation(kind, restored(subject), token))
