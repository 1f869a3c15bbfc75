"""Stores of every release: opened by this one, read whole, and gone on with; also from another machine or system."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import solvent
from solvent.config.project import Project
from solvent.errors import SolventError
from solvent.metadata.trust import find_writers
from solvent.runs.api import find_run
from solvent.runs.stores import Stores
from solvent.runs.views import Run
from tests.data.stores.unpacking import RELEASED, unpack
from tests.stories.conftest import Shop

pytestmark = pytest.mark.slow


@pytest.fixture(params=RELEASED, ids=lambda path: path.name)
def old(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    pytest.importorskip("pandas", reason="the stores hold tables")
    root = unpack(request.param, tmp_path)
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(str(root))
    yield root
    import sys

    sys.modules.pop("shop", None)


@pytest.mark.usefixtures("old")
def test_all_that_was_recorded_can_be_read() -> None:
    import shop

    runs = solvent.runs()
    assert [(run.pipeline, run.status) for run in runs] == [
        ("killed", "interrupted"),
        ("broken", "failed"),
        ("main", "done"),
        ("main", "done"),
        ("main", "done"),
    ]
    assert [run.id for run in solvent.runs(shop.main)] == [run.id for run in runs[2:]]
    first = runs[4]
    assert first.tags == ["first"]
    assert runs[2].notes == ["with a larger share"]
    assert first.result == shop.Report("score", (9.0, 12.0))
    assert first["split"].output.train == [1.0, 2.0]
    assert first["fit"].output.factor == 3.0, "this project made it, though it had no name then"
    assert first["fit"].metrics == {"loss": 0.25}
    assert first["fit"].attachments["summary"].value() == "a small model"
    assert first["load"].log == "read numbers.txt\n"
    assert first["table"].output["number"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert first["long_text"].output == "é" * 20_000
    assert (first["write"].output / "sub" / "numbers.txt").read_text() == "1.0 2.0 3.0 4.0"
    assert runs[1]["fails"].error.message == "no good: score"
    assert runs[3]["fit"].status == "reused"
    assert solvent.diff(first, runs[2])["config"][0].name == "share"
    with Stores(Project.find(), create=False) as stores:
        assert stores.metadata.check() == []
        for made in stores.metadata.list_artifacts(limit=1000):
            assert stores.load(made.artifact) is not None
            assert find_writers(stores.metadata, made.artifact.digest, made.artifact.type)


def test_a_run_goes_on_from_what_is_there(old: Path) -> None:
    import shop

    assert solvent.run(shop.main, share=0.75).status == "done"
    said = Shop(old).command("doctor", "--deep", "--json").stdout
    assert {each["what"]: each["state"] for each in json.loads(said)}["blobs"] == "ok"
    assert find_run("latest").record.project == "shop"


@pytest.mark.usefixtures("old")
def test_a_store_of_another_system_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths with drives and backslashes, another host, a lock file that says nothing here."""
    with closing(sqlite3.connect(".solvent/metadata.sqlite")) as store:
        store.execute("UPDATE runs SET host = 'DESKTOP-7', cwd = 'C:\\Users\\ann\\shop'")
        store.execute("UPDATE observations SET subject = REPLACE(subject, '/', '\\')")
        store.execute("UPDATE symbols SET file = 'C:\\Users\\ann\\shop\\shop.py'")
        store.execute("UPDATE codes SET files = '[\"C:\\\\Users\\\\ann\\\\shop\\\\shop.py\"]'")
        store.execute("UPDATE file_memos SET path = 'C:\\Users\\ann\\shop\\numbers.txt', state = '0 0 8 0 0'")
        store.commit()
    for blob in Path(".solvent/objects").rglob("*"):
        if blob.is_file():
            blob.chmod(0o666)  # a system without modes brings none along
    monkeypatch.delenv("USER", raising=False)
    shop = Shop(Path.cwd())
    for words in (
        ("runs",),
        ("show", "latest~1"),
        ("log", "latest~4"),
        ("artifacts", "latest~4"),
        ("why", "latest~1/fit"),
    ):
        done = shop.command(*words)
        assert done.returncode == 0, done.stderr
    assert shop.run("shop.py:main").status == "done"


@pytest.mark.usefixtures("old")
def test_a_store_that_was_moved_opens_and_its_runs_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = tmp_path / "elsewhere" / "shop"
    shutil.move(Path.cwd(), moved)
    monkeypatch.chdir(moved)
    assert len(solvent.runs()) == 5
    assert Shop(moved).run("shop.py:main").status == "done"


@pytest.mark.usefixtures("old")
def test_an_old_store_on_a_read_only_disk_says_why_it_can_not_be_read(tmp_path: Path) -> None:
    with read_only(tmp_path) as place:
        with pytest.raises(SolventError, match=r"schema \d, is read-only, and can't be brought to schema") as refused:
            Stores(Project(str(place), str(place / ".solvent")), create=False)
        assert "SOLVENT_HOME" in str(refused.value)


@pytest.mark.usefixtures("old")
def test_a_store_on_a_read_only_disk_is_read_by_every_command(tmp_path: Path) -> None:
    solvent.runs()
    with read_only(tmp_path) as place:
        env = {"SOLVENT_HOME": str(place / ".solvent"), "SOLVENT_PROJECT": "shop"}
        shop = Shop(Path.cwd())
        for words in (
            ("runs",),
            ("show", "latest~1"),
            ("show", "latest~4/fit"),
            ("log", "latest~4"),
            ("why", "latest~1/fit"),
            ("artifacts", "latest~4"),
            ("artifacts", "latest~4/table", "--save", str(tmp_path / "table")),
            ("lineage", "latest~4/fit"),
            ("diff", "latest~4", "latest~2"),
            ("note", "latest"),
            ("trust",),
            ("doctor", "--deep"),
        ):
            done = shop.command(*words, env=env)
            assert done.returncode == 0, (words, done.stderr, done.stdout)
        for words in (("note", "latest", "text"), ("tag", "latest", "x"), ("run", "shop.py:main")):
            done = shop.command(*words, env=env)
            assert done.returncode == 2, (words, done.stderr)
            assert "read-only" in done.stderr.lower() or "can't be written" in done.stderr
            assert "Traceback" not in done.stderr
        with Stores(Project(str(place), str(place / ".solvent")), create=False) as stores:
            assert Run(stores.metadata.list_runs()[4], stores)["fit"].output.factor == 3.0


class read_only:
    """The project and its store, copied to a disk that is then made read-only."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "disk"

    def __enter__(self) -> Path:
        if not hasattr(os, "geteuid") or os.geteuid() != 0:
            pytest.skip("only root can mount a disk")
        self.disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(self.disk)], check=False).returncode:
            pytest.skip("this machine mounts no tmpfs")
        shutil.copytree(Path.cwd(), self.disk / "shop")
        subprocess.run(["mount", "-o", "remount,ro", str(self.disk)], check=True)
        return self.disk / "shop"

    def __exit__(self, *error: object) -> None:
        subprocess.run(["umount", "-l", str(self.disk)], check=True)


@pytest.mark.usefixtures("old")
def test_no_result_of_an_older_key_meets_the_digests_of_now() -> None:
    """Tables have other digests since version 2 of the key: one that was reused would seem changed by who takes it."""
    shop = Shop(Path.cwd())
    with Stores(Project.find(), create=False) as stores:
        has_version_2 = bool(stores.metadata.rows("SELECT 1 FROM dataset_versions"))
    first = shop.run("shop.py:main", "--engine", "inline")
    assert first.ran == ["report"] if has_version_2 else {"load", "split", "table"} <= set(first.ran)
    assert shop.run("shop.py:main", "--engine", "inline").ran == ["report"], "which is not cached"


def test_datasets_of_before_go_on(old: Path) -> None:
    with Stores(Project.find(), create=False) as stores:
        if not stores.metadata.rows("SELECT 1 FROM dataset_versions"):
            pytest.skip("this release knew no datasets")
    assert solvent.dataset("numbers").current.number == 1
    assert solvent.load("numbers@1")["number"].tolist() == [1.0, 2.0, 3.0, 4.0]
    (old / "numbers.txt").write_text("5\n6\n")
    import shop

    solvent.run(shop.main)
    assert solvent.dataset("numbers").current.number == 2
