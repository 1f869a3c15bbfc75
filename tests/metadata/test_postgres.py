"""What only PostgreSQL can do to a store: refuse, vanish, come back, stand behind a pooler."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from solvent.errors import StoreError
from solvent.metadata import migrations, sessions
from solvent.metadata.advisory import AdvisoryLocks
from solvent.metadata.dialect import to_postgres
from solvent.metadata.opening import open_metadata
from solvent.metadata.store import MetadataStore
from tests.metadata.records import add, run, step_run
from tests.servers import Postgres, free_port, own_postgres, wait_until

pytestmark = pytest.mark.slow


def refused(url: str, *, create: bool = True) -> StoreError:
    with pytest.raises(StoreError) as raised:
        open_metadata("", url, create=create)
    return raised.value


def opened(url: str) -> MetadataStore | None:
    try:
        return open_metadata("", url)
    except StoreError as error:
        if "reached" not in error.problem:
            raise
        return None


@pytest.fixture
def store(postgres_url: str) -> Iterator[MetadataStore]:
    with open_metadata("", postgres_url) as opened:
        yield opened


# What is wrong with a URL or behind it


def test_a_url_of_an_unknown_kind_offers_the_nearest_and_shows_nothing_of_it() -> None:
    error = refused("postgress://zoe:secret@host/db")
    assert "no metadata store for postgress: URLs; did you mean 'postgres'?" in error.problem
    assert "secret" not in str(error)
    assert "secret" not in str(refused("zoe:secret@host/db"))


def test_a_url_that_cannot_be_read_shows_nothing_of_it() -> None:
    for url in (
        "postgresql://zoe:sec/ret@host:54x/db",
        "postgresql://zoe:secret@[host/db",
        "postgresql://h/d?colour=secret",
    ):
        error = refused(url)
        assert "can't be read" in error.problem
        assert "secret" not in str(error)


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    began = time.monotonic()
    port = free_port()
    error = refused(f"postgresql://zoe:secret@127.0.0.1:{port}/team")
    assert "can't be reached (Connection refused" in error.problem
    assert error.where == f"postgresql://zoe@127.0.0.1:{port}/team"
    assert "secret" not in str(error)
    assert time.monotonic() - began < 5


def test_a_host_that_is_not_known_says_so() -> None:
    assert "is not known: no-such-host.invalid" in refused("postgresql://zoe@no-such-host.invalid/db").problem


def test_an_unknown_database_says_how_to_make_it(postgres: Postgres) -> None:
    error = refused(postgres.url("nowhere"))
    assert "no database nowhere" in error.problem
    assert "CREATE DATABASE nowhere" in (error.hint or "")


def test_an_unknown_user_says_so(postgres: Postgres) -> None:
    assert "no user nobody_known" in refused(postgres.url(user="nobody_known")).problem


def test_a_schema_that_is_not_there_is_made_only_if_wanted(postgres: Postgres) -> None:
    url = postgres.url(schema="made")
    error = refused(url, create=False)
    assert "no metadata store yet: the database has no schema made" in error.problem
    with open_metadata("", url) as store:
        add(store, run("r1"))
    with open_metadata("", url, create=False) as store:
        assert store.find_run("latest").id == "r1"
    postgres.ask("DROP SCHEMA made CASCADE")


def test_an_empty_schema_is_no_store_yet(postgres_url: str) -> None:
    error = refused(postgres_url, create=False)
    assert "no metadata store yet" in error.problem
    assert error.where is not None
    assert "schema=" in error.where


def test_a_user_who_may_not_make_tables_is_told_what_to_grant(postgres: Postgres) -> None:
    postgres.ask("CREATE ROLE guest LOGIN")
    postgres.ask("CREATE SCHEMA closed")
    postgres.ask("GRANT USAGE ON SCHEMA closed TO guest")
    try:
        error = refused(postgres.url(user="guest", schema="closed"))
        assert "may not do that (permission denied for schema closed)" in error.problem
        assert "GRANT CREATE, USAGE ON SCHEMA closed TO guest" in (error.hint or "")
        assert "may not do that" in refused(postgres.url(user="guest", schema="another")).problem
    finally:
        postgres.ask("DROP SCHEMA closed CASCADE")
        postgres.ask("DROP ROLE guest")


def test_a_database_in_another_encoding_is_refused(postgres: Postgres) -> None:
    postgres.ask("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    error = refused(postgres.url("latin"))
    assert "has the encoding LATIN1; it must be UTF8" in error.problem
    postgres.ask("DROP DATABASE latin")


def test_the_tables_of_another_program_are_left_alone(postgres: Postgres, postgres_url: str) -> None:
    schema = postgres_url.rpartition("=")[2]
    postgres.ask(f"CREATE TABLE {schema}.migrations (version TEXT)")
    error = refused(postgres_url)
    assert "belongs to another program" in error.problem
    assert "?schema=NAME" in (error.hint or "")
    tables = postgres.ask(f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'")
    assert tables == [("migrations",)]


def test_a_newer_store_is_refused(postgres: Postgres, postgres_url: str) -> None:
    open_metadata("", postgres_url).close()
    schema = postgres_url.rpartition("=")[2]
    postgres.ask(f"INSERT INTO {schema}.migrations (number, applied_at) VALUES (99, 0)")
    assert "has schema 99" in refused(postgres_url).problem


def test_an_old_store_is_brought_to_the_newest_schema_with_its_data(postgres: Postgres, postgres_url: str) -> None:
    with psycopg.connect(postgres_url.partition("?")[0], autocommit=True) as connection:
        connection.execute(f"SET search_path = {postgres_url.rpartition('=')[2]}")
        for statement in migrations.statements(1):
            connection.execute(to_postgres(statement).encode(), ())
        connection.execute("INSERT INTO migrations (number, applied_at) VALUES (1, 0)")
        connection.execute(
            "INSERT INTO runs (id, pipeline, target, status, started_at, user_name, host, cwd, command, engine, seed,"
            " config, config_sources, counts)"
            " VALUES ('r1', 'p', 't', 'done', 1, 'u', 'h', '/', 'c', 'inline', 0, '{}', '{}', '{}')"
        )
    with open_metadata("", postgres_url) as store:
        assert store.schema_number() == migrations.SCHEMA
        assert (store.find_run("r1").project, store.kept_copy) == ("", None)


@pytest.fixture(scope="module")
def small() -> Iterator[Postgres]:
    """A server of its own, with few connections."""
    with own_postgres(
        "fsync=off", "max_connections=5", "superuser_reserved_connections=0", "max_wal_senders=0"
    ) as server:
        yield server


def test_a_wrong_password_is_refused_and_shown_nowhere(small: Postgres) -> None:
    small.ask("CREATE ROLE zoe LOGIN PASSWORD 'right'")
    hba = small.data / "pg_hba.conf"
    hba.write_text("host all zoe 127.0.0.1/32 scram-sha-256\n" + hba.read_text("utf-8"), "utf-8")
    small.ask("SELECT pg_reload_conf()")
    url = small.url(user="zoe:wr%40ng")
    error = wait_until(lambda: (found := refused(url)) and "password" in found.problem and found)
    assert "refused the password of zoe" in error.problem
    assert "wr" + "@ng" not in str(error)
    assert "wr%40ng" not in str(error)
    assert "refused the password" in refused(small.url(user="zoe")).problem


def test_a_full_server_is_waited_for(small: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Any] = []

    def take() -> bool:
        with suppress(psycopg.Error):
            taken.append(psycopg.connect(small.url()))
        return len(taken) == 5

    try:
        wait_until(take)
        soon = threading.Timer(0.3, taken.pop().close)
        soon.start()
        open_metadata("", small.url()).close()
        soon.join()
        wait_until(take)
        monkeypatch.setattr(sessions, "PATIENCE_SECONDS", 0.2)
        error = refused(small.url())
        assert "no connection left" in error.problem
        assert "Each run takes three" in (error.hint or "")
    finally:
        for connection in taken:
            connection.close()


def test_a_server_that_is_too_old_is_refused() -> None:
    with _claiming({"server_version": "11.22", "server_encoding": "UTF8"}) as port:
        error = refused(f"postgresql://zoe@127.0.0.1:{port}/db")
    assert "is PostgreSQL 11; Solvent needs 12 or newer" in error.problem


class _claiming:
    """A server that lets anyone in, says what it is told to say of itself, and hears nothing."""

    def __init__(self, parameters: dict[str, str]) -> None:
        said = b"".join(
            _message(b"S", name.encode() + b"\0" + value.encode() + b"\0") for name, value in parameters.items()
        )
        self._hello = _message(b"R", b"\0\0\0\0") + said + _message(b"K", b"\0\0\0\1\0\0\0\1") + _message(b"Z", b"I")

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return int(self._socket.getsockname()[1])

    def __exit__(self, *raised: object) -> None:
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        client, _ = self._socket.accept()
        with client:
            while len(asked := client.recv(4096)) == 8:
                client.sendall(b"N")  # no encryption
            assert b"user" in asked
            client.sendall(self._hello)
            while client.recv(4096):
                pass


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


# What the database can't hold, and what it must not mix up


def test_text_that_the_database_refuses_is_written_with_escapes(store: MetadataStore) -> None:
    add(store, run("r1", user="a\0b", host="c\udc80d"), step_run("r1", 0, why="\0\udcff"))
    assert (store.find_run("r1").user, store.find_run("r1").host) == ("a\\x00b", "c\\udc80d")
    assert store.step_run("r1", 0).why == "\\x00\\udcff"


def test_a_part_that_was_refused_leaves_nothing_of_its_transaction_even_if_nobody_heard(store: MetadataStore) -> None:
    with pytest.raises(StoreError, match="Nothing of the transaction"), store.transaction():  # noqa: PT012
        store.add_run(run("r1"))
        with pytest.raises(StoreError, match="does not fit"):
            store.add_step_run(step_run("no run", 0))
    assert store.list_runs() == []


def test_damage_and_settings_that_promise_less_are_told(postgres: Postgres, store: MetadataStore) -> None:
    assert store.check() == []
    assert any("fsync=off" in each for each in store.weaknesses())
    postgres.ask(
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{_schema(store)}.runs_by_start'::regclass"
    )
    assert store.check() == ["index runs_by_start is not valid"]


def _schema(store: MetadataStore) -> str:
    return str(store.row("SELECT current_schema()")[0])


def test_a_writer_that_goes_silent_is_not_waited_for_forever_and_may_begin_again(postgres_url: str) -> None:
    with open_metadata("", postgres_url) as silent, open_metadata("", postgres_url) as other:
        with pytest.raises(StoreError, match="was lost"), silent.transaction():  # noqa: PT012
            silent.add_run(run("r1"))
            silent.execute("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
            add(other, run("r2"))
        assert [each.id for each in other.list_runs()] == ["r2"]
        silent.write(lambda: silent.add_run(run("r1")))
        assert len(other.list_runs()) == 2


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="no pgbouncer is installed")
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_is_refused_unless_it_gives_sessions(postgres: Postgres, tmp_path: Path, mode: str) -> None:
    port = free_port()
    settings = {
        "listen_addr": "127.0.0.1", "listen_port": port, "auth_type": "any", "pool_mode": mode, "default_pool_size": 20,
        "unix_socket_dir": "", "ignore_startup_parameters": "extra_float_digits",
    }  # fmt: skip
    lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
    where = f"host=127.0.0.1 port={postgres.port} user=pg"
    (tmp_path / "pgbouncer.ini").write_text(f"[databases]\n* = {where}\n[pgbouncer]\n{lines}\n", "utf-8")
    tmp_path.chmod(0o755)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(tmp_path / "pgbouncer.ini", folder)
        user = {"user": "nobody"} if os.geteuid() == 0 else {}
        pooler = subprocess.Popen(["pgbouncer", "-q", f"{folder}/pgbouncer.ini"], stderr=subprocess.DEVNULL, **user)
        try:
            url = f"postgresql://pg@127.0.0.1:{port}/postgres?schema=pooled"
            if mode == "transaction":
                error = wait_until(lambda: (found := refused(url)) and "reached" not in found.problem and found)
                assert "pooler in transaction mode" in error.problem
            else:
                with wait_until(lambda: opened(url)) as store:
                    add(store, run("r1"))
                locks = AdvisoryLocks(url)
                assert locks.try_lock("a")
                locks.close()
        finally:
            pooler.terminate()
            pooler.wait()
            postgres.ask("DROP SCHEMA IF EXISTS pooled CASCADE")
