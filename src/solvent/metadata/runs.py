"""What is read of runs, and the short names by which people call them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from solvent.errors import NotFoundError, nearest
from solvent.metadata.database import Database
from solvent.metadata.rows import RUN_COLUMNS, RUN_COLUMNS_OF_R
from solvent.model import RunRecord

CLOCKS_DIFFER_SECONDS = 60.0
"""By how much the clocks of machines that share a store may differ before a run counts as recorded in the future."""

_NEWEST_FIRST = " ORDER BY r.started_at DESC, r.id DESC"
_SELECT = f"SELECT {RUN_COLUMNS_OF_R} FROM runs r"
_BY_ID = f"SELECT {RUN_COLUMNS} FROM runs WHERE id = ?"
# Runs that were recorded before schema 2 name no project: they count as everyone's own.
_OWN = "(? = 1 OR r.project = ? OR r.project = '')"
_LAST_WITH_STEP = (
    f"SELECT r.id FROM runs r WHERE r.pipeline = ? AND {_OWN}{{0}}"
    " AND EXISTS (SELECT 1 FROM step_runs s WHERE s.name = ? AND s.run_id = r.id)"
    " ORDER BY r.started_at DESC, r.id DESC LIMIT 1"
)
_LAST_WITH_STEP_BEFORE = _LAST_WITH_STEP.format(" AND (r.started_at < ? OR (r.started_at = ? AND r.id < ?))")
_LAST_WITH_STEP_EVER = _LAST_WITH_STEP.format("")
# The executions behind the newest calls: a step that is always reused keeps the time that it once took. A cross join
# keeps its order: from the newest run down, until there are enough.
_RECENT_SECONDS = (
    "SELECT DISTINCT e.run_id, e.position, e.seconds FROM (SELECT s.run_id, s.position, s.source_run, s.source_position"
    " FROM runs r CROSS JOIN step_runs s WHERE s.name = ? AND s.run_id = r.id"
    " AND r.pipeline = ? AND s.status IN ('done', 'reused') ORDER BY r.started_at DESC LIMIT 50) AS recent"
    " JOIN step_runs e ON e.run_id = COALESCE(recent.source_run, recent.run_id)"
    " AND e.position = COALESCE(recent.source_position, recent.position) WHERE e.seconds IS NOT NULL"
)
_SAME_WORK = f"{_SELECT} WHERE r.target = ? AND r.config = ? AND r.code = ? AND {_OWN}{_NEWEST_FIRST} LIMIT 50"
# In the order of their ids, which begin with the time: the index of ids alone is read.
_IDS_LIKE = "SELECT r.id, r.project FROM runs r{0} AND {1} ORDER BY r.id DESC LIMIT 500"
_AFTER_ALL = "~"
"""Comes after every character that an id may have."""
_OPEN_WORK = (
    "SELECT 1 FROM runs r WHERE r.target = ? AND r.status IN ('running', 'interrupted') AND r.config = ? AND r.code = ?"
    " LIMIT 1"
)
_LATEST = re.compile(r"latest(?:~(\d{1,9}))?")


class RunQueries(Database):
    """The runs of a metadata store, for reading."""

    project: str | None = None
    """Whose runs are meant by `latest` and come first for a part of an id; None tells no projects apart."""

    def find_run(self, reference: str, pipeline: str | None = None) -> RunRecord:
        """Read the run that a person means: a full id, the unique beginning or end of one, "latest" or "latest~2"."""
        reference = reference.strip()
        latest = _LATEST.fullmatch(reference)
        if latest:
            return self._latest(int(latest[1] or 0), pipeline)
        row = self.row(_BY_ID, (reference,))
        if row and pipeline in (None, row[1]):
            return RunRecord(*row)
        found = self._ids_like(reference, pipeline)
        if len(found) == 1:
            return RunRecord(*self.row(_BY_ID, found[0]))
        raise self._no_run(reference, pipeline, [id for (id,) in found])

    def list_runs(
        self,
        pipeline: str | None = None,
        status: str | Sequence[str] | None = None,
        tag: str | None = None,
        limit: int = 20,
        before: str | None = None,
        *,
        project: str | None = None,
    ) -> list[RunRecord]:
        """Read the newest runs, newest first; `before` is the id of the run that ended the page before."""
        given: list[Any] = []
        conditions = ["r.status <> 'cleaned'"]
        if pipeline is not None:
            conditions.append("r.pipeline = ?")
            given.append(pipeline)
        if project is not None:
            # What was recorded before projects had names counts as this project's.
            conditions.append("(r.project = ? OR r.project = ?)")
            given.extend((project, "" if project == self.project else project))
        if status is not None:
            asked = (status,) if isinstance(status, str) else status
            conditions.append(f"r.status IN ({', '.join('?' * len(asked))})")
            given.extend(asked)
        if tag is not None:
            conditions.append("r.id IN (SELECT subject FROM tags WHERE kind = 'run' AND tag = ?)")
            given.append(tag)
        if before is not None:
            started = self._started(before)
            conditions.append("r.started_at <= ? AND (r.started_at < ? OR r.id < ?)")
            given.extend((started, started, before))
        where = " WHERE " + " AND ".join(conditions)
        return [RunRecord(*row) for row in self.rows(f"{_SELECT}{where}{_NEWEST_FIRST} LIMIT ?", (*given, limit))]

    def last_run_with_step(self, pipeline: str, name: str, before_run: str | None = None) -> str | None:
        """Tell the newest run of a pipeline, older than `before_run`, that came to a call of this step."""
        own = (self.project is None, self.project)
        if before_run is None:
            row = self.row(_LAST_WITH_STEP_EVER, (pipeline, *own, name))
        else:
            started = self._started(before_run)
            row = self.row(_LAST_WITH_STEP_BEFORE, (pipeline, *own, started, started, before_run, name))
        return row[0] if row else None

    def mean_seconds(self, name: str, pipeline: str) -> float | None:
        """Tell how long a step took on average in its newest executions."""
        seconds = [row[2] for row in self.rows(_RECENT_SECONDS, (name, pipeline))]
        return sum(seconds) / len(seconds) if seconds else None

    def find_interrupted(self, target: str, config: str, code: str) -> list[RunRecord]:
        """Read the runs of the same work that did not come to an end since the last one that did; newest first.

        Those with status "running" may be alive still: whoever holds the locks knows.
        """
        if self.row(_OPEN_WORK, (target, config, code)) is None:
            return []  # an index of such runs alone says so; there may be many that ended
        rows = self.rows(_SAME_WORK, (target, config, code, self.project is None, self.project))
        # What a clock that was wrong calls the future has no place in that order: such a run is not gone on from.
        runs = [run for run in (RunRecord(*row) for row in rows) if run.started_at <= time.time()]
        ended = [run.started_at for run in runs if run.status not in ("running", "interrupted")]
        since = max(ended, default=0.0)
        return [run for run in runs if run.status in ("running", "interrupted") and run.started_at > since]

    def _started(self, id: str) -> float:
        row = self.row("SELECT started_at FROM runs WHERE id = ?", (id,))
        if row is None:
            raise NotFoundError(f"There is no run {id!r}.", where=self.path, hint="`solvent runs` lists them.")
        return float(row[0])

    def only_of_others(self, pipeline: str) -> str | None:
        """Name a project that ran a pipeline of this name, if this project never did."""
        asked = (pipeline, self.project is None, self.project)
        if self.row(f"SELECT 1 FROM runs r WHERE r.pipeline = ? AND {_OWN} LIMIT 1", asked):
            return None
        other = self.row("SELECT project FROM runs WHERE pipeline = ? LIMIT 1", (pipeline,))
        return other[0] if other else None

    def projects(self) -> list[str]:
        """Name the projects whose runs are in the store; "" stands for runs recorded before there were names."""
        found: list[str] = []
        row = self.row("SELECT MIN(project) FROM runs")
        while row and row[0] is not None:
            found.append(row[0])
            row = self.row("SELECT MIN(project) FROM runs WHERE project > ?", row)
        return found

    def _latest(self, back: int, pipeline: str | None) -> RunRecord:
        runs = self._newest(pipeline, back + 1, "<=")
        if len(runs) <= back:
            # What was recorded while the clock was ahead comes after all others, until its time has come.
            runs += self._newest(pipeline, back + 1, ">")
        if len(runs) > back:
            return RunRecord(*self.row(_BY_ID, runs[back][1:]))
        whose = f" of pipeline {pipeline!r}" if pipeline else ""
        if runs:
            raise NotFoundError(f"There are only {len(runs)} runs{whose}: latest~{back} goes too far back.")
        raise self._no_latest(whose)

    def _newest(self, pipeline: str | None, limit: int, side: str) -> list[Any]:
        """Read when the newest runs of this project began, and their ids, on one side of the present."""
        found: list[Any] = []
        for where, given in self._scopes(pipeline):
            only = f"{where}{' AND' if where else ' WHERE'} r.started_at {side} ?"
            sql = f"SELECT r.started_at, r.id FROM runs r{only}{_NEWEST_FIRST} LIMIT ?"
            found += self.rows(sql, (*given, time.time() + CLOCKS_DIFFER_SECONDS, limit))
        return sorted(found, reverse=True)

    def _no_latest(self, whose: str) -> NotFoundError:
        others = [name for name in self.projects() if name not in ("", self.project)] if self.project else []
        if others:
            return NotFoundError(
                f"There is no run{whose} of project {self.project!r} yet; the store holds runs of {', '.join(others)}.",
                where=self.path,
                hint="`solvent runs` lists them; name a run of another project by its id.",
            )
        hint = "Run a pipeline first: `solvent run TARGET`."
        return NotFoundError(f"There is no run{whose} yet.", where=self.path, hint=hint)

    def _scopes(self, pipeline: str | None) -> list[tuple[str, tuple[str, ...]]]:
        """Give the conditions that together choose the runs of this project; one index serves each."""
        if self.project is None:
            return [_only(pipeline)]
        return [_only(pipeline, project) for project in (self.project, "")]

    def _ids_like(self, reference: str, pipeline: str | None) -> list[Any]:
        """Find the ids that begin, or else those that end, like this; enough of them to see that it is not one."""
        if not reference:
            return []
        only, given = _only(pipeline)
        small = reference.lower()
        ending = "%" + re.sub(r"([%_!])", r"!\1", reference)
        near = [
            self.rows(_IDS_LIKE.format(only, "r.id >= ? AND r.id < ?"), (*given, small, small + _AFTER_ALL)),
            self.rows(_IDS_LIKE.format(only, "r.id LIKE ? ESCAPE '!'"), (*given, ending)),
        ]
        for project in (None,) if self.project is None else (self.project, "", None):
            for rows in near:
                found = [row[:1] for row in rows if project in (None, row[1])]
                if found:
                    return found[:5]
        return []

    def _no_run(self, reference: str, pipeline: str | None, found: list[str]) -> NotFoundError:
        whose = f" of pipeline {pipeline!r}" if pipeline else ""
        if found:
            names = ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")
            problem = f"{reference!r} names more than one run{whose}: {names}."
            return NotFoundError(problem, hint="Give more characters.")
        where, given = _only(pipeline)
        known = [id for (id,) in self.rows(f"SELECT r.id FROM runs r{where}{_NEWEST_FIRST} LIMIT 200", given)]
        return NotFoundError(
            f"There is no run {reference!r}{whose}{nearest(reference, [*known, 'latest'])}.",
            where=self.path,
            hint="`solvent runs` lists them; `latest` and `latest~1` work too.",
        )


def _only(pipeline: str | None, project: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Leave out what was cleaned: a run of which only what others reuse is left is found by its whole id alone."""
    given = {"pipeline": pipeline, "project": project}
    asked = {column: value for column, value in given.items() if value is not None}
    where = "".join(f" AND r.{column} = ?" for column in asked)
    return f" WHERE r.status <> 'cleaned'{where}", tuple(asked.values())
