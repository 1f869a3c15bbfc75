"""Whose bytes are in the artifact store: by the step that made them and by the user who ran it.

Equal bytes count once, for the first of their owners in the order of the alphabet.
"""

from __future__ import annotations

from typing import NamedTuple

from solvent.metadata.cleaning import USES
from solvent.metadata.database import Database
from solvent.metadata.results import artifacts_of_result


class Owned(NamedTuple):
    """Bytes of one owner: the pipeline and the step that made them, and the user."""

    pipeline: str
    step: str
    user: str
    size_bytes: int


_STAYS = """(NOT EXISTS (SELECT 1 FROM clean_doomed d WHERE d.id = {0}.run_id)
 OR EXISTS (SELECT 1 FROM clean_reached r WHERE r.run_id = {0}.run_id AND r.position = {0}.position))"""

_USAGE = """
WITH RECURSIVE up (leaf, leaf_type, digest, type) AS (
    SELECT DISTINCT artifact_digest, artifact_type, artifact_digest, artifact_type FROM blobs{1}
    UNION
    SELECT u.leaf, u.leaf_type, c.parent_digest, c.parent_type FROM up u
    JOIN children c ON c.digest = u.digest AND c.type = u.type
),
made (leaf, leaf_type, owner, user_name) AS (
    SELECT u.leaf, u.leaf_type, MIN(r.pipeline || '/' || s.name), MIN(r.user_name) FROM up u
    JOIN (SELECT digest, type, run_id, position FROM outputs
          UNION ALL SELECT digest, type, run_id, position FROM attachments) AS o
      ON o.digest = u.digest AND o.type = u.type
    JOIN step_runs s ON s.run_id = o.run_id AND s.position = o.position
    JOIN runs r ON r.id = o.run_id{0}
    GROUP BY u.leaf, u.leaf_type
)
SELECT f.owner, f.user_name, SUM(f.size_bytes) FROM (
    SELECT b.digest, MAX(b.size_bytes) AS size_bytes, MIN(COALESCE(m.owner, '/')) AS owner,
           MIN(COALESCE(m.user_name, '')) AS user_name
    FROM blobs b LEFT JOIN made m ON m.leaf = b.artifact_digest AND m.leaf_type = b.artifact_type
    WHERE NOT EXISTS (SELECT 1 FROM dropped x WHERE x.digest = b.digest){2}
    GROUP BY b.digest
) AS f
GROUP BY f.owner, f.user_name ORDER BY 3 DESC, 1, 2
"""

_GOING = "NOT EXISTS (SELECT 1 FROM clean_going g WHERE g.digest = {0}.artifact_digest AND g.type = {0}.artifact_type)"
_AFTER = _USAGE.format(" WHERE " + _STAYS.format("o"), " WHERE " + _GOING.format("blobs"), " AND " + _GOING.format("b"))
_NOW = _USAGE.format("", "", "")

_SURVIVES = " OR ".join(
    f"EXISTS (SELECT 1 FROM {table} o WHERE o.digest = x.digest AND o.type = x.type AND {_STAYS.format('o')})"
    for table in ("outputs", "attachments")
)
_LOSES_ALL = f"""
NOT ({_SURVIVES})
AND NOT EXISTS (SELECT 1 FROM children c WHERE c.digest = x.digest AND c.type = x.type
    AND NOT EXISTS (SELECT 1 FROM clean_going g WHERE g.digest = c.parent_digest AND g.type = c.parent_type))
"""


def usage(database: Database) -> list[Owned]:
    """Tell whose bytes are in the store by its rows, the most first."""
    return [_owned(*row) for row in database.rows(_NOW)]


def forecast(database: Database) -> list[Owned]:
    """Tell whose bytes would be left without the doomed runs; the results of the others must have been scanned."""
    database.execute(
        "CREATE TEMP TABLE IF NOT EXISTS clean_going (digest TEXT, type TEXT, round INTEGER, PRIMARY KEY (digest, type))"
    )
    database.execute("DELETE FROM clean_going")
    found = _add_results(database)
    for table in ("outputs", "attachments"):
        found += database.execute(
            "INSERT INTO clean_going (digest, type, round) SELECT DISTINCT x.digest, x.type, 0 FROM clean_doomed v"
            f" JOIN {table} x ON x.run_id = v.id WHERE {_LOSES_ALL} AND {_NOT_NAMED} ON CONFLICT DO NOTHING"
        ).rowcount
    turn = 0
    while found > 0:
        found = database.execute(
            "INSERT INTO clean_going (digest, type, round) SELECT DISTINCT x.digest, x.type, v.round + 1 FROM clean_going v"
            " JOIN children x ON x.parent_digest = v.digest AND x.parent_type = v.type"
            f" WHERE v.round = ? AND {_LOSES_ALL} AND {_NOT_NAMED} ON CONFLICT DO NOTHING",
            (turn,),
        ).rowcount
        turn += 1
    return [_owned(*row) for row in database.rows(_AFTER)]


def _add_results(database: Database) -> int:
    """Add what only the results of doomed runs name."""
    database.execute(
        "CREATE TEMP TABLE IF NOT EXISTS clean_returned (digest TEXT, type TEXT, PRIMARY KEY (digest, type))"
    )
    database.execute("DELETE FROM clean_returned")
    last = ""
    sql = (
        "SELECT r.id, r.result FROM clean_doomed d JOIN runs r ON r.id = d.id WHERE r.result IS NOT NULL AND r.id > ?"
        " ORDER BY r.id LIMIT 1000"
    )
    while page := database.rows(sql, (last,)):
        last = page[-1][0]
        names = sorted({name for _, result in page for name in artifacts_of_result(result)})
        database.execute_many("INSERT INTO clean_returned (digest, type) VALUES (?, ?) ON CONFLICT DO NOTHING", names)
    return database.execute(
        "INSERT INTO clean_going (digest, type, round) SELECT x.digest, x.type, 0 FROM clean_returned x"
        f" WHERE {_LOSES_ALL} AND {_NOT_NAMED} ON CONFLICT DO NOTHING"
    ).rowcount


_NOT_NAMED = " AND ".join(f"NOT {each.format('x.digest', 'x.type')}" for each in USES[3:])


def _owned(owner: str, user: str, size_bytes: int) -> Owned:
    pipeline, _, step = owner.partition("/")
    return Owned(pipeline, step, user, int(size_bytes))
