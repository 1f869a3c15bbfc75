import hashlib
import os
import re
from pathlib import Path

import pytest

from solvent.errors import StoreError
from solvent.metadata import migrations
from solvent.metadata.store import MetadataStore
from tests.metadata.records import run, write

SCHEMA = Path(migrations.__file__).parent / "schema"

RELEASED = {
    "0001.sql": "791641826d189cf0",
    "0002.sql": "7f2748c571e6ccef",
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
    later = {3: ["CREATE TABLE more (a TEXT)", "BROKEN"], 4: ["CREATE TABLE third (a TEXT)"]}
    monkeypatch.setattr(migrations, "SCHEMA", 4)
    monkeypatch.setattr(migrations, "statements", lambda number: later.get(number) or known(number))
    with pytest.raises(StoreError, match="BROKEN"):
        MetadataStore.open(path)
    later[3].pop()
    with MetadataStore.open(path) as store:
        assert store.rows("SELECT number FROM migrations ORDER BY number") == [(1,), (2,), (3,), (4,)]
        assert store.row("SELECT COUNT(*) FROM sqlite_master WHERE name IN ('more', 'third')") == (2,)
        assert store.find_run("latest").id == "r1"
