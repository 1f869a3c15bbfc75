import pytest

from solvent.errors import StoreError
from solvent.metadata.dialect import to_postgres
from solvent.metadata.refusals import ConnectionLost, refused


@pytest.mark.parametrize(
    ("sql", "translated"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = ?", "SELECT a FROM t WHERE b = %s AND c = %s"),
        ("SELECT a WHERE b = '?' AND c LIKE '%?' AND d = ?", "SELECT a WHERE b = '?' AND c ILIKE '%%?' AND d = %s"),
        ("SELECT a % 2 FROM t", "SELECT a %% 2 FROM t"),
        ("SELECT CAST(a AS TEXT) FROM t", "SELECT CAST(a AS TEXT) FROM t"),
        (
            "-- Why? 100 %.\nCREATE TABLE t (\n  a TEXT, -- TEXT?\n  b BLOB DEFAULT '')",
            "\nCREATE TABLE t (\n  a TEXT COLLATE \"C\", \n  b BYTEA DEFAULT '')",
        ),
        (
            "CREATE VIEW v AS SELECT datetime(r.at, 'unixepoch') AS at FROM r",
            "CREATE VIEW v AS SELECT to_char(to_timestamp(r.at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS at FROM r",
        ),
    ],
)
def test_a_statement_is_said_in_the_words_of_postgresql(sql: str, translated: str) -> None:
    assert to_postgres(sql) == translated


FACTS = {"user": "zoe", "host": "db", "port": "5432", "database": "team", "schema": "public"}


@pytest.mark.parametrize(
    ("said", "told", "again"),
    [
        ('FATAL:  no pg_hba.conf entry for host "::1", no encryption', "does not let zoe in from here", False),
        ('FATAL:  permission denied for database "team"', "zoe may not use the database team", False),
        ("FATAL:  the database system is starting up", "not ready yet (the database system is starting up)", True),
        ("FATAL:  remaining connection slots are reserved", "no connection left", True),
        ("connection timeout expired", "can't be reached (connection timeout expired)", True),
        ("", "can't be reached (it said nothing)", True),
    ],
)
def test_what_a_server_says_at_the_door_is_told_in_words(said: str, told: str, again: bool) -> None:
    where = 'connection to server at "db", port 5432 failed: '
    error = refused(Exception(where + said if said else ""), FACTS, "postgresql://zoe@db/team")
    assert told in error.problem
    assert isinstance(error, StoreError)
    assert isinstance(error, ConnectionLost) == again
    assert error.hint
