"""What a clean-up asks of the metadata store, and takes out of it: rows alone, never bytes.

It works on temporary tables of its connection, so that its memory does not grow with the store: `clean_doomed` holds the
runs that go, `clean_reached` those of their step runs that others reuse, `clean_results` the artifacts that the results of
the other runs name. Each writing function is one bounded transaction.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from solvent.metadata.database import Database
from solvent.metadata.pins import ARTIFACT, RUN
from solvent.metadata.results import artifacts_of_result
from solvent.metadata.rows import RUN_COLUMNS
from solvent.model import RunRecord

STEP_RUNS_AT_ONCE = 500

_TABLES = (
    "clean_doomed (id TEXT PRIMARY KEY)",
    "clean_reached (run_id TEXT, position INTEGER, round INTEGER, PRIMARY KEY (run_id, position))",
    "clean_results (digest TEXT, type TEXT, PRIMARY KEY (digest, type))",
    "clean_scanned (id TEXT PRIMARY KEY)",
    "clean_named (digest TEXT PRIMARY KEY)",
)

_UNPINNED = f"NOT EXISTS (SELECT 1 FROM pins p WHERE p.kind = '{RUN}' AND p.subject = r.id)"
_UNTAGGED = "NOT EXISTS (SELECT 1 FROM tags t WHERE t.kind = 'run' AND t.subject = r.id AND t.tag = ?)"
_TAGGED = "EXISTS (SELECT 1 FROM tags t WHERE t.kind = 'run' AND t.subject = r.id AND t.tag = ?)"
_MARK = f"UPDATE runs SET status = 'cleaned' WHERE id IN (SELECT r.id FROM runs r WHERE r.id = ? AND {_UNPINNED})"

_REUSED_BY_OTHERS = """
INSERT INTO clean_reached (run_id, position, round)
SELECT DISTINCT s.source_run, s.source_position, 0 FROM clean_doomed d JOIN step_runs s ON s.source_run = d.id
WHERE NOT EXISTS (SELECT 1 FROM clean_doomed o WHERE o.id = s.run_id)
ON CONFLICT DO NOTHING
"""
_MAKERS_OF_PINNED = f"""
INSERT INTO clean_reached (run_id, position, round)
WITH RECURSIVE held (digest, type) AS (
    SELECT a.digest, a.type FROM pins p
    JOIN artifacts a ON a.digest >= substr(p.subject, 1, 64) AND a.digest <= substr(p.subject, 1, 64)
                    AND p.subject = a.digest || ' ' || a.type
    WHERE p.kind = '{ARTIFACT}'
    UNION
    SELECT c.parent_digest, c.parent_type FROM held h JOIN children c ON c.digest = h.digest AND c.type = h.type
)
SELECT m.run_id, m.position, 0 FROM (
    SELECT o.run_id, o.position FROM held h JOIN outputs o ON o.digest = h.digest AND o.type = h.type
    UNION
    SELECT t.run_id, t.position FROM held h JOIN attachments t ON t.digest = h.digest AND t.type = h.type
) AS m
JOIN clean_doomed d ON d.id = m.run_id
WHERE true
ON CONFLICT DO NOTHING
"""
# One making of each is enough to know where it came from and to make it again: one that stays anyway, else the oldest.
_MAKERS_OF_VERSIONS = """
INSERT INTO clean_reached (run_id, position, round)
SELECT m.run_id, m.position, 0 FROM (
    SELECT o.run_id, o.position, d.id AS doomed, ROW_NUMBER() OVER (
        PARTITION BY o.digest, o.type
        ORDER BY CASE WHEN d.id IS NULL THEN 0 ELSE 1 END, s.finished_at, o.run_id, o.position) AS place
    FROM (SELECT DISTINCT digest FROM dataset_versions WHERE removed_at IS NULL) AS v
    JOIN outputs o ON o.digest = v.digest
    JOIN step_runs s ON s.run_id = o.run_id AND s.position = o.position
    LEFT JOIN clean_doomed d ON d.id = o.run_id
) AS m
WHERE m.place = 1 AND m.doomed IS NOT NULL
ON CONFLICT DO NOTHING
"""
_THEIR_INPUTS = """
INSERT INTO clean_reached (run_id, position, round)
SELECT DISTINCT i.from_run, i.from_position, r.round + 1 FROM clean_reached r
JOIN inputs i ON i.run_id = r.run_id AND i.position = r.position
JOIN clean_doomed d ON d.id = i.from_run
WHERE r.round = ? AND i.from_position IS NOT NULL
ON CONFLICT DO NOTHING
"""
_THEIR_SOURCES = """
INSERT INTO clean_reached (run_id, position, round)
SELECT DISTINCT s.source_run, s.source_position, r.round + 1 FROM clean_reached r
JOIN step_runs s ON s.run_id = r.run_id AND s.position = r.position
JOIN clean_doomed d ON d.id = s.source_run
WHERE r.round = ?
ON CONFLICT DO NOTHING
"""

USES = (
    "EXISTS (SELECT 1 FROM outputs o WHERE o.digest = {0} AND o.type = {1})",
    "EXISTS (SELECT 1 FROM attachments t WHERE t.digest = {0} AND t.type = {1})",
    "EXISTS (SELECT 1 FROM children c WHERE c.digest = {0} AND c.type = {1})",
    "EXISTS (SELECT 1 FROM clean_results n WHERE n.digest = {0} AND n.type = {1})",
    f"EXISTS (SELECT 1 FROM pins p WHERE p.kind = '{ARTIFACT}' AND p.subject = {{0}} || ' ' || {{1}})",
    "EXISTS (SELECT 1 FROM dataset_versions v WHERE v.digest = {0} AND v.removed_at IS NULL)",
    # A model version stays as long as the run that it was cut out of, and longer if an alias pins it.
    "EXISTS (SELECT 1 FROM model_versions m JOIN runs q ON q.id = m.run_id AND q.status <> 'cleaned'"
    " WHERE m.digest = {0} AND m.type = {1})",
    "EXISTS (SELECT 1 FROM model_versions m JOIN runs q ON q.id = m.run_id AND q.status <> 'cleaned'"
    " WHERE m.verification_digest = {0} AND m.verification_type = {1})",
)
"""The ways in which an artifact is named, those that are no rows of step runs or artifacts last."""
_UNUSED = " AND ".join(f"NOT {each}" for each in USES)


class Choice(NamedTuple):
    """Which runs go: those for which all of this holds; `keep` spares the newest of each pipeline among them."""

    started_before: float | None = None
    keep: int | None = None
    pipeline: str | None = None
    status: str | None = None
    tag: str | None = None
    not_tag: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether no run was asked for."""
        return all(value is None for value in self)


def prepare(database: Database) -> None:
    """Make the temporary tables, empty."""
    for table in _TABLES:
        database.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table}")
        database.execute(f"DELETE FROM {table.partition(' ')[0]}")


def runs_at_work(database: Database) -> list[RunRecord]:
    """Read the runs that are stored as running; whether they live is for the locks to say."""
    return [RunRecord(*row) for row in database.rows(f"SELECT {RUN_COLUMNS} FROM runs WHERE status = 'running'")]


def choose(database: Database, choice: Choice, alive: Iterable[str], project: str | None) -> None:
    """Fill `clean_doomed` with the runs of a project that were chosen; pinned and living ones are never among them."""
    conditions = [_UNPINNED, "r.status <> 'cleaned'"]
    given: list[Any] = []
    if project is not None:
        conditions.append("r.project IN (?, '')")
        given.append(project)
    for condition, value in (
        ("r.pipeline = ?", choice.pipeline),
        (_TAGGED, choice.tag),
        (_UNTAGGED, choice.not_tag),
    ):
        if value is not None:
            conditions.append(condition)
            given.append(value)
    if choice.status == "interrupted":
        conditions.append("r.status IN ('interrupted', 'running')")
    elif choice.status is not None:
        conditions.append("r.status = ?")
        given.append(choice.status)
    ranked = "ROW_NUMBER() OVER (PARTITION BY r.pipeline ORDER BY r.started_at DESC, r.id DESC)"
    sql = (
        f"INSERT INTO clean_doomed (id) SELECT c.id FROM (SELECT r.id, r.started_at, {ranked} AS place FROM runs r"
        f" WHERE {' AND '.join(conditions)}) AS c WHERE c.place > ?"
    )
    given.append(choice.keep or 0)
    if choice.started_before is not None:
        sql += " AND c.started_at < ?"
        given.append(choice.started_before)
    database.execute(sql, given)
    database.execute_many("DELETE FROM clean_doomed WHERE id = ?", [(id,) for id in alive])


def choose_stubs(database: Database, project: str | None) -> None:
    """Add to `clean_doomed` the runs of a project that stayed in part when they were cleaned."""
    mine, given = ("", ()) if project is None else (" AND project IN (?, '')", (project,))
    sql = f"INSERT INTO clean_doomed (id) SELECT id FROM runs WHERE status = 'cleaned'{mine} ON CONFLICT DO NOTHING"
    database.execute(sql, given)


def list_doomed(database: Database, limit: int) -> list[str]:
    """Give the newest runs of `clean_doomed` that go as a whole."""
    sql = (
        "SELECT d.id FROM clean_doomed d WHERE NOT EXISTS (SELECT 1 FROM clean_reached c WHERE c.run_id = d.id)"
        " ORDER BY d.id DESC LIMIT ?"
    )
    return [row[0] for row in database.rows(sql, (limit,))]


def find_reached(database: Database) -> None:
    """Fill `clean_reached`: the step runs of doomed runs that other runs reuse, and those that these were made from."""
    database.execute("DELETE FROM clean_reached")
    found = sum(database.execute(sql).rowcount for sql in (_REUSED_BY_OTHERS, _MAKERS_OF_PINNED, _MAKERS_OF_VERSIONS))
    turn = 0
    while found > 0:
        found = sum(database.execute(sql, (turn,)).rowcount for sql in (_THEIR_INPUTS, _THEIR_SOURCES))
        turn += 1


class Count(NamedTuple):
    """How many runs go, how many of them stay for what others reuse, and how many step runs go."""

    runs: int
    stubs: int
    step_runs: int


def count_doomed(database: Database) -> Count:
    runs = database.row("SELECT COUNT(*) FROM clean_doomed")[0]
    stubs = database.row("SELECT COUNT(DISTINCT run_id) FROM clean_reached")[0]
    steps = database.row("SELECT COUNT(*) FROM clean_doomed d JOIN step_runs s ON s.run_id = d.id")[0]
    reached = database.row("SELECT COUNT(*) FROM clean_reached")[0]
    return Count(runs, stubs, steps - reached)


def begin_cleaning(database: Database, author: str) -> int:
    """Write that a clean-up begins, and give its number."""
    with database.transaction():
        # Former ones that were killed are at work no more, since only one can be.
        now = time.time()
        database.execute("UPDATE cleanings SET ended_at = ? WHERE ended_at IS NULL", (now,))
        number = int(database.row("SELECT COALESCE(MAX(number), 0) + 1 FROM cleanings")[0])
        database.execute(
            "DELETE FROM cleanings WHERE number < ? AND number NOT IN (SELECT cleaning FROM condemned)", (number - 50,)
        )
        sql = "INSERT INTO cleanings (number, author, started_at, waits_for) VALUES (?, ?, ?, '[]')"
        database.execute(sql, (number, author, now))
    return number


def end_cleaning(database: Database, number: int) -> None:
    with database.transaction():
        database.execute("UPDATE cleanings SET ended_at = ? WHERE number = ?", (time.time(), number))


def condemn(database: Database, number: int, at_once: int = 500) -> None:
    """Mark the doomed runs: they are listed no more, and no run that looks from now on reuses anything of them."""
    last = ""
    while ids := database.rows("SELECT id FROM clean_doomed WHERE id > ? ORDER BY id LIMIT ?", (last, at_once)):
        last = ids[-1][0]
        with database.transaction():
            for (id,) in ids:
                if database.execute(_MARK, (id,)).rowcount:
                    sql = "INSERT INTO condemned (run_id, cleaning) VALUES (?, ?) ON CONFLICT DO NOTHING"
                    database.execute(sql, (id, number))


def set_waits(database: Database, number: int, alive: Sequence[str]) -> None:
    """Note the runs that may still name what was condemned in this clean-up."""
    database.execute("UPDATE cleanings SET waits_for = ? WHERE number = ?", (json.dumps(list(alive)), number))


def waits(database: Database) -> dict[int, list[str]]:
    """Tell for each clean-up with condemned runs which runs it waits for."""
    sql = "SELECT number, waits_for FROM cleanings WHERE number IN (SELECT cleaning FROM condemned)"
    return {number: json.loads(text) for number, text in database.rows(sql)}


def take_up(database: Database, waiting: Iterable[int]) -> int:
    """Fill `clean_doomed` with all cleaned runs but those of the clean-ups that wait; tell how many these are."""
    database.execute("DELETE FROM clean_doomed")
    database.execute("INSERT INTO clean_doomed (id) SELECT id FROM runs WHERE status = 'cleaned'")
    count = 0
    for number in waiting:
        sql = "DELETE FROM clean_doomed WHERE id IN (SELECT run_id FROM condemned WHERE cleaning = ?)"
        count += database.execute(sql, (number,)).rowcount
    return count


def remove_runs(database: Database) -> int:
    """Remove the doomed runs, and of those that others reuse all but what is reached; tell how many are gone."""
    gone = 0
    sizes = iter(
        database.rows(
            "SELECT d.id, COUNT(s.run_id) FROM clean_doomed d LEFT JOIN step_runs s ON s.run_id = d.id"
            " GROUP BY d.id ORDER BY d.id"
        )
    )
    while batch := _batch(sizes):
        with database.transaction():
            for id in batch:
                gone += _remove_run(database, id)
    return gone


def _batch(sizes: Any) -> list[str]:
    """Take runs with about as many step runs as one transaction should remove."""
    batch: list[str] = []
    total = 0
    for id, size in islice(sizes, STEP_RUNS_AT_ONCE):
        batch.append(id)
        total += size + 1
        if total >= STEP_RUNS_AT_ONCE:
            break
    return batch


def _remove_run(database: Database, id: str) -> int:
    reached = database.rows("SELECT position FROM clean_reached WHERE run_id = ?", (id,))
    if not reached:
        _forget_words(database, id)
        return int(database.execute("DELETE FROM runs WHERE id = ?", (id,)).rowcount)
    kept = {position for (position,) in reached}
    for (position,) in database.rows("SELECT position FROM step_runs WHERE run_id = ?", (id,)):
        if position not in kept:
            database.execute("DELETE FROM step_runs WHERE run_id = ? AND position = ?", (id, position))
    counts: dict[str, int] = {}
    for status, number in database.rows(
        "SELECT status, COUNT(*) FROM step_runs WHERE run_id = ? GROUP BY status", (id,)
    ):
        counts[status] = number
    database.execute("UPDATE runs SET result = NULL, counts = ? WHERE id = ?", (json.dumps(counts), id))
    database.execute("DELETE FROM condemned WHERE run_id = ?", (id,))
    return 0


def _forget_words(database: Database, id: str) -> None:
    """Remove notes and tags of a run and of its step runs."""
    for table in ("notes", "tags"):
        database.execute(f"DELETE FROM {table} WHERE kind = 'run' AND subject = ?", (id,))
        of_steps = f"DELETE FROM {table} WHERE kind = 'step_run' AND subject > ? AND subject < ?"
        database.execute(of_steps, (f"{id}/", f"{id}0"))


# Artifacts


def scan_results(database: Database) -> None:
    """Fill `clean_results` with the artifacts that results of the runs that stay name."""
    last = ""
    while True:
        found = database.rows(
            "SELECT id, status, result FROM runs WHERE id > ?"
            " AND NOT EXISTS (SELECT 1 FROM clean_doomed d WHERE d.id = runs.id) ORDER BY id LIMIT 1000",
            (last,),
        )
        if not found:
            return
        last = found[-1][0]
        _note_results(database, [result for _, _, result in found])
        ended = [(id,) for id, status, _ in found if status != "running"]
        database.execute_many("INSERT INTO clean_scanned (id) VALUES (?) ON CONFLICT DO NOTHING", ended)


def _note_results(database: Database, results: Iterable[str | None]) -> None:
    sql = "INSERT INTO clean_results (digest, type) VALUES (?, ?) ON CONFLICT DO NOTHING"
    names = sorted({name for result in results for name in artifacts_of_result(result)})
    database.execute_many(sql, names)


def late_runs(database: Database) -> list[tuple[str | None, str | None, str | None]]:
    """Read result, snapshot and diff of the runs that have ended since they were scanned, and of those at work."""
    return database.rows(
        "SELECT result, snapshot, git_diff FROM runs r WHERE r.status <> 'cleaned'"
        " AND NOT EXISTS (SELECT 1 FROM clean_scanned c WHERE c.id = r.id)"
        " AND (r.result IS NOT NULL OR r.snapshot IS NOT NULL)"
    )


def remove_artifacts(database: Database, at_once: int = 500) -> int:
    """Remove the artifacts that nothing names any more, and with each pass the parts of those that went; tell how many."""
    total, gone = 0, -1
    while gone:
        gone = 0
        last = ("", "")
        while page := _loose(database, last, at_once):
            last = page[-1]
            with database.transaction():
                _note_results(database, [result for result, _, _ in late_runs(database)])
                for name in page:
                    condition = _UNUSED.format("artifacts.digest", "artifacts.type")
                    sql = f"DELETE FROM artifacts WHERE digest = ? AND type = ? AND {condition}"
                    gone += int(database.execute(sql, name).rowcount)
        total += gone
    return total


def _loose(database: Database, last: tuple[str, str], limit: int) -> list[Any]:
    condition = _UNUSED.format("a.digest", "a.type")
    sql = (
        f"SELECT a.digest, a.type FROM artifacts a WHERE (a.digest, a.type) > (?, ?) AND {condition}"
        " ORDER BY a.digest, a.type LIMIT ?"
    )
    return database.rows(sql, (*last, limit))


class Unused(NamedTuple):
    """Descriptions that nothing named when they were looked for."""

    codes: list[str]
    environments: list[str]


def unused_descriptions(database: Database) -> Unused:
    """Find code and environments that no run and no step run names; after the results were scanned."""
    used = "SELECT code FROM step_runs WHERE code IS NOT NULL UNION SELECT code FROM runs WHERE code IS NOT NULL"
    codes = database.rows(f"SELECT digest FROM codes WHERE digest NOT IN ({used})")
    used = "SELECT environment FROM runs WHERE environment IS NOT NULL"
    environments = database.rows(f"SELECT digest FROM environments WHERE digest NOT IN ({used})")
    return Unused([digest for (digest,) in codes], [digest for (digest,) in environments])


def remove_descriptions(database: Database, unused: Unused, *, alone: bool) -> None:
    """Remove what is still not named; only runs that had not ended when the results were scanned can name it since.

    Environments go only where no run is at work: a run names its own when it ends.
    """
    late = "NOT EXISTS (SELECT 1 FROM clean_scanned c WHERE c.id = r.id)"
    named = {code for (code,) in database.rows(f"SELECT DISTINCT code FROM runs r WHERE {late} AND code IS NOT NULL")}
    of_steps = f"SELECT DISTINCT s.code FROM runs r JOIN step_runs s ON s.run_id = r.id WHERE {late}"
    named.update(code for (code,) in database.rows(of_steps))
    codes = [(digest,) for digest in unused.codes if digest not in named]
    database.execute_many("DELETE FROM codes WHERE digest = ?", codes)
    named = {digest for (digest,) in database.rows(f"SELECT DISTINCT environment FROM runs r WHERE {late}")}
    environments = [(digest,) for digest in unused.environments if digest not in named]
    database.execute_many("DELETE FROM environments WHERE digest = ?", environments if alone else [])


# Bytes


def scan_snapshots(database: Database) -> list[tuple[str | None, str | None]]:
    """Give the snapshot and the diff of all runs, each pair once."""
    return database.rows(
        "SELECT DISTINCT snapshot, git_diff FROM runs WHERE snapshot IS NOT NULL OR git_diff IS NOT NULL"
    )


def note_named(database: Database, digests: Iterable[str]) -> None:
    """Fill `clean_named`: blobs that count as used although no artifact is made of them."""
    sql = "INSERT INTO clean_named (digest) VALUES (?) ON CONFLICT DO NOTHING"
    database.execute_many(sql, [(digest,) for digest in digests])


def unnamed(database: Database, digests: Sequence[str]) -> list[str]:
    """Tell which blobs nothing names."""
    named: set[str] = set()
    for table in ("blobs", "clean_named"):
        named.update(digest for (digest,) in database.rows_among(f"SELECT digest FROM {table} WHERE digest", digests))
    return [digest for digest in digests if digest not in named]


def is_artifact(database: Database, digest: str) -> bool:
    return database.row("SELECT 1 FROM artifacts WHERE digest = ? LIMIT 1", (digest,)) is not None
