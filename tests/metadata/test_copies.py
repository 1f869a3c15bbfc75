"""Before a store gets a new schema, what it was is kept beside it."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from solvent.metadata import migrations
from solvent.metadata.copies import keep_copy
from solvent.metadata.store import MetadataStore
from tests.data.stores.unpacking import RELEASED, unpack


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return unpack(RELEASED[0], tmp_path) / ".solvent" / "metadata.sqlite"


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as store:
        return list(store.iterdump())


def test_the_copy_is_the_store_as_it_was_and_is_private(old: Path) -> None:
    before = dump(old)
    with MetadataStore.open(old) as store:
        assert store.kept_copy == f"{old}.before-{migrations.SCHEMA}"
    copy = Path(f"{old}.before-{migrations.SCHEMA}")
    assert dump(copy) == before != dump(old)
    assert os.name == "nt" or stat.S_IMODE(copy.stat().st_mode) == 0o600
    with MetadataStore.open(old) as store:
        assert store.kept_copy is None


def test_a_new_store_and_one_of_no_file_are_not_copied(tmp_path: Path) -> None:
    with MetadataStore.open(tmp_path / "metadata.db") as store:
        assert store.kept_copy is None
    assert [path.name for path in tmp_path.glob("*before*")] == []
    assert keep_copy("postgresql://host/database", 2) is None


def test_no_copy_is_overwritten_and_the_same_is_not_kept_twice(old: Path) -> None:
    first, again = keep_copy(str(old), 2), keep_copy(str(old), 2)
    assert first == again == f"{old}.before-2"
    with closing(sqlite3.connect(old)) as store:
        store.execute("DELETE FROM notes")
        store.commit()
    before = Path(first).read_bytes()
    assert keep_copy(str(old), 2) == f"{old}.before-2-2"
    assert Path(first).read_bytes() == before


def test_the_copy_holds_rows_that_are_still_in_the_log_and_halves_of_killed_copies_go(old: Path) -> None:
    half = Path(f"{old}.copying-1")
    half.write_bytes(b"half")
    with closing(sqlite3.connect(old, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("UPDATE runs SET user_name = 'bob'")
        copy = keep_copy(str(old), 2)
    with closing(sqlite3.connect(str(copy))) as found:
        assert found.execute("SELECT DISTINCT user_name FROM runs").fetchall() == [("bob",)]
    assert not half.exists()
