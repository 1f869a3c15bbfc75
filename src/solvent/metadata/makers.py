"""Who made what, and what refers to which bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from solvent.metadata.store import MetadataStore


class Maker(NamedTuple):
    """One way in which an artifact came to be.

    `kind` is "output" or "attachment" of the step run `(run_id, position)`, "reuse" for one that took the output of another
    run, or "result" for what a pipeline's body made itself; `name` is the field of the output, or what the step called the
    attachment.
    """

    kind: str
    run_id: str
    position: int
    step: str
    name: str
    at: float


HOLDERS = """
WITH RECURSIVE holders (digest, type) AS (
    SELECT digest, type FROM artifacts WHERE digest = ? AND type = ?
    UNION
    SELECT c.parent_digest, c.parent_type FROM holders h JOIN children c ON c.digest = h.digest AND c.type = h.type
)
"""
"""Begins a query: `holders` are an artifact and the collections that it is a part of."""

_ATTACHMENTS = (
    "SELECT a.run_id, a.position, s.name, a.kind, a.name, s.finished_at FROM attachments a"
    " JOIN step_runs s ON s.run_id = a.run_id AND s.position = a.position WHERE a.digest = ? AND a.type = ?"
    " AND s.status = 'done' ORDER BY s.finished_at DESC"
)
_REUSERS = (
    "SELECT run_id, position, name, finished_at FROM step_runs WHERE source_run = ? AND source_position = ?"
    " AND status = 'reused' ORDER BY finished_at DESC LIMIT 3"
)
_REUSED_LOOKED_AT = 3
_RESULTS = "SELECT id, pipeline, started_at FROM runs WHERE result LIKE ? ORDER BY started_at DESC"


def holders_of_blob(store: MetadataStore, digest: str) -> list[tuple[str, str]]:
    """Give the artifacts, as (digest, type), that have this blob among their bytes."""
    sql = "SELECT DISTINCT artifact_digest, artifact_type FROM blobs WHERE digest = ?"
    return [(row[0], row[1]) for row in store.rows(sql, (digest,))]


def makers(store: MetadataStore, digest: str, type: str) -> list[Maker]:
    """Give the ways in which an artifact was made, alone or inside a collection; newest first, outputs before results.

    A run that reused what another one made is a way too, for less may be left of the other.
    """
    found = [Maker("output", *each) for each in store.producers(digest, type)]
    for made in found[:_REUSED_LOOKED_AT]:
        for run_id, position, step, at in store.rows(_REUSERS, (made.run_id, made.position)):
            found.append(Maker("reuse", run_id, position, step, made.name, at))
    for run_id, position, step, kind, name, at in store.rows(_ATTACHMENTS, (digest, type)):
        found.append(Maker("attachment", run_id, position, step, f"{kind} {name!r}", at))
    if not found:
        for holder, _ in store.rows(f"{HOLDERS}SELECT digest, type FROM holders", (digest, type)):
            for run_id, pipeline, at in store.rows(_RESULTS, (f'%"{holder}"%',)):
                found.append(Maker("result", run_id, -1, pipeline, "", at))
    return found


def record_blobs(store: MetadataStore) -> Iterator[tuple[str, str, list[str]]]:
    """Give each ("snapshot" or "git_diff", digest) that runs name beside artifacts, with the runs, newest first."""
    for column in ("snapshot", "git_diff"):
        runs: dict[str, list[str]] = {}
        sql = f"SELECT {column}, id FROM runs WHERE {column} IS NOT NULL ORDER BY started_at DESC"
        for digest, run_id in store.rows(sql):
            runs.setdefault(digest, []).append(run_id)
        for digest, found in runs.items():
            yield column, digest, found


def files_of_run(store: MetadataStore, run_id: str) -> set[str]:
    """Give the absolute paths of the user's files that the code of a run reached."""
    sql = (
        "SELECT c.files FROM codes c WHERE c.digest IN (SELECT s.code FROM step_runs s WHERE s.run_id = ?)"
        " OR c.digest = (SELECT r.code FROM runs r WHERE r.id = ?)"
    )
    return {file for (files,) in store.rows(sql, (run_id, run_id)) for file in json.loads(files)}
