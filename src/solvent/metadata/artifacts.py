"""What is read of artifacts: what they are, who made them, who took them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from solvent.errors import NotFoundError
from solvent.metadata.answers import Consumption, Made, Production
from solvent.metadata.database import Database
from solvent.metadata.rows import ARTIFACT_COLUMNS, ARTIFACT_COLUMNS_OF_A, read_artifact, read_blob
from solvent.model import ArtifactRef

_BLOBS = "SELECT digest, size_bytes, role FROM blobs WHERE artifact_digest = ? AND artifact_type = ? ORDER BY ordinal"
_CHILDREN = (
    f"SELECT {ARTIFACT_COLUMNS_OF_A} FROM children c JOIN artifacts a ON a.digest = c.digest AND a.type = c.type"
    " WHERE c.parent_digest = ? AND c.parent_type = ? ORDER BY c.ordinal"
)
_PRODUCERS = """
WITH RECURSIVE holders (digest, type) AS (
    SELECT digest, type FROM artifacts WHERE digest = ? AND type = ?
    UNION
    SELECT c.parent_digest, c.parent_type FROM holders h JOIN children c ON c.digest = h.digest AND c.type = h.type
)
SELECT s.run_id, s.position, s.name, o.field, s.finished_at
FROM holders h
JOIN outputs o ON o.digest = h.digest AND o.type = h.type
JOIN step_runs s ON s.run_id = o.run_id AND s.position = o.position
ORDER BY s.finished_at DESC, s.run_id DESC, s.position DESC
"""
# An input names the step run that it came from in its own run, which may reuse the execution asked for. It may also be
# an element of the output, with a digest of its own: that counts only if it is the artifact asked for.
_CONSUMERS = """
SELECT i.run_id, i.position, c.name, i.name, c.finished_at
FROM (
    SELECT run_id, position FROM step_runs WHERE run_id = ? AND position = ?
    UNION
    SELECT run_id, position FROM step_runs WHERE source_run = ? AND source_position = ?
) AS p
JOIN inputs i ON i.from_run = p.run_id AND i.from_position = p.position
JOIN step_runs c ON c.run_id = i.run_id AND c.position = i.position
WHERE i.digest = ? AND i.type = ?
"""
_MADE_IN_RUN = (
    f"SELECT e.run_id, e.position, e.name, o.field, e.finished_at, {ARTIFACT_COLUMNS_OF_A} FROM step_runs s"
    " JOIN step_runs e ON e.run_id = COALESCE(s.source_run, s.run_id)"
    " AND e.position = COALESCE(s.source_position, s.position)"
    " JOIN outputs o ON o.run_id = e.run_id AND o.position = e.position"
    " JOIN artifacts a ON a.digest = o.digest AND a.type = o.type"
    " WHERE s.run_id = ?{0} ORDER BY s.position, o.ordinal LIMIT ?"
)
# A cross join keeps its order: from the newest run down, until there are enough.
_MADE = (
    f"SELECT e.run_id, e.position, e.name, o.field, e.finished_at, {ARTIFACT_COLUMNS_OF_A}"
    " FROM runs r CROSS JOIN step_runs e CROSS JOIN outputs o CROSS JOIN artifacts a"
    " WHERE e.run_id = r.id AND o.run_id = e.run_id AND o.position = e.position"
    " AND a.digest = o.digest AND a.type = o.type{0}"
    " ORDER BY r.started_at DESC, e.position DESC, o.ordinal LIMIT ?"
)
_BLOBS_AFTER = "SELECT DISTINCT digest, size_bytes FROM blobs WHERE digest > ? ORDER BY digest, size_bytes LIMIT 1000"


class ArtifactQueries(Database):
    """The artifacts of a metadata store, for reading."""

    def find_artifact(self, digest: str, type: str | None = None) -> ArtifactRef:
        """Read the artifact whose digest begins like that; one digest may belong to several types."""
        if len(digest) < 4:
            raise NotFoundError(f"{digest!r} is too short to name an artifact.", hint="Give at least 4 characters.")
        found = self.rows(
            f"SELECT {ARTIFACT_COLUMNS} FROM artifacts WHERE digest >= ? AND digest < ? ORDER BY digest, type LIMIT 9",
            (digest, digest + "g"),
        )
        found = [row for row in found if type is None or row[1] == type]
        if not found:
            raise NotFoundError(
                f"There is no artifact {digest!r}" + (f" of type {type}." if type else "."),
                hint="`solvent artifacts` lists them.",
            )
        if len(found) > 1:
            names = ", ".join(f"{row[0][:12]} ({row[1]})" for row in found[:4])
            raise NotFoundError(
                f"{digest!r} names more than one artifact: {names}{', ...' if len(found) > 4 else ''}.",
                hint="Give more characters, or the type.",
            )
        return self._artifact(found[0])

    def list_artifacts(self, run_id: str | None = None, type: str | None = None, limit: int = 50) -> list[Made]:
        """Read the outputs of a run in call order, or those of all runs, newest run first."""
        sql = (_MADE if run_id is None else _MADE_IN_RUN).format("" if type is None else " AND a.type = ?")
        given = [value for value in (run_id, type) if value is not None]
        return [Made(self._artifact(row[5:]), Production(*row[:5])) for row in self.rows(sql, (*given, limit))]

    def producers(self, digest: str, type: str) -> list[Production]:
        """Read every execution that made this artifact, alone or inside a collection; newest first."""
        return [Production(*row) for row in self.rows(_PRODUCERS, (digest, type))]

    def consumers(self, digest: str, type: str) -> list[Consumption]:
        """Read every step run that took this artifact from one that made it; newest first.

        An equal value from elsewhere, such as a literal, is not this artifact.
        """
        found = set()
        for by in {each[:2] for each in self.producers(digest, type)}:
            found.update(self.rows(_CONSUMERS, (*by, *by, digest, type)))
        return [Consumption(*row) for row in sorted(found, key=lambda row: (row[4], row[:2], row[3]), reverse=True)]

    def all_blobs(self) -> Iterator[tuple[str, int]]:
        """Give the digest and size of every file that an artifact needs, a thousand in memory at a time."""
        last = ""
        while found := self.rows(_BLOBS_AFTER, (last,)):
            last = found[-1][0]
            yield from found

    def _artifact(self, row: Any) -> ArtifactRef:
        name = row[:2]
        blobs = tuple(read_blob(*each) for each in self.rows(_BLOBS, name)) if row[5] else ()
        children = tuple(self._artifact(each) for each in self.rows(_CHILDREN, name)) if row[6] else ()
        return read_artifact(row, blobs, children)
