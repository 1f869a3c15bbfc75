"""What an execution reads is seen, and whether it would read the same now is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
