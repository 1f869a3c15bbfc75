import hashlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from solvent.errors import StoreError
from solvent.metadata import migrations
from solvent.metadata.dialect import to_postgres
from solvent.metadata.opening import open_metadata
from solvent.metadata.store import MetadataStore
from tests.data.stores.unpacking import RELEASED as STORES
from tests.data.stores.unpacking import unpack
from tests.metadata.records import run, write
from tests.servers import Postgres

SCHEMA = Path(migrations.__file__).parent / "schema"

RELEASED = {
    "0001.sql": "791641826d189cf0",
    "0002.sql": "738f4d9933ac7cb3",
    "0003.sql": "fe9e2075d5037f79",
    "0004.sql": "f0c9ade13bfb6743",
}
"""A migration that people have applied never changes: a new number is added instead."""


def test_a_migration_never_changes() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(SCHEMA.glob("*.sql"))}
    assert found == RELEASED


def test_the_newest_schema_is_the_last_file() -> None:
    assert [path.name for path in sorted(SCHEMA.iterdir())] == [f"{n + 1:04}.sql" for n in range(migrations.SCHEMA)]


def test_the_tables_are_those_of_the_golden_file(store: MetadataStore) -> None:
    lines = []
    for kind, name in store.rows("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"):
        columns = [f"{row[1]} {row[2]}".strip() for row in store.rows(f"PRAGMA table_info({name})")]
        lines.append(f"{kind} {name}: {', '.join(columns)}".removesuffix(": "))
    golden = Path(__file__).with_name("schema.golden")
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text("\n".join(lines) + "\n", "utf-8")
    assert lines == golden.read_text("utf-8").splitlines()


def test_the_schema_uses_only_what_other_databases_have() -> None:
    for number in range(1, migrations.SCHEMA + 1):
        for statement in migrations.statements(number):
            code = re.sub(r"--.*|'[^']*'", "", statement)
            types = set(re.findall(r"^    \w+ +([A-Z]+(?: PRECISION)?)", code, re.M)) - {"KEY", "REFERENCES"}
            assert types <= {"TEXT", "INTEGER", "BIGINT", "DOUBLE PRECISION", "BLOB"}
            assert not re.search(r"AUTOINCREMENT|WITHOUT ROWID|STRICT|IFNULL|ROUND\(|\bREPLACE\b|`|\[", code)


def test_an_old_store_is_brought_to_the_newest_schema_in_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metadata.db"
    write(path, run("r1"))
    known = migrations.statements
    later = {5: ["CREATE TABLE more (a TEXT)", "BROKEN"], 6: ["CREATE TABLE third (a TEXT)"]}
    monkeypatch.setattr(migrations, "SCHEMA", 6)
    monkeypatch.setattr(migrations, "statements", lambda number: later.get(number) or known(number))
    with pytest.raises(StoreError, match="BROKEN"):
        MetadataStore.open(path)
    later[5].pop()
    with MetadataStore.open(path) as store:
        assert store.rows("SELECT number FROM migrations ORDER BY number") == [(1,), (2,), (3,), (4,), (5,), (6,)]
        assert store.row("SELECT COUNT(*) FROM sqlite_master WHERE name IN ('more', 'third')") == (2,)
        assert store.find_run("latest").id == "r1"


PROGRAM = Path(__file__).with_name("killed_migration.py")


def migrate_and_die(path: Path | str, statement: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), str(path), str(statement)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="this system has no SIGKILL")
@pytest.mark.parametrize("archive", STORES, ids=lambda path: path.name)
def test_a_migration_that_is_killed_at_any_statement_leaves_the_old_or_the_new(archive: Path, tmp_path: Path) -> None:
    whole = unpack(archive, tmp_path / "whole") / ".solvent" / "metadata.sqlite"
    before = shape(whole)
    count = int(migrate_and_die(whole, 0).stdout)
    after = shape(whole)
    assert count > 8
    assert before != after
    for statement in range(1, count + 1):
        path = unpack(archive, tmp_path / str(statement)) / ".solvent" / "metadata.sqlite"
        assert migrate_and_die(path, statement).returncode == -signal.SIGKILL
        assert shape(path) == before, "nothing is there before the commit, which is the last statement"
        with MetadataStore.open(path) as store:
            assert len(store.list_runs()) == 5
            assert store.check() == []
        assert shape(path) == after
        assert [each.name for each in path.parent.glob("*.copying-*")] == []


def shape(path: Path) -> list[str]:
    """All tables with their columns, and the numbers of the migrations."""
    with closing(sqlite3.connect(path)) as store:
        made = [sql for (sql,) in store.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")]
        return [*made, str(store.execute("SELECT number FROM migrations ORDER BY number").fetchall())]


@pytest.mark.slow
def test_on_postgresql_too_a_migration_that_is_killed_leaves_the_old_or_the_new(
    postgres: Postgres, postgres_url: str
) -> None:
    schema = postgres_url.rpartition("=")[2]
    statements = [to_postgres(each) for each in migrations.statements(1)]
    old = f"""{";".join(statements)}; INSERT INTO migrations (number, applied_at) VALUES (1, 0);
        INSERT INTO runs (id, pipeline, target, status, started_at, user_name, host, cwd, command, engine, seed,
            config, config_sources, counts)
        VALUES ('r1', 'p', 't', 'done', 1, 'u', 'h', '/', 'c', 'inline', 0, '{{}}', '{{}}', '{{}}')"""

    def columns() -> list[str]:
        sql = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = '{0}'"
        return sorted(name for (name,) in postgres.ask(sql.format(schema)))

    def make_old() -> None:
        postgres.ask(f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}; SET search_path = {schema}; {old}")

    make_old()
    before = columns()
    count = int(migrate_and_die(postgres_url, 0).stdout)
    after = columns()
    assert count > 5
    assert before != after
    for statement in range(1, count + 1):
        make_old()
        assert migrate_and_die(postgres_url, statement).returncode == -signal.SIGKILL
        assert columns() == before
        with open_metadata("", postgres_url) as store:
            assert (store.find_run("r1").project, store.schema_number()) == ("", migrations.SCHEMA)
        assert columns() == after


def test_a_store_of_a_later_release_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = unpack(STORES[0], tmp_path) / ".solvent" / "metadata.sqlite"
    with closing(sqlite3.connect(path)) as later:
        later.execute("INSERT INTO migrations VALUES (99, 0)")
        later.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="has schema 99; this version of Solvent knows schemas up to") as refused:
        MetadataStore.open(path)
    assert "Upgrade Solvent" in str(refused.value)
    assert path.read_bytes() == before
    assert list(path.parent.glob("*before*")) == []


@pytest.mark.slow
def test_many_processes_that_open_an_old_store_at_once_migrate_and_copy_it_once(tmp_path: Path) -> None:
    path = unpack(STORES[0], tmp_path) / ".solvent" / "metadata.sqlite"
    command = [sys.executable, str(PROGRAM), str(path), "0"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [each.communicate()[0] != "" and each.returncode for each in started] == [0] * 4
    assert [each.name for each in path.parent.glob("*.before-*")] == [f"metadata.sqlite.before-{migrations.SCHEMA}"]
