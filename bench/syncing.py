"""The command, with every sync to the disk or (`off`) with none, to measure what durability costs.

python bench/syncing.py on|off run ...
"""

from __future__ import annotations

import os
import sqlite3
import sys
from functools import partial
from typing import Any

from solvent.cli.main import main


class Unsynced(sqlite3.Connection):
    """A connection that leaves syncing to the system."""

    def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
        return super().execute("PRAGMA synchronous=OFF" if sql.startswith("PRAGMA synchronous") else sql, *given)


def switch_off() -> None:
    os.fsync = lambda descriptor: None
    sqlite3.connect = partial(sqlite3.connect, factory=Unsynced)


if __name__ == "__main__":
    if sys.argv.pop(1) == "off":
        switch_off()
    raise SystemExit(main())
