"""The few words in which PostgreSQL's SQL differs from SQLite's, so that there is one set of statements for both.

Texts compare by their bytes and LIKE ignores case, as in SQLite.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PIECES = re.compile(r"'[^']*'|--[^\n]*|\?|%|\bLIKE\b|\bBLOB\b|\bTEXT\b|datetime\(([\w.]+), 'unixepoch'\)")
_DEFINES = re.compile(r"^(?:CREATE|ALTER) ", re.MULTILINE)


@lru_cache(maxsize=1024)
def to_postgres(sql: str) -> str:
    """Write a statement as PostgreSQL and psycopg read it: `?` becomes `%s`, and types and functions its own."""
    defines = _DEFINES.search(sql) is not None
    return _PIECES.sub(lambda piece: _translated(piece, defines), sql)


def _translated(piece: re.Match[str], defines: bool) -> str:
    found = piece[0]
    if piece[1]:
        return f"to_char(to_timestamp({piece[1]}) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
    if found.startswith("--"):
        return ""
    if found in _ALWAYS:
        return _ALWAYS[found]
    if defines and found in _IN_DEFINITIONS:
        return _IN_DEFINITIONS[found]
    return found.replace("%", "%%")


_ALWAYS = {"?": "%s", "LIKE": "ILIKE"}
_IN_DEFINITIONS = {"BLOB": "BYTEA", "TEXT": 'TEXT COLLATE "C"'}
