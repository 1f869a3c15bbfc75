"""What an execution reads is seen, and whether it would read the same now is told."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest

from solvent.model import Observation
from solvent.runs.observe import Observer, describe, still_holds


@pytest.fixture
def observer(project: Path) -> Observer:
    (project / "a.txt").write_text("a")
    (project / "folder").mkdir()
    return Observer(str(project), str(project / ".solvent"))


def seen(observer: Observer) -> list[tuple[str, str]]:
    return [(each.kind, each.subject) for each in observer.observations()]


def test_reads_and_listings_count_and_writes_do_not(observer: Observer, project: Path) -> None:
    with observer:
        Path("a.txt").read_text()
        os.listdir("folder")
        Path("made.txt").write_text("x")
        Path("made.txt").read_text()
        with pytest.raises(FileNotFoundError):
            Path("absent.txt").read_text()
    assert seen(observer) == [("file", "a.txt"), ("file", "absent.txt"), ("folder", "folder")]


def test_what_belongs_to_packages_the_interpreter_and_the_store_does_not_count(
    observer: Observer, project: Path
) -> None:
    (project / ".solvent").mkdir()
    (project / ".solvent" / "x").write_text("x")
    with observer:
        Path(os.__file__).read_bytes()
        Path(pytest.__file__).read_bytes()
        (project / ".solvent" / "x").read_text()
        Path("/proc/self/stat").read_text()
    assert seen(observer) == []


def test_an_observation_holds_until_what_was_seen_changes(observer: Observer, project: Path) -> None:
    with observer:
        Path("a.txt").read_text()
        os.listdir("folder")
        with pytest.raises(FileNotFoundError):
            Path("absent.txt").read_text()
    file, absent, folder = observer.observations()
    root = str(project)
    assert all(still_holds(each, root, None) for each in (file, absent, folder))
    (project / "a.txt").write_text("b")
    (project / "absent.txt").write_text("")
    (project / "folder" / "new").write_text("")
    assert not any(still_holds(each, root, None) for each in (file, absent, folder))
    assert describe(file) == "file a.txt changed"
    assert describe(absent) == "file absent.txt is there now"


def test_a_file_that_changes_meanwhile_never_holds(observer: Observer, project: Path) -> None:
    with observer:
        Path("a.txt").read_text()
        subprocess.run([sys.executable, "-S", "-c", "open('a.txt', 'a').write('more')"], check=True)
    changed = next(each for each in observer.observations() if each.subject == "a.txt")
    assert changed == Observation("file", "a.txt", "changed")
    assert not still_holds(changed, str(project), None)


def test_child_processes_report_what_they_read(observer: Observer) -> None:
    with observer:
        subprocess.run([sys.executable, "-c", "open('a.txt').read()"], check=True)
    assert ("file", "a.txt") in seen(observer)


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_native_readers_are_noticed(observer: Observer, project: Path, library: str) -> None:
    import polars as pl
    import pyarrow.parquet as pq

    pl.DataFrame({"a": [1]}).write_parquet("t.parquet")
    watcher = Observer(str(project), str(project / ".solvent"))
    with watcher:
        if library == "pyarrow":
            pq.ParquetFile("t.parquet").read()
        else:
            pl.scan_parquet("t.parquet").collect()
    assert ("file", "t.parquet") in seen(watcher)


def test_a_child_says_nothing_of_being_watched(observer: Observer) -> None:
    with observer:
        done = subprocess.run([sys.executable, "-c", "print(1)"], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_an_imported_module_counts_by_its_code_and_not_its_comments(observer: Observer, project: Path) -> None:
    module = project / "plugin_that_is_seen.py"
    module.write_text('"""Doc."""\nVALUE = 1  # one\n')
    sys.path.insert(0, str(project))
    try:
        with observer:
            import plugin_that_is_seen  # type: ignore[import-not-found] # noqa: F401
    finally:
        sys.path.remove(str(project))
        sys.modules.pop("plugin_that_is_seen", None)
    # Finders that other tests have left behind may list the folder.
    (found,) = [each for each in observer.observations() if each.kind == "module"]
    assert found[:2] == ("module", "plugin_that_is_seen.py")
    module.write_text('"""Another."""\n\nVALUE = 1\n')
    assert still_holds(found, str(project), None)
    module.write_text('"""Another."""\n\nVALUE = 2\n')
    assert not still_holds(found, str(project), None)
    module.write_text("VALUE =\n")
    assert not still_holds(found, str(project), None)
    module.unlink()
    assert not still_holds(found, str(project), None)


def test_declared_files_and_known_modules_do_not_count(project: Path) -> None:
    (project / "a.txt").write_text("a")
    (project / "folder").mkdir()
    (project / "folder" / "b.txt").write_text("b")
    observer = Observer(str(project), str(project / ".solvent"), declared=["a.txt", "folder"])
    with observer:
        Path("a.txt").read_text()
        os.listdir("folder")
        Path("folder/b.txt").read_text()
    assert seen(observer) == []


def test_a_thread_of_ours_does_not_count_and_one_of_the_step_does(project: Path) -> None:
    (project / "ours.txt").write_text("a")
    (project / "its.txt").write_text("a")
    goes, done, goes_on = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        goes.wait()
        Path("ours.txt").read_text()
        done.set()
        goes_on.wait()

    ours = threading.Thread(target=write)
    ours.start()
    assert ours.ident is not None
    observer = Observer(str(project), str(project / ".solvent"), ignore_threads={ours.ident})
    with observer:
        goes.set()
        done.wait()
        its = threading.Thread(target=Path("its.txt").read_text)
        its.start()
        its.join()
    goes_on.set()
    ours.join()
    assert seen(observer) == [("file", "its.txt")]


def test_two_steps_in_two_threads_see_what_is_theirs(project: Path) -> None:
    together = threading.Barrier(2)
    found: dict[str, list[tuple[str, str]]] = {}

    for name in ("one", "two"):
        (project / name).write_text("x")

    def step(name: str) -> None:
        observer = Observer(str(project), str(project / ".solvent"))
        with observer:
            together.wait()
            Path(name).read_text()
            together.wait()
        found[name] = seen(observer)

    threads = [threading.Thread(target=step, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"one": [("file", "one")], "two": [("file", "two")]}


def test_folders_and_files_that_the_step_made_do_not_count(observer: Observer, project: Path) -> None:
    with observer:
        os.makedirs("out/deep")
        Path("out/deep/x").write_text("x")
        os.listdir("out")
        os.replace("out/deep/x", "moved.txt")
        Path("moved.txt").read_text()
        shutil.copy("a.txt", "copy.txt")
        Path("copy.txt").read_text()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "y").write_text("y")
            Path(folder, "y").read_text()
            list(os.scandir(folder))
    assert seen(observer) == [("file", "a.txt")]


def test_a_file_that_is_read_and_then_replaced_never_holds(observer: Observer, project: Path) -> None:
    with observer:
        text = Path("a.txt").read_text()
        Path("a.txt").write_text(text + "!")
    (found,) = observer.observations()
    assert found == Observation("file", "a.txt", "changed")
    assert describe(found) == "file a.txt changed while the step ran"


def test_a_database_counts_with_what_stands_beside_it(observer: Observer, project: Path) -> None:
    base = sqlite3.connect("base.db")
    base.execute("pragma journal_mode=wal")
    base.execute("create table t(a)")
    base.commit()
    with observer:
        sqlite3.connect("file:base.db?mode=ro", uri=True).close()
        sqlite3.connect(":memory:").close()
        sqlite3.connect("made.db").close()
    base.close()
    assert [each.subject for each in observer.observations()] == ["base.db", "base.db-wal"]


def test_a_forked_child_reports_what_it_reads(observer: Observer, project: Path) -> None:
    with observer:
        child = os.fork()
        if not child:
            Path("a.txt").read_text()
            os._exit(0)
        os.waitpid(child, 0)
    assert seen(observer) == [("file", "a.txt")]


def test_what_a_child_made_does_not_count(observer: Observer, project: Path) -> None:
    with observer:
        subprocess.run([sys.executable, "-c", "open('new.txt', 'w').write('x')"], check=True)
        Path("new.txt").read_text()
    assert seen(observer) == []


def test_a_program_in_another_language_counts_the_files_on_its_command_line(observer: Observer) -> None:
    with observer:
        subprocess.run(["cat", "a.txt"], check=True, stdout=subprocess.DEVNULL)
    assert seen(observer) == [("file", "a.txt")]


def test_a_traceback_that_shows_source_reads_nothing(observer: Observer, project: Path) -> None:
    (project / "failing.py").write_text("def fail():\n    raise ValueError\n")
    names: dict[str, Any] = {}
    exec(compile((project / "failing.py").read_text(), str(project / "failing.py"), "exec"), names)
    with observer:
        try:
            names["fail"]()
        except ValueError:
            assert "raise ValueError" in traceback.format_exc()
    assert seen(observer) == []


def test_a_later_step_does_not_see_what_an_earlier_one_saw(project: Path) -> None:
    (project / "a.txt").write_text("a")
    one, other = (Observer(str(project), str(project / ".solvent")) for _ in range(2))
    with one:
        subprocess.run([sys.executable, "-c", "open('a.txt').read()"], check=True)
    with other:
        pass
    assert seen(one) == [("file", "a.txt")]
    assert seen(other) == []


def test_names_that_are_no_text_are_seen_too(project: Path) -> None:
    name = b"\xff\xfe.txt"
    try:
        Path(os.fsdecode(name)).write_text("x")
    except OSError:
        pytest.skip("the file system takes only text")
    observer = Observer(str(project), str(project / ".solvent"))
    with observer, open(name) as file:
        file.read()
    (found,) = observer.observations()
    assert still_holds(found, str(project), None)
