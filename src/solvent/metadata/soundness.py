"""Rows that name something which is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from solvent.metadata.results import artifacts_of_result
from solvent.metadata.store import MetadataStore


class Dangling(NamedTuple):
    """A row that names something which is not there: what it is, and what it names."""

    what: str
    names: str


_DANGLING = {
    "the code of step run {}/{}": (
        "SELECT s.run_id, s.position, s.code FROM step_runs s LEFT JOIN codes c ON c.digest = s.code"
        " WHERE s.code IS NOT NULL AND c.digest IS NULL ORDER BY s.run_id, s.position"
    ),
    "what the reused step run {}/{} reuses": (
        "SELECT s.run_id, s.position, s.source_run FROM step_runs s"
        " LEFT JOIN step_runs e ON e.run_id = s.source_run AND e.position = s.source_position"
        " WHERE s.source_run IS NOT NULL AND e.run_id IS NULL ORDER BY s.run_id, s.position"
    ),
    "output {2!r} of step run {0}/{1}": (
        "SELECT o.run_id, o.position, o.field, o.digest FROM outputs o"
        " LEFT JOIN artifacts a ON a.digest = o.digest AND a.type = o.type WHERE a.digest IS NULL"
    ),
    "attachment {2!r} of step run {0}/{1}": (
        "SELECT o.run_id, o.position, o.name, o.digest FROM attachments o"
        " LEFT JOIN artifacts a ON a.digest = o.digest AND a.type = o.type WHERE a.digest IS NULL"
    ),
    "a part of artifact {0:.12}": (
        "SELECT c.parent_digest, c.digest FROM children c"
        " LEFT JOIN artifacts a ON a.digest = c.digest AND a.type = c.type WHERE a.digest IS NULL"
    ),
    "dataset version {0}/{1}@{2}": (
        "SELECT v.project, v.dataset, v.number, v.digest FROM dataset_versions v WHERE v.removed_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.digest = v.digest)"
    ),
    "the environment of run {}": (
        "SELECT r.id, r.environment FROM runs r LEFT JOIN environments e ON e.digest = r.environment"
        " WHERE r.environment IS NOT NULL AND e.digest IS NULL ORDER BY r.id"
    ),
    "the bytes of artifact {0:.12}": (
        "SELECT a.digest, a.blob_count FROM artifacts a WHERE a.blob_count <>"
        " (SELECT COUNT(*) FROM blobs b WHERE b.artifact_digest = a.digest AND b.artifact_type = a.type)"
    ),
}


def dangling(store: MetadataStore) -> Iterator[Dangling]:
    """Give the rows that point at nothing."""
    for words, sql in _DANGLING.items():
        for row in store.rows(sql):
            yield Dangling(words.format(*row), str(row[-1]))


def results_without_artifact(store: MetadataStore) -> Iterator[Dangling]:
    """Give the runs whose result names an artifact that has no row."""
    for run_id, result in store.rows("SELECT id, result FROM runs WHERE result LIKE ?", ('%"artifact"%',)):
        for digest, type in artifacts_of_result(result):
            if not store.row("SELECT 1 FROM artifacts WHERE digest = ? AND type = ?", (digest, type)):
                yield Dangling(f"the result of run {run_id}", digest)
