"""Whole runs as rows, on their way from one metadata store to another.

Everything is read and written for many runs at once, and with the columns as they are, so that nothing is lost or made
anew on the way. Written are only rows that are not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from solvent.metadata.database import Database
from solvent.metadata.results import Name
from solvent.metadata.rows import ARTIFACT_COLUMNS, RUN_COLUMNS, read_artifact, read_blob
from solvent.model import ArtifactRef, Blob, RunRecord

TABLES = {
    "step_runs": "run_id, position, name, occurrence, status, key, why, code, cached, source_run, source_position,"
    " attempt, finished_at, started_at, seconds, cpu_seconds, peak_memory_bytes, memory_scope, failure_kind,"
    " failure_message, failure_traceback, failure_signal, log_bytes, parts, log",
    "inputs": "run_id, position, ordinal, name, digest, type, from_run, from_position, from_field",
    "outputs": "run_id, position, ordinal, field, digest, type",
    "observations": "run_id, position, ordinal, kind, subject, token",
    "metrics": "run_id, position, ordinal, name, value, step, logged_at, low, high",
    "checks": "run_id, position, ordinal, field, name, status, message, detail",
    "attachments": "run_id, position, ordinal, kind, name, digest, type",
}
"""What belongs to the step runs of one run: table to columns, in the order in which rows may be written."""

_AGAIN = " ON CONFLICT DO NOTHING"


class Page(NamedTuple):
    """Step runs to read at once: all of these runs, or those of one run from `first` up to and without `end`."""

    ids: tuple[str, ...]
    first: int | None = None
    end: int | None = None

    def condition(self) -> tuple[str, tuple[Any, ...]]:
        if self.first is None:
            return f"run_id IN ({', '.join('?' * len(self.ids))})", self.ids
        return "run_id = ? AND position >= ? AND position < ?", (*self.ids, self.first, self.end)


CLEANED = "cleaned"
"""The status of a run of which a clean-up leaves only what other runs reuse, or nothing."""


class Weight(NamedTuple):
    """How much of a store a run is: its step runs, the place after its last one, the bytes of its logs, and its blobs."""

    step_runs: int = 0
    end: int = 0
    log_bytes: int = 0
    blobs: int = 0


def read_runs(store: Database, ids: Sequence[str]) -> dict[str, RunRecord]:
    """Read the rows of these runs; those that are not there are left out."""
    found = store.rows_among(f"SELECT {RUN_COLUMNS} FROM runs WHERE id", ids)
    return {row[0]: RunRecord(*row) for row in found}


def read_statuses(store: Database, ids: Collection[str]) -> dict[str, str]:
    """Tell the stored statuses of these runs; those that are not there are left out."""
    return dict(store.rows_among("SELECT id, status FROM runs WHERE id", ids))


def weigh_runs(store: Database, ids: Sequence[str]) -> dict[str, Weight]:
    """Tell how much there is to read of each of these runs."""
    sql = "SELECT run_id, COUNT(*), MAX(position), COALESCE(SUM(LENGTH(log)), 0) FROM step_runs WHERE run_id"
    steps = list(store.rows_among(sql, ids, " GROUP BY run_id"))
    sql = (
        "SELECT o.run_id, SUM(a.blob_count) FROM outputs o JOIN artifacts a ON a.digest = o.digest AND a.type = o.type"
    )
    blobs = dict(store.rows_among(f"{sql} WHERE o.run_id", ids, " GROUP BY o.run_id"))
    return {id: Weight(count, last + 1, int(log_bytes), int(blobs.get(id, 0))) for id, count, last, log_bytes in steps}


def read_sources(store: Database, ids: Sequence[str]) -> dict[str, list[str]]:
    """Tell which other runs hold the executions that these runs reuse."""
    sql = "SELECT DISTINCT run_id, source_run FROM step_runs WHERE run_id"
    found: dict[str, list[str]] = defaultdict(list)
    for id, source in store.rows_among(sql, ids, " AND source_run IS NOT NULL AND source_run <> run_id"):
        found[id].append(source)
    return found


class Content(NamedTuple):
    """What must be equal in two stores if a run is the same: how it began and ended, and its steps with what they made.

    `rows` maps (table, position, ordinal) to the rest. Of a run that was cleaned only some of them are left, and no end.
    """

    beginning: tuple[Any, ...]
    end: tuple[Any, ...]
    rows: dict[tuple[Any, ...], tuple[Any, ...]]

    def is_that_of(self, other: Content) -> bool:
        """Tell whether both are of one run, of which a store may hold only a part."""
        if self == other:
            return True
        if CLEANED in (self.end[0], other.end[0]):
            common = self.rows.keys() & other.rows.keys()
            return self.beginning == other.beginning and all(self.rows[at] == other.rows[at] for at in common)
        return self.goes_on_from(other) or other.goes_on_from(self)

    def adds_to(self, other: Content) -> bool:
        """Tell whether the other store would gain by this one, which is of the same run."""
        if self == other:
            return False
        if other.end[0] != CLEANED:
            return self.goes_on_from(other)
        return self.end[0] != CLEANED or not self.rows.keys() <= other.rows.keys()

    def goes_on_from(self, other: Content) -> bool:
        """Tell whether the other one is this run as it was while it ran: whoever copied it took it for interrupted."""
        return (
            other.end[0] == "interrupted"
            and self.beginning == other.beginning
            and other.rows.items() <= self.rows.items()
        )


def read_contents(store: Database, runs: Collection[RunRecord]) -> dict[str, Content]:
    """Read what makes these runs what they are."""
    found: dict[str, dict[Any, Any]] = defaultdict(dict)
    for sql in _CONTENTS:
        for id, *row in store.rows_among(sql, [run.id for run in runs]):
            found[id][sql, row[0], row[1]] = tuple(row[2:])
    return {run.id: Content(_fields(run, _BEGINNING), _fields(run, _END), found[run.id]) for run in runs}


def _fields(run: RunRecord, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(getattr(run, name) for name in names)


_BEGINNING = ("pipeline", "target", "started_at", "user", "host", "seed", "config", "code")
_END = ("status", "ended_at", "result")
_CONTENTS = (
    "SELECT run_id, position, 0, name, key, status FROM step_runs WHERE run_id",
    "SELECT run_id, position, ordinal, field, digest, type FROM outputs WHERE run_id",
)


def read_names(store: Database, page: Page) -> list[tuple[str, Name]]:
    """List the artifacts that these step runs made or logged, each with its run."""
    condition, given = page.condition()
    sql = " UNION ".join(f"SELECT run_id, digest, type FROM {each} WHERE {condition}" for each in _MAKING)
    return [(id, (digest, type_name)) for id, digest, type_name in store.rows(sql, (*given, *given))]


_MAKING = ("outputs", "attachments")


def read_places(store: Database, page: Page) -> list[tuple[str, int, str | None]]:
    """List these step runs: the run, the position and the digest of the code."""
    condition, given = page.condition()
    return store.rows(f"SELECT run_id, position, code FROM step_runs WHERE {condition}", given)


def read_artifacts(store: Database, names: Iterable[Name]) -> dict[Name, ArtifactRef]:
    """Read the artifacts of these names, with their children; those that are not there are left out."""
    rows: dict[Name, Any] = {}
    children: dict[Name, list[Name]] = defaultdict(list)
    blobs: dict[Name, list[Blob]] = defaultdict(list)
    new = set(names)
    while new:
        found = {row[:2]: row for row in _named(store, f"SELECT {ARTIFACT_COLUMNS} FROM artifacts WHERE digest", new)}
        rows.update(found)
        for row in _named(store, _BLOBS, [name for name, row in found.items() if row[5]], " ORDER BY ordinal"):
            blobs[row[:2]].append(read_blob(*row[2:]))
        for row in _named(store, _CHILDREN, [name for name, row in found.items() if row[6]], " ORDER BY ordinal"):
            children[row[:2]].append(row[2:])
        new = {child for name in found for child in children[name]} - rows.keys()
    made: dict[Name, ArtifactRef] = {}
    return {name: _make(name, rows, blobs, children, made) for name in rows}


_BLOBS = "SELECT artifact_digest, artifact_type, digest, size_bytes, role FROM blobs WHERE artifact_digest"
_CHILDREN = "SELECT parent_digest, parent_type, digest, type FROM children WHERE parent_digest"


def _make(name: Name, rows: Any, blobs: Any, children: Any, made: dict[Name, ArtifactRef]) -> ArtifactRef:
    if name not in made:
        parts = tuple(_make(each, rows, blobs, children, made) for each in children[name] if each in rows)
        made[name] = read_artifact(rows[name], tuple(blobs[name]), parts)
    return made[name]


def read_rows(store: Database, table: str, page: Page) -> list[Any]:
    """Read the rows of one of `TABLES`."""
    condition, given = page.condition()
    return store.rows(f"SELECT {TABLES[table]} FROM {table} WHERE {condition}", given)


def add_rows(store: Database, table: str, rows: Sequence[Any]) -> None:
    """Write rows of one of `TABLES`."""
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        store.execute_many(f"INSERT INTO {table} ({TABLES[table]}) VALUES ({marks}){_AGAIN}", rows)


def present(store: Database, table: str, column: str, values: Collection[str]) -> set[str]:
    """Tell which of these values stand in that column."""
    return {value for (value,) in store.rows_among(f"SELECT DISTINCT {column} FROM {table} WHERE {column}", values)}


def read_words(store: Database, table: str, kind: str, subjects: Collection[str]) -> list[Any]:
    """Read what people wrote about these subjects: notes with their texts, or tags; each with author and time."""
    columns = _WORDS[table]
    sql = f"SELECT {columns} FROM {table} WHERE kind = '{kind}' AND subject"
    return list(store.rows_among(sql, subjects, f" ORDER BY {columns.rpartition(', ')[2]}"))


_WORDS = {"notes": "subject, text, author, written_at", "tags": "subject, tag, author, tagged_at"}


def add_notes(store: Database, kind: str, notes: Sequence[Any]) -> None:
    """Write notes that are not there yet, after those that are."""
    there = set(read_words(store, "notes", kind, {subject for subject, *_ in notes}))
    for note in notes:
        while note not in there:
            last = store.row("SELECT MAX(ordinal) FROM notes WHERE kind = ? AND subject = ?", (kind, note[0]))[0]
            row = (kind, note[0], 0 if last is None else last + 1, *note[1:])
            added = store.execute(f"{_NOTE} VALUES (?, ?, ?, ?, ?, ?){_AGAIN}", row)
            # Where it was not added, another writer has taken the number, perhaps with this very note.
            there.update([note] if added.rowcount else read_words(store, "notes", kind, {note[0]}))


_NOTE = "INSERT INTO notes (kind, subject, ordinal, text, author, written_at)"


def add_tags(store: Database, kind: str, tags: Sequence[Any]) -> None:
    """Write tags that are not there yet."""
    if tags:
        sql = f"INSERT INTO tags (kind, subject, tag, author, tagged_at) VALUES (?, ?, ?, ?, ?){_AGAIN}"
        store.execute_many(sql, [(kind, *tag) for tag in tags])


def spare_runs(store: Database, ids: Collection[str]) -> None:
    """Take back that a clean-up is to remove these runs."""
    store.execute_many("DELETE FROM condemned WHERE run_id = ?", [(id,) for id in ids])


def _named(store: Database, sql: str, names: Iterable[Name], then: str = "") -> Iterator[Any]:
    """Ask by digest, which is indexed, and keep the rows of those very names."""
    wanted = set(names)
    for row in store.rows_among(sql, {digest for digest, _ in wanted}, then):
        if row[:2] in wanted:
            yield tuple(row)
