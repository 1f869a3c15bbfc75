"""Which bytes can be made again from the record, so that a clean-up may drop them and keep the rows.

It works on the temporary table `clean_doomed` of `solvent.metadata.cleaning`, which holds the chosen runs here.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from solvent.metadata.database import Database
from solvent.metadata.pins import ARTIFACT

_UNPINNED_ARTIFACT = (
    f"NOT EXISTS (SELECT 1 FROM pins p WHERE p.kind = '{ARTIFACT}' AND p.subject = a.digest || ' ' || a.type)"
    " AND NOT EXISTS (SELECT 1 FROM dataset_versions v WHERE v.digest = a.digest AND v.removed_at IS NULL)"
)
_MAKEABLE = f"""
INSERT INTO clean_makeable (digest, type, parts, round)
SELECT a.digest, a.type, MIN(s.parts), 0 FROM clean_doomed d
JOIN runs r ON r.id = d.id
JOIN step_runs s ON s.run_id = d.id
JOIN outputs o ON o.run_id = s.run_id AND o.position = s.position
JOIN artifacts a ON a.digest = o.digest AND a.type = o.type
WHERE r.snapshot IS NOT NULL AND r.origin IS NULL AND s.status = 'done' AND s.cached = 1
  AND r.target NOT LIKE '/%' AND r.target NOT LIKE '..%' AND r.target NOT LIKE '_:%' AND r.target NOT LIKE '<%'
  AND (a.blob_count > 0 OR a.child_count > 0)
  AND NOT EXISTS (SELECT 1 FROM observations n WHERE n.run_id = s.run_id AND n.position = s.position
                  AND n.kind IN ('file', 'folder', 'source'))
  AND NOT EXISTS (SELECT 1 FROM outputs p WHERE p.digest = a.digest AND p.type = a.type
                  AND (NOT EXISTS (SELECT 1 FROM clean_doomed e WHERE e.id = p.run_id)
                       OR EXISTS (SELECT 1 FROM step_runs u WHERE u.source_run = p.run_id
                                  AND u.source_position = p.position
                                  AND NOT EXISTS (SELECT 1 FROM clean_doomed e WHERE e.id = u.run_id))))
  AND NOT EXISTS (SELECT 1 FROM attachments t WHERE t.digest = a.digest AND t.type = a.type)
  AND NOT EXISTS (SELECT 1 FROM children c WHERE c.digest = a.digest AND c.type = a.type)
  AND {_UNPINNED_ARTIFACT}
GROUP BY a.digest, a.type
"""
_MAKEABLE_PARTS = f"""
INSERT INTO clean_makeable (digest, type, parts, round)
SELECT DISTINCT a.digest, a.type, '{{}}', m.round + 1 FROM clean_makeable m
JOIN children c ON c.parent_digest = m.digest AND c.parent_type = m.type
JOIN artifacts a ON a.digest = c.digest AND a.type = c.type
WHERE m.round = ?
  AND NOT EXISTS (SELECT 1 FROM outputs o WHERE o.digest = a.digest AND o.type = a.type)
  AND NOT EXISTS (SELECT 1 FROM attachments t WHERE t.digest = a.digest AND t.type = a.type)
  AND NOT EXISTS (SELECT 1 FROM children p WHERE p.digest = a.digest AND p.type = a.type
                  AND NOT EXISTS (SELECT 1 FROM clean_makeable n
                                  WHERE n.digest = p.parent_digest AND n.type = p.parent_type))
  AND {_UNPINNED_ARTIFACT}
ON CONFLICT DO NOTHING
"""
_DROPPABLE = """
SELECT b.digest, MAX(b.size_bytes) FROM clean_makeable m
JOIN blobs b ON b.artifact_digest = m.digest AND b.artifact_type = m.type
WHERE b.digest > ?
  AND NOT EXISTS (SELECT 1 FROM blobs o WHERE o.digest = b.digest
                  AND NOT EXISTS (SELECT 1 FROM clean_makeable n
                                  WHERE n.digest = o.artifact_digest AND n.type = o.artifact_type))
  AND NOT EXISTS (SELECT 1 FROM clean_named n WHERE n.digest = b.digest)
  AND NOT EXISTS (SELECT 1 FROM dropped x WHERE x.digest = b.digest)
GROUP BY b.digest ORDER BY b.digest LIMIT ?
"""


def find_makeable(database: Database, obstacle: Callable[[tuple[str, str]], str]) -> None:
    """Fill `clean_makeable` with the artifacts of the chosen runs that the record can make again and that only they use.

    These are outputs of cached steps that read no file, made here, with the code on record and inside the project, for
    which `obstacle` says nothing.
    """
    database.execute(
        "CREATE TEMP TABLE IF NOT EXISTS clean_makeable"
        " (digest TEXT, type TEXT, parts TEXT, round INTEGER, PRIMARY KEY (digest, type))"
    )
    database.execute("DELETE FROM clean_makeable")
    database.execute(_MAKEABLE)
    last = ("", "")
    sql = "SELECT digest, type, parts FROM clean_makeable WHERE (digest, type) > (?, ?) ORDER BY digest, type LIMIT 500"
    while page := database.rows(sql, last):
        last = page[-1][:2]
        sources = [row[:2] for row in page if json.loads(row[2]).get("externals") or obstacle((row[0], row[1]))]
        database.execute_many("DELETE FROM clean_makeable WHERE digest = ? AND type = ?", sources)
    turn = 0
    while database.execute(_MAKEABLE_PARTS, (turn,)).rowcount > 0:
        turn += 1


def droppable(database: Database, last: str, limit: int) -> list[tuple[str, int]]:
    """Give blobs, with their sizes, that only artifacts in `clean_makeable` are made of, a page at a time."""
    return [(row[0], int(row[1])) for row in database.rows(_DROPPABLE, (last, limit))]
