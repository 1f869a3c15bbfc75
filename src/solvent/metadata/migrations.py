"""The numbered steps by which a store gets the schema that this version of Solvent knows."""

from __future__ import annotations

import os
import time

from solvent.errors import StoreError
from solvent.metadata.database import Database

SCHEMA = 4
"""The newest schema known here: the number of the last file in schema/."""

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema")


def migrate(database: Database) -> None:
    """Bring a store to the newest schema in one transaction, or refuse it politely; many processes may try at once.

    A store in a file is copied before: `kept_copy` names the copy, which is on disk before anything is changed.
    """
    if _current(database) == SCHEMA:
        return
    with database.transaction():
        # Another process may have done it while this one waited for its turn.
        current = _number(database)
        if 0 < current < SCHEMA:
            database.kept_copy = database.keep_copy(SCHEMA)
        for number in range(current + 1, SCHEMA + 1):
            for statement in statements(number):
                database.execute(statement)
            database.execute("INSERT INTO migrations (number, applied_at) VALUES (?, ?)", (number, time.time()))


def check_readable(database: Database) -> None:
    """Refuse a store that can't be brought to the newest schema because it can't be written."""
    number = _number(database)
    if number < SCHEMA:
        raise StoreError(
            f"The metadata store has schema {number}, is read-only, and can't be brought to schema {SCHEMA} here."
            if number
            else "There is no metadata store yet, and none can be made: the folder is read-only.",
            where=database.path,
            hint="Make the file and its folder writable, or copy the folder and set SOLVENT_HOME to the copy.",
        )


def statements(number: int) -> list[str]:
    """Read the statements of one migration."""
    with open(os.path.join(_FOLDER, f"{number:04d}.sql"), encoding="utf-8") as file:
        return [part for part in file.read().split(";\n") if part.strip()]


def _current(database: Database) -> int:
    """Read the number of the store's schema: 0 for an empty one; refuse a newer one."""
    number = database.schema_number() or 0
    if number > SCHEMA:
        raise StoreError(
            f"The metadata store has schema {number}; this version of Solvent knows schemas up to {SCHEMA}.",
            where=database.path,
            hint=f"Upgrade Solvent. {database.elsewhere}",
        )
    return number


def _number(database: Database) -> int:
    number = _current(database)
    if number == 0 and database.has_tables():
        raise StoreError(
            "This database belongs to another program: it has tables, but none of Solvent's.",
            where=database.path,
            hint=database.elsewhere,
        )
    return number
