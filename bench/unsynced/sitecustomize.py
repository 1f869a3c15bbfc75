"""For bench/durability.py: with UNSYNCED=1 this process asks the disk for nothing to be durable; else it is as always."""

import os
import sqlite3

if os.environ.get("UNSYNCED") == "1":

    class _Unsynced(sqlite3.Connection):
        def execute(self, sql, *parameters):  # type: ignore[no-untyped-def]
            return super().execute(sql.replace("synchronous=FULL", "synchronous=OFF"), *parameters)

    _connect = sqlite3.connect
    sqlite3.connect = lambda *given, **named: _connect(*given, **{**named, "factory": _Unsynced})
    os.fsync = lambda descriptor: None
    os.fdatasync = lambda descriptor: None
