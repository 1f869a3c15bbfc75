import os
import sqlite3
import stat
import tempfile
from pathlib import Path

import pytest

from solvent.errors import StoreError
from solvent.metadata.store import MetadataStore
from tests.metadata.programs import start
from tests.metadata.records import add, artifact, digest, execution, run, step_run, write
from tests.metadata.writers import STEPS, look


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metadata.db"


def refused(path: Path, *, create: bool = True) -> StoreError:
    with pytest.raises(StoreError) as raised:
        MetadataStore.open(path, create=create)
    return raised.value


def test_a_store_is_made_with_its_folders_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "metadata.db"
    write(path, run("r1"))
    with MetadataStore.open(path, create=False) as store:
        assert store.find_run("latest").id == "r1"


def test_a_store_that_is_not_there_is_only_made_if_wanted(path: Path) -> None:
    error = refused(path, create=False)
    assert "no metadata store yet" in error.problem
    assert error.where == str(path)
    assert not path.exists()


def test_a_store_logs_ahead_and_syncs_every_commit(path: Path) -> None:
    with MetadataStore.open(path) as store:
        assert store.row("PRAGMA journal_mode") == ("wal",)
        assert store.row("PRAGMA synchronous") == (2,)
        assert store.row("PRAGMA busy_timeout") == (30_000,)
        assert store.row("PRAGMA foreign_keys") == (1,)


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    write(path, run("r1"))


def test_a_newer_store_is_refused_and_not_touched(path: Path) -> None:
    write(path, run("r1"))
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations (number, applied_at) VALUES (99, 0)")
    connection.close()
    before = path.read_bytes()
    error = refused(path)
    assert "has schema 99" in error.problem
    assert error.where == str(path)
    assert error.hint is not None
    assert "Upgrade Solvent" in error.hint
    assert path.read_bytes() == before


def test_a_file_of_something_else_is_refused_and_not_touched(path: Path) -> None:
    path.write_bytes(b"name,delay\n" * 1000)
    error = refused(path)
    assert "no metadata store, or it is damaged" in error.problem
    assert error.hint is not None
    assert path.read_bytes() == b"name,delay\n" * 1000


def test_a_database_of_another_program_is_refused_and_gets_no_tables(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    assert "belongs to another program" in refused(path).problem
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]
    connection.close()


def test_a_truncated_store_is_refused(path: Path) -> None:
    write(path, run("r1"))
    os.truncate(path, path.stat().st_size // 2)
    assert "damaged" in refused(path).problem


def test_damage_inside_is_an_error_of_the_store_when_it_is_met(path: Path) -> None:
    write(
        path, run("r1"), *(step_run("r1", number, execution=execution({"": artifact(number)})) for number in range(300))
    )
    with MetadataStore.open(path) as store:
        (page,) = store.row("SELECT rootpage FROM sqlite_master WHERE name = 'step_runs'")
        (size,) = store.row("PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    with MetadataStore.open(path) as store:
        assert store.check() != []
        with pytest.raises(StoreError, match="damaged") as raised:
            store.list_step_runs("r1")
    assert raised.value.where == str(path)


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir()
    assert "this is a folder" in refused(path).problem


def test_a_file_in_the_place_of_its_folder_is_refused(path: Path) -> None:
    path.write_text("x")
    error = refused(path / "metadata.db")
    assert "can't be made in this folder" in error.problem


OPENING = """
import os, sys
import pathlib, urllib.parse
from solvent.metadata import complaints, store
if os.geteuid() == 0:
    # Root may write anywhere; the modules are read before it gives that up.
    for path in sys.argv[1], os.path.dirname(sys.argv[1]):
        if os.path.exists(path):
            os.chown(path, 65534, 65534)
    os.setuid(65534)
try:
    opened = store.MetadataStore.open(sys.argv[1], create=len(sys.argv) < 3)
    print(*[run.id for run in opened.list_runs()])
    opened.execute("DELETE FROM runs")
except store.StoreError as error:
    print(error.problem, error.where, error.hint)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions as POSIX has them")
@pytest.mark.parametrize("what", ["file", "folder", "new file"])
def test_a_read_only_store_is_refused(what: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "metadata.db")
        if what != "new file":
            write(path, run("r1"))
        (path if what == "file" else path.parent).chmod(stat.S_IRUSR | stat.S_IXUSR)
        output, _ = start("-c", OPENING, str(path)).communicate()
        path.parent.chmod(stat.S_IRWXU)
    assert "read-only" in output
    assert folder in output
    assert "writable" in output


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions as POSIX has them")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_store_can_be_read(what: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "metadata.db")
        write(path, run("r1"))
        (path if what == "file" else path.parent).chmod(stat.S_IRUSR | stat.S_IXUSR)
        output, _ = start("-c", OPENING, str(path), "read").communicate()
        path.parent.chmod(stat.S_IRWXU)
        assert output.startswith("r1\nThe metadata store can't be written.")
        assert [each.name for each in path.parent.iterdir()] == ["metadata.db"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions as POSIX has them")
def test_a_read_only_store_whose_log_can_not_be_read_says_what_to_do() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "metadata.db")
        with MetadataStore.open(path) as store:
            add(store, run("r1"))
            killed = Path(folder, "killed")
            killed.mkdir()
            for name in ("metadata.db", "metadata.db-wal"):
                (killed / name).write_bytes(Path(folder, name).read_bytes())
        for name in ("metadata.db", "metadata.db-wal"):
            os.chown(killed / name, 65534, 65534) if os.geteuid() == 0 else None
        killed.chmod(stat.S_IRUSR | stat.S_IXUSR)
        path.parent.chmod(0o755)
        output, _ = start("-c", OPENING, str(killed / "metadata.db"), "read").communicate()
        killed.chmod(stat.S_IRWXU)
    assert "still in its log" in output
    assert "copy" in output


def test_a_full_disk_writes_nothing_of_the_transaction_and_the_store_goes_on(path: Path) -> None:
    with MetadataStore.open(path) as store:
        add(store, run("r1"))
        store.execute(f"PRAGMA max_page_count={store.row('PRAGMA page_count')[0] + 5}")
        big = execution({"": artifact(1)}, log=b"x" * 100_000)
        with pytest.raises(StoreError, match="disk is full") as raised:
            add(store, step_run("r1", 0, execution=execution({})), step_run("r1", 1, execution=big))
        assert raised.value.where == str(path)
        assert store.list_step_runs("r1") == []
        add(store, step_run("r1", 0, execution=execution({})))
        assert len(store.list_step_runs("r1")) == 1


def test_a_store_that_another_process_keeps_busy_says_so(path: Path) -> None:
    with MetadataStore.open(path) as one, MetadataStore.open(path) as other:
        other.execute("PRAGMA busy_timeout=1")
        with one.transaction(), pytest.raises(StoreError, match="has been writing"):
            add(other, run("r1"))
        add(other, run("r1"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_20_processes_make_and_write_one_store_at_once_and_nothing_is_lost(path: Path) -> None:
    processes, runs = 20, 3
    program = start("-m", "tests.metadata.writers", str(path), str(processes), str(runs))
    output, _ = program.communicate()
    assert (program.returncode, output) == (0, "")
    with MetadataStore.open(path) as store:
        assert {each.status for each in store.list_runs(limit=1000)} == {"done"}
        assert store.row("SELECT COUNT(*) FROM runs") == (processes * runs,)
        assert store.row("SELECT COUNT(*) FROM step_runs") == (processes * runs * STEPS,)
        assert store.row("SELECT COUNT(*) FROM artifacts") == (processes * runs * STEPS + 1,)
        assert len(store.find_executions(digest("key", 0), limit=1000)) == processes * STEPS
        assert store.check() == []


def test_a_writer_killed_at_work_leaves_whole_step_runs_and_a_store_that_goes_on(path: Path) -> None:
    work = "import sys; from tests.metadata.writers import write_runs; write_runs(sys.argv[1], 0, 1000)"
    with MetadataStore.open(path) as store:
        for done in (3, 6, 9):
            program = start("-c", work.replace("sys.argv[1], 0", f"sys.argv[1], {done}"), str(path))
            while store.row("SELECT COUNT(*) FROM runs WHERE status = 'done'")[0] < done:
                assert program.poll() is None
            program.kill()
            program.communicate()
            look(store, limit=100)
        assert store.check() == []
        add(store, run("r1"))
