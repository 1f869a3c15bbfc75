"""What `verify` finds in a damaged store, what it says of it, and what it puts back."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from solvent.config.project import Project
from solvent.model import Blob
from solvent.runs.clean import Choice, Cleaning
from solvent.runs.stores import Stores
from solvent.runs.verify import Problem, Report, verify
from solvent.runs.views import Run
from tests.runs.workshop import (
    all_digests,
    blob_path,
    clear_leftovers,
    damage,
    is_found_on_read,
    make_workshop,
)
from tests.soak import record

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workshop")
    make_workshop(folder / "first", 70)
    return (folder / "first").rename(folder / "moved")


@pytest.fixture
def workshop(made: Path, project: Path) -> Path:
    """A copy of a project whose run made tables, arrays, a model, texts, a list of arrays and a folder of files."""
    shutil.copytree(made, project, dirs_exist_ok=True)
    return project


def check(*, repair: bool = False) -> Report:
    with Stores(Project.find(), create=False) as stores:
        return verify(stores, repair=repair)


def blobs_of(step: str, field: str = "output") -> list[Blob]:
    with Stores(Project.find(), create=False) as stores:
        run = Run(stores.metadata.find_run("latest"), stores)
        return list(run[step][0].artifacts[field]._ref.all_blobs())


def only(report: Report) -> Problem:
    (problem,) = report.problems
    return problem


def test_a_sound_store_is_well(workshop: Path) -> None:
    report = check()
    assert report.ok
    assert report.count == len(all_digests())
    assert (report.problems, report.unreferenced, report.dropped, report.leftovers) == ([], [], [], [])


def test_a_problem_names_who_made_it_and_what_depends_on_it(workshop: Path) -> None:
    damage(blobs_of("load")[0].digest, random.Random(1), "flip")
    problem = only(check())
    assert (problem.kind, problem.role, problem.state, problem.obstacle) == ("damaged", "artifact", "wrong", "")
    assert [each.partition(" of run")[0] for each in problem.made_by] == ["load"]
    assert {each.partition(" of run")[0] for each in problem.dependents} == {
        "split", "matrix", "fit", "describe", "pages", "blocks",
    }  # fmt: skip
    assert not blob_path(problem.digest).exists()


def test_what_stands_in_the_place_of_a_blob_is_told_and_mended(workshop: Path) -> None:
    (workshop / "elsewhere").mkdir()
    linked, dangling, folder, loose, empty = (blobs_of("blocks")[number].digest for number in range(5))
    shutil.move(blob_path(linked), workshop / "elsewhere" / "bytes")
    blob_path(linked).symlink_to(workshop / "elsewhere" / "bytes")
    blob_path(dangling).unlink()
    blob_path(dangling).symlink_to(workshop / "nowhere")
    blob_path(folder).unlink()
    blob_path(folder).mkdir()
    os.chmod(blob_path(loose), 0o664)
    damage(empty, random.Random(1), "empty")
    found = {each.digest: each for each in check().problems}
    assert {digest: each.kind for digest, each in found.items()} == {
        linked: "link", dangling: "misplaced", folder: "misplaced", loose: "loose", empty: "damaged",
    }  # fmt: skip
    assert found[empty].detail == "the file is empty"
    assert "has the right bytes for now" in found[linked].detail
    assert check(repair=True).ok
    assert blob_path(linked).is_file()
    assert not blob_path(linked).is_symlink()
    assert blob_path(loose).stat().st_mode & 0o777 == 0o444
    assert check().problems == []


def test_sources_of_a_run_are_put_back_from_the_project(workshop: Path) -> None:
    with Stores(Project.find(), create=False) as stores:
        snapshot = stores.metadata.find_run("latest").snapshot
    assert snapshot
    blob_path(snapshot).unlink()
    put_back = only(check(repair=True))
    assert (put_back.role, put_back.state) == ("snapshot", "mended")
    source = next(digest for digest in all_digests() if b"RandomForest" in blob_path(digest).read_bytes()[:400])
    damage(source, random.Random(1), "cut")
    assert only(check()).path == "workshop_of_tests.py"
    (workshop / "workshop_of_tests.py").write_text("")
    lost = only(check(repair=True))
    assert (lost.state, lost.role) == ("lost", "source")


def test_what_can_not_be_made_again_is_lost_with_the_reason(workshop: Path) -> None:
    table = blobs_of("load")[0].digest
    blob_path(table).unlink()
    (workshop / "numbers.csv").write_text("number,value\n1,2\n")
    assert "numbers.csv, which has changed" in only(check()).obstacle
    report = check(repair=True)
    assert (only(report).state, report.ok) == ("lost", False)
    assert "file numbers.csv changed" in only(report).obstacle


def test_bytes_that_are_dropped_beside_it_are_not_missed(workshop: Path) -> None:
    def begin_reading(done: int, count: int, size_bytes: int) -> None:
        if done == 1:
            with Stores(Project.find(), create=False) as beside:
                assert Cleaning(beside, Choice()).drop().blobs > 20

    with Stores(Project.find(), create=False) as stores:
        report = verify(stores, progress=begin_reading)
    assert report.problems == []


def test_unused_and_left_over_files_are_told_with_their_age(workshop: Path) -> None:
    with Stores(Project.find(), create=False) as stores:
        unused = stores.blobs.put(b"of nobody")
    os.utime(blob_path(unused.digest), (time.time() - 5 * 86400,) * 2)
    Path(".solvent/objects/new/123-456-7").write_bytes(b"half")
    report = check()
    assert [each.digest for each in report.unreferenced] == [unused.digest]
    assert time.time() - report.unreferenced[0].changed_at > 4 * 86400
    assert [os.path.basename(each.path) for each in report.leftovers] == ["123-456-7"]
    assert report.ok


def test_dropped_bytes_are_no_problem_and_come_back_when_they_are_read(workshop: Path) -> None:
    (blob,) = blobs_of("matrix")
    with Stores(Project.find(), create=False) as stores:
        with stores.metadata.transaction():
            stores.metadata.execute("INSERT INTO dropped VALUES (?, ?, ?)", (blob.digest, blob.size_bytes, 1.0))
        stores.blobs.remove([blob.digest])
        assert [each.digest for each in verify(stores).dropped] == [blob.digest]
        run = Run(stores.metadata.find_run("latest"), stores)
        assert run["matrix"][0].output.shape == (200, 200)
        assert stores.metadata.rows("SELECT digest FROM dropped") == []


def test_a_row_that_points_at_nothing_is_told(workshop: Path) -> None:
    with Stores(Project.find(), create=False) as stores:
        stores.metadata.execute("PRAGMA foreign_keys = OFF")
        with stores.metadata.transaction():
            stores.metadata.execute("DELETE FROM artifacts WHERE type = 'builtins:str'")
            stores.metadata.execute("DELETE FROM environments")
    told = {each.detail.partition(" of ")[0] for each in check().problems if each.kind == "dangling"}
    assert told >= {"the environment", "output ''"}


def values() -> bytes:
    """Give all that the run returned, as bytes."""
    with Stores(Project.find(), create=False) as stores:
        result = Run(stores.metadata.find_run("latest"), stores).result
    matrix, text, site, blocks = result["made"]
    pages = b"".join(path.read_bytes() for path in sorted(Path(site).rglob("*.txt")))
    chances = result["model"].predict_proba(pd.DataFrame({"number": [1, 7], "value": [2.0, 9.0]}))
    return bytes(
        chances.tobytes() + matrix.tobytes() + text.encode() + pages + b"".join(each.tobytes() for each in blocks)
    )


def tried(rounds: int, rng: random.Random, scratch: Path) -> tuple[int, int, int, int]:
    """Damage every blob in each round, verify and repair; count damaged, found on read, located, put back."""
    damaged = found = located = back = 0
    before = values()
    for _ in range(rounds):
        hurt = {damage(digest, rng).digest for digest in all_digests()}
        damaged += len(hurt)
        found += sum(is_found_on_read(digest, scratch) for digest in hurt)
        report = check(repair=True)
        located += len(hurt & {each.digest for each in report.problems})
        back += len(hurt & {each.digest for each in report.with_state("mended")})
        assert check().problems == []
        clear_leftovers()
        shutil.rmtree(scratch)
    assert values() == before
    return damaged, found, located, back


def test_hundreds_of_damaged_blobs_are_found_located_and_made_again(workshop: Path, tmp_path: Path) -> None:
    damaged, found, located, back = tried(2, random.Random(7), tmp_path / "scratch")
    assert damaged > 250
    assert (found, located) == (damaged, damaged)
    assert back >= 0.95 * damaged


@pytest.mark.soak
def test_ten_thousand_damaged_blobs_are_found_located_and_made_again(project: Path, tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    make_workshop(project, 250)
    rounds = -(-10_000 // len(all_digests()))
    damaged, found, located, back = tried(rounds, random.Random(seed), tmp_path / "scratch")
    record(
        "bit flips, cuts and losses of blobs",
        f"{damaged:,} damaged: {found:,} found on read, {located:,} located by verify, {back:,} put back",
        seed,
    )
    assert (found, located) == (damaged, damaged)
    assert back >= 0.95 * damaged
