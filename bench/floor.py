"""The baseline: 100 calls as plain Python, each of which appends one row to SQLite in WAL mode, durably.

One transaction for each call, `synchronous=FULL`. Run: python bench/floor.py FILE
"""

import sqlite3
import sys


def inc(x: int) -> int:
    return x + 1


def main(path: str) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE IF NOT EXISTS calls (name TEXT, value INTEGER)")
    x = 0
    for _ in range(100):
        x = inc(x)
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO calls VALUES ('inc', ?)", (x,))
        database.execute("COMMIT")
    print(x)


if __name__ == "__main__":
    main(sys.argv[1])
