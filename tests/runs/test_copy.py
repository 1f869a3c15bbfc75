"""Copies between stores: what arrives, what stays, what is refused; and that the order and the number do not matter."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.artifacts.store import LocalBlobs
from solvent.config.project import Project
from solvent.errors import BlobError
from solvent.metadata import transfers
from solvent.metadata.datasets import current_use, list_versions, remove_version, use_version
from solvent.metadata.dropped import Dropped, note_dropped
from solvent.metadata.profiles import StoredProfile, add_findings, add_profile
from solvent.metadata.soundness import dangling
from solvent.model import (
    ArtifactRef,
    Attachment,
    Blob,
    CodeFingerprint,
    Failure,
    Finding,
    Identity,
    Metric,
    Observation,
    RunRecord,
    Symbol,
)
from solvent.runs.copy import Copied, choose_runs, copy_runs
from solvent.runs.lives import lease_name
from solvent.runs.stores import Stores
from tests import soak
from tests.metadata.records import INT, artifact, digest, execution, run, step_run, taken

LONG = pytest.mark.slow


class Ends(NamedTuple):
    """Two stores to copy between."""

    source: Stores
    target: Stores


def open_at(folder: Path) -> Stores:
    folder.mkdir(exist_ok=True)
    return Stores(Project(str(folder), str(folder / "home")))


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    with open_at(tmp_path / "here") as here, open_at(tmp_path / "there") as there:
        yield Ends(here, there)


def store(stores: Stores, data: bytes, name: object = None, **fields: Any) -> ArtifactRef:
    """Store bytes, and give the artifact that is made of them."""
    blob = stores.blobs.put(data, "data")
    identity = Identity(digest(name or data), "m:Table")
    return ArtifactRef(identity, fields.pop("format", "raw"), len(data), blobs=(blob,), **fields)


def add_run(stores: Stores, id: str, *steps: Any, notes: tuple[str, ...] = (), **fields: Any) -> RunRecord:
    """Write an ended run; `steps` are artifacts that its steps made, or (run, position) that they reuse."""
    usual = {"project": "here", "status": "done", "ended_at": 9.0, "started_at": float(len(id)), "counts": "{}"}
    record = run(id, **usual | fields)
    with stores.metadata.transaction():
        stores.metadata.add_run(record)
        for position, step in enumerate(steps):
            made = {"source": step, "status": "reused"} if isinstance(step, tuple) else {"execution": step}
            if isinstance(step, ArtifactRef):
                made = {"execution": execution({"": step})}
            stores.metadata.add_step_run(step_run(id, position, **made))
        for text in notes:
            stores.metadata.add_note("run", id, text, "ada")
    return record


def copy(ends: Ends, *ids: str, dry: bool = False) -> Copied:
    return copy_runs(ends.source, ends.target, ids or choose_runs(ends.source), origin="laptop", dry=dry)


def rows(stores: Stores, *, of: Stores | None = None) -> dict[str, list[Any]]:
    """Give all rows that travel, without what each store decides by itself; `of` is one that can tell the columns."""
    found = {}
    for table in TRAVELLING:
        columns = [row[1] for row in (of or stores).metadata.rows(f"PRAGMA table_info({table})")]
        kept = [name for name in columns if (table, name) not in (("runs", "origin"), ("notes", "ordinal"))]
        found[table] = sorted(stores.metadata.rows(f"SELECT {', '.join(kept)} FROM {table}"), key=repr)
    return found


TRAVELLING = (
    *("runs", "artifacts", "blobs", "children", "codes", "symbols", "environments", "notes", "tags", "dropped"),
    *("profiles", "dataset_versions", "dataset_uses", "schemas", "findings", "model_versions"),
    *transfers.TABLES,
)
STAYING = ("migrations", "file_memos", "pins", "trusted", "cleanings", "condemned", "aliases", "alias_moves")


def test_every_table_travels_or_stays_on_purpose(ends: Ends) -> None:
    tables = {name for (name,) in ends.source.metadata.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {*TRAVELLING, *STAYING}


@LONG
@pytest.mark.parametrize("table", transfers.TABLES)
def test_every_column_travels(ends: Ends, table: str) -> None:
    columns = {row[1] for row in ends.source.metadata.rows(f"PRAGMA table_info({table})")}
    assert columns == set(transfers.TABLES[table].split(", "))


def add_whole_run(stores: Stores) -> None:
    """Write a run that has some of everything."""
    part, figure = store(stores, b"part"), store(stores, b"figure" * 9)
    both = ArtifactRef(Identity(digest("both"), "m:Pair"), "json", 1, inline=b"[0]", children=(part, artifact("small")))
    returned = store(stores, b"returned by the body")
    text = stores.blobs.put(b"print(1)")
    manifest = stores.blobs.put(b'{"p.py": ["%s", 8]}' % text.digest.encode())
    code = CodeFingerprint(
        digest("code"), (Symbol("p.f", "function", digest("f"), "p.py", 3),), ("numpy",), (), ("p.py",)
    )
    done = execution(
        {"x": both, "y": artifact("y")},
        observations=(Observation("file", "\udcff.csv", "t"), Observation("seed", "", "0")),
        metrics=(Metric("loss", 0.5, 1, 3.0), Metric("loss", float("nan"), None, 4.0)),
        attachments=(Attachment("figure", "curve", figure),),
        log=b"printed\n",
        log_bytes=8,
    )
    failed = execution({}, failure=Failure("ValueError", "no\x00", "trace", "SIGKILL"))
    fields = {"code": code.digest, "snapshot": manifest.digest, "environment": digest("env"), "project": "shop"}
    fields |= {"git_diff": stores.blobs.put(b"diff").digest, "sweep": "s", "error": "it failed", "resumes": "gone"}
    fields |= {"result": f'{{"list": [{{"artifact": ["{returned.digest}", "{returned.type}", "raw"]}}, 3]}}'}
    with stores.metadata.transaction():
        stores.metadata.add_code(code)
        stores.metadata.add_environment(digest("env"), "{}", "numpy==2")
        stores.metadata.add_artifact(returned)
        stores.metadata.add_run(run("whole", status="failed", ended_at=2.0, **fields))
        stores.metadata.add_step_run(step_run("whole", 0, code=code.digest, parts='{"a": 1}', execution=done))
        inputs = (taken("x", part, "whole", 0, "x"),)
        stores.metadata.add_step_run(step_run("whole", 1, status="failed", execution=failed, inputs=inputs))
        stores.metadata.add_step_run(step_run("whole", 2, status="skipped"))
        for kind, subject in (("run", "whole"), ("step_run", "whole/1"), ("artifact", both.digest)):
            stores.metadata.add_note(kind, subject, f"about a {kind}", "ada")
            stores.metadata.add_tag(kind, subject, "good", "ada")
        add_data(stores, both)


def add_data(stores: Stores, made: ArtifactRef) -> None:
    """Write what may be known of the data of a run."""
    metadata, line = stores.metadata, ("shop", "pairs")
    add_profile(metadata, made.digest, made.type, StoredProfile("made", 0.5, None, '{"rows": 3}'))
    use_version(metadata, *line, made.digest, made.type, ("whole", 0, "x"))
    use_version(metadata, *line, artifact("y").digest, INT, ("whole", 0, "y"))
    remove_version(metadata, *line, 2)
    metadata.execute("INSERT INTO schemas VALUES ('shop', 'pairs', 1, '{}', 2, 'first', 'ada', 5.0)")
    add_findings(metadata, "whole", [Finding("drift", "warn", "pairs", "it moved", "look", "{}")])
    for subject in ("shop/pairs", f"shop/pairs@{made.digest}"):
        metadata.add_note("dataset", subject, f"about {subject}", "ada")
        metadata.add_tag("dataset", subject, "good", "ada")


def test_a_run_arrives_with_all_that_belongs_to_it(ends: Ends) -> None:
    add_whole_run(ends.source)
    copied = copy(ends)
    assert rows(ends.target) == rows(ends.source)
    assert ends.target.metadata.find_run("whole").origin == "laptop"
    here, there = ({each.digest for each in stores.blobs.listing()} for stores in ends)
    assert there == here
    assert len(there) == 6
    assert (copied.sent.runs, copied.sent.step_runs, copied.sent.blobs) == (1, 3, 6)


def test_a_second_copy_changes_nothing_and_says_so(ends: Ends) -> None:
    add_whole_run(ends.source)
    copy(ends)
    before = rows(ends.target), list(ends.target.blobs.listing())
    again = copy(ends)
    assert (again.sent.runs, again.sent.artifacts, again.sent.bytes, again.found.runs) == (0, 0, 0, 1)
    assert (rows(ends.target), list(ends.target.blobs.listing())) == before


@LONG
def test_a_copy_back_finds_the_run_and_leaves_its_origin(ends: Ends) -> None:
    add_run(ends.source, "mine", artifact(1))
    copy(ends)
    assert copy(Ends(ends.target, ends.source)).found.runs == 1
    assert ends.source.metadata.find_run("mine").origin is None


@LONG
def test_a_run_from_before_projects_had_names_gets_that_of_its_project(ends: Ends) -> None:
    add_run(ends.source, "old", project="")
    copy(ends)
    assert ends.target.metadata.find_run("old").project == "here"


@LONG
def test_the_first_origin_stays_when_a_copy_is_copied(ends: Ends, tmp_path: Path) -> None:
    add_run(ends.source, "mine", artifact(1))
    copy(ends)
    with open_at(tmp_path / "third") as third:
        copy_runs(ends.target, third, ["mine"], origin="team")
        assert third.metadata.find_run("mine").origin == "laptop"


def test_runs_that_are_reused_come_along(ends: Ends) -> None:
    add_run(ends.source, "a", artifact(1))
    add_run(ends.source, "bb", ("a", 0), artifact(2))
    add_run(ends.source, "ccc", ("bb", 1))
    add_run(ends.source, "other", artifact(3))
    copied = copy(ends, "ccc")
    assert (copied.sent.runs, copied.along) == (3, 2)
    step = ends.target.metadata.step_run("ccc", 0)
    assert step.execution is not None
    assert step.execution.outputs[""].digest == artifact(2).digest


@LONG
def test_runs_that_reuse_each_other_arrive(ends: Ends) -> None:
    add_run(ends.source, "a", artifact(1), ("b", 1))
    add_run(ends.source, "b", ("a", 0), artifact(2))
    assert copy(ends, "a").sent.runs == 2
    assert rows(ends.target) == rows(ends.source)


def test_another_run_of_the_same_id_is_refused_by_name(ends: Ends) -> None:
    add_run(ends.source, "a", artifact(1))
    add_run(ends.source, "bb", ("a", 0))
    add_run(ends.source, "ccc", artifact(3))
    add_run(ends.target, "a", artifact(2))
    before = rows(ends.target)["outputs"]
    copied = copy(ends)
    assert "differs" in copied.refused["a"].problem
    assert "it reuses step runs of run a" in copied.refused["bb"].problem
    assert copied.sent.runs == 1
    assert [row for row in rows(ends.target)["outputs"] if row[0] == "a"] == before


@LONG
def test_a_run_that_is_still_running_is_left_out_with_who_reuses_it(ends: Ends) -> None:
    add_run(ends.source, "a", artifact(1), status="running", ended_at=None)
    add_run(ends.source, "bb", ("a", 0))
    assert ends.source.locks.try_lock(lease_name("a"))
    try:
        copied = copy(ends)
    finally:
        ends.source.locks.unlock(lease_name("a"))
    assert copied.left_out == {"a": "it is still running"}
    assert list(copied.refused) == ["bb"]
    assert copy(ends).sent.runs == 2


@LONG
def test_a_run_whose_process_died_arrives_as_interrupted(ends: Ends) -> None:
    add_run(ends.source, "a", artifact(1), status="running", ended_at=None)
    copy(ends)
    assert ends.target.metadata.find_run("a").status == "interrupted"
    assert copy(ends).found.runs == 1
    assert copy(Ends(ends.target, ends.source)).found.runs == 1


@LONG
def test_a_run_that_was_only_taken_for_dead_is_completed_by_the_next_copy(ends: Ends) -> None:
    add_run(ends.source, "a", artifact(1), status="running", ended_at=None)
    copy(ends)
    with ends.source.metadata.transaction():
        ends.source.metadata.add_step_run(step_run("a", 1, execution=execution({"": artifact(2)})))
        ends.source.metadata.end_run("a", "done", 5.0, result="[1]")
    assert copy(Ends(ends.target, ends.source)).found.runs == 1
    assert copy(ends).sent.runs == 1
    assert rows(ends.target) == rows(ends.source)
    assert ends.target.metadata.find_run("a").origin == "laptop"


def damage(stores: Stores, blob: Blob) -> None:
    assert isinstance(stores.blobs, LocalBlobs)
    path = stores.blobs.path(blob)
    os.chmod(path, 0o600)
    Path(path).write_bytes(b"X" * blob.size_bytes)


@LONG
@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_a_run_whose_bytes_are_lost_is_refused_and_the_others_go(ends: Ends, how: str) -> None:
    good, bad = store(ends.source, b"good" * 100), store(ends.source, b"bad" * 100)
    add_run(ends.source, "a", good, bad)
    add_run(ends.source, "bb", ("a", 0))
    add_run(ends.source, "ccc", good)
    damage(ends.source, bad.blobs[0]) if how == "damaged" else ends.source.blobs.remove([bad.blobs[0].digest])
    copied = copy(ends)
    assert copied.refused["a"].parts == [f"{bad.digest[:12]} (m:Table)"]
    assert list(copied.refused) == ["a", "bb"]
    assert [record.id for record in ends.target.metadata.list_runs()] == ["ccc"]
    assert bad.blobs[0].digest not in {each.digest for each in ends.target.blobs.listing()}


@LONG
def test_a_lost_snapshot_refuses_the_run(ends: Ends) -> None:
    add_run(ends.source, "a", snapshot=digest("nowhere"))
    assert copy(ends).refused["a"].parts == ["the snapshot of its code"]


@LONG
def test_what_was_dropped_on_purpose_arrives_as_dropped(ends: Ends) -> None:
    made = store(ends.source, b"made again" * 100)
    add_run(ends.source, "a", made)
    ends.source.blobs.remove([made.blobs[0].digest])
    with ends.source.metadata.transaction():
        note_dropped(ends.source.metadata, [Dropped(made.blobs[0].digest, 1000, 5.0)])
    assert not copy(ends).refused
    assert rows(ends.target) == rows(ends.source)
    assert list(ends.target.blobs.listing()) == []
    assert copy(ends).found.runs == 1


@LONG
def test_bytes_that_the_target_has_lost_are_brought_again(ends: Ends) -> None:
    made = store(ends.source, b"made" * 100)
    add_run(ends.source, "a", made)
    copy(ends)
    ends.target.blobs.remove([made.blobs[0].digest])
    assert copy(ends).sent.bytes == 400
    assert ends.target.blobs.read(made.blobs[0]) == b"made" * 100


@LONG
def test_an_artifact_that_the_target_has_in_another_encoding_stays(ends: Ends) -> None:
    ours, theirs = store(ends.source, b"ours", "same"), store(ends.target, b"theirs", "same", format="other")
    around = ArtifactRef(Identity(digest("around"), "m:Pair"), "json", 1, inline=b"[0]", children=(ours,))
    add_run(ends.source, "a", ours)
    add_run(ends.target, "own", theirs)
    assert copy(ends).sent.blobs == 0
    assert ends.target.metadata.find_artifact(ours.digest) == theirs
    # What holds it is written with the parts that it was made of: its encoding may name them.
    add_run(ends.source, "bb", around)
    assert copy(ends).sent.blobs == 1
    assert ends.target.metadata.find_artifact(around.digest) == around
    assert not ends.target.blobs.missing(ends.target.metadata.find_artifact(ours.digest).all_blobs())


@LONG
def test_an_encoding_that_has_lost_its_bytes_is_replaced(ends: Ends) -> None:
    ours, theirs = store(ends.source, b"ours", "same"), store(ends.target, b"theirs", "same", format="other")
    add_run(ends.source, "a", ours)
    add_run(ends.target, "own", theirs)
    ends.target.blobs.remove([theirs.blobs[0].digest])
    copy(ends)
    assert ends.target.metadata.find_artifact(ours.digest) == ours


@LONG
def test_notes_and_tags_of_both_sides_are_kept_once(ends: Ends) -> None:
    add_run(ends.source, "a", artifact(1), notes=("here",))
    copy(ends)
    with ends.target.metadata.transaction():
        ends.target.metadata.add_note("run", "a", "there", "bob")
        ends.target.metadata.add_tag("run", "a", "good", "bob")
    with ends.source.metadata.transaction():
        ends.source.metadata.add_note("run", "a", "later", "ada")
    for _ in range(2):
        copy(ends)
        copy(Ends(ends.target, ends.source))
    for stores in ends:
        assert [note.text for note in stores.metadata.notes("run", "a")] == ["here", "there", "later"]
        assert [(tag.tag, tag.author) for tag in stores.metadata.tags("run", "a")] == [("good", "bob")]


def name(stores: Stores, run_id: str, *contents: object) -> None:
    """Say that the steps of a run gave these contents of one dataset."""
    with stores.metadata.transaction():
        for position, each in enumerate(contents):
            use_version(stores.metadata, "shop", "pairs", artifact(each).digest, INT, (run_id, position, ""))


def numbers(stores: Stores) -> list[tuple[int, str, bool]]:
    """Give the versions with their numbers, and whether they were removed."""
    found = list_versions(stores.metadata, "shop", "pairs")
    return [(each.number, each.digest, each.removed_at is not None) for each in found]


@LONG
def test_equal_content_is_the_same_version_there_and_other_content_is_counted_on(ends: Ends) -> None:
    add_run(ends.target, "own", artifact("x"), artifact("c"))
    name(ends.target, "own", "x", "c")
    add_run(ends.source, "a", artifact("a"))
    name(ends.source, "a", "a")
    add_run(ends.source, "bb", artifact("b"), artifact("c"))
    name(ends.source, "bb", "b", "c")
    for _ in range(2):
        copy(ends)
    there = [(1, artifact("x").digest), (2, artifact("c").digest), (3, artifact("a").digest), (4, artifact("b").digest)]
    assert numbers(ends.target) == [(*each, False) for each in there]
    newest = current_use(ends.target.metadata, "shop", "pairs")
    assert newest is not None
    assert (newest.number, newest.run_id) == (2, "bb")


@LONG
def test_a_version_that_was_removed_there_stays_so_until_a_new_run_brings_it(ends: Ends) -> None:
    add_run(ends.source, "a", artifact("a"))
    name(ends.source, "a", "a")
    copy(ends)
    with ends.target.metadata.transaction():
        remove_version(ends.target.metadata, "shop", "pairs", 1)
    copy(ends)
    assert numbers(ends.target) == [(1, artifact("a").digest, True)]
    add_run(ends.source, "bb", artifact("a"))
    name(ends.source, "bb", "a")
    copy(ends)
    assert numbers(ends.target) == [(1, artifact("a").digest, False)]


@LONG
def test_of_two_schemas_the_one_that_was_accepted_last_counts(ends: Ends) -> None:
    for stores, at in ((ends.source, 5.0), (ends.target, 7.0)):
        add_run(stores, f"r{at}", artifact(at))
        name(stores, f"r{at}", at)
        with stores.metadata.transaction():
            stores.metadata.execute(
                "INSERT INTO schemas VALUES ('shop', 'pairs', 1, ?, 1, '', 'ada', ?)", (f'"{at}"', at)
            )
    copy(ends)
    copy(Ends(ends.target, ends.source))
    ask = "SELECT number, record, version FROM schemas ORDER BY number"
    assert ends.target.metadata.rows(ask) == [(1, '"7.0"', 1)]
    assert ends.source.metadata.rows(ask) == [(1, '"5.0"', 1), (2, '"7.0"', 2)]


@LONG
def test_a_profile_that_was_made_later_is_brought_by_the_next_copy(ends: Ends) -> None:
    made = artifact("a")
    add_run(ends.source, "a", made)
    for status, record in (("pending", None), ("made", "{}")):
        with ends.source.metadata.transaction():
            add_profile(ends.source.metadata, made.digest, made.type, StoredProfile(status, None, None, record))
        copy(ends)
    assert rows(ends.target) == rows(ends.source)


@LONG
def test_versions_of_which_only_the_making_is_left_are_copied_with_all_runs(ends: Ends) -> None:
    add_run(ends.source, "a", artifact("a"), status="cleaned")
    name(ends.source, "a", "a")
    add_run(ends.source, "bb", artifact("b"))
    assert choose_runs(ends.source) == ["bb", "a"]
    copy(ends)
    assert numbers(ends.target) == numbers(ends.source)


@LONG
def test_a_use_of_which_the_step_run_was_cleaned_away_brings_no_version(ends: Ends) -> None:
    add_run(ends.source, "a", artifact("a"), status="cleaned")
    name(ends.source, "a", "a", "b")
    copy(ends)
    assert numbers(ends.target) == [(1, artifact("a").digest, False)]
    assert list(dangling(ends.target.metadata)) == []


@LONG
def test_a_dry_run_writes_nothing_and_counts_the_same(ends: Ends) -> None:
    add_whole_run(ends.source)
    add_run(ends.source, "again", store(ends.source, b"part"))
    counted = copy(ends, dry=True).sent
    assert all(found == [] for found in rows(ends.target).values())
    assert list(ends.target.blobs.listing()) == []
    assert counted == copy(ends).sent


@LONG
def test_runs_are_chosen_by_name_pipeline_and_tag(ends: Ends) -> None:
    for number in range(1, 6):
        add_run(ends.source, f"r{number}", started_at=number, pipeline="odd" if number % 2 else "even")
    with ends.source.metadata.transaction():
        ends.source.metadata.add_tag("run", "r1", "good", "ada")
    assert choose_runs(ends.source) == ["r5", "r4", "r3", "r2", "r1"]
    assert choose_runs(ends.source, limit=2) == ["r5", "r4"]
    assert choose_runs(ends.source, pipeline="even") == ["r4", "r2"]
    assert choose_runs(ends.source, tag="good") == ["r1"]
    assert choose_runs(ends.source, project="here", limit=1) == ["r5"]
    assert choose_runs(ends.source, project="other") == []
    assert choose_runs(ends.source, ["latest", "r5"]) == ["r5"]


@LONG
def test_a_large_run_goes_in_pages_of_bounded_memory(ends: Ends) -> None:
    loud = execution({"": artifact("loud")}, log=b"x" * (1 << 20), log_bytes=1 << 20)
    add_run(ends.source, "loud", *[loud] * 40)
    wide = [store(ends.source, b"%d" % number) for number in range(90)]
    many = ArtifactRef(
        Identity(digest("many"), "m:T"), "raw", 1, blobs=tuple(wide[n % 90].blobs[0] for n in range(9000))
    )
    add_run(ends.source, "many", *[many] * 5)
    add_run(ends.source, "long", *[artifact(number) for number in range(1200)])
    copy(ends)
    assert rows(ends.target) == rows(ends.source)


@LONG
def test_copies_at_the_same_time_do_not_harm_each_other(ends: Ends, tmp_path: Path) -> None:
    for number in range(30):
        source = ("r0", 0) if number else artifact("first")
        made = store(ends.source, f"bytes {number % 7}".encode() * 2000)
        add_run(ends.source, f"r{number}", source, made, notes=("seen",), started_at=number)
    failures: list[BaseException] = []

    def again() -> None:
        try:
            with open_at(tmp_path / "here") as here, open_at(tmp_path / "there") as there:
                copy(Ends(here, there))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=again) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert rows(ends.target) == rows(ends.source)


PROGRAM = """
import os, signal, sys
from solvent.config.project import Project
from solvent.runs.copy import choose_runs, copy_runs
from solvent.runs.stores import Stores

here, there, stop_at = sys.argv[1], sys.argv[2], int(sys.argv[3])
left = stop_at


def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


class Counting:
    def planned(self, runs):
        pass

    moved = carried = count


with Stores(Project(here, here + "/home")) as source, Stores(Project(there, there + "/home")) as target:
    target.metadata.connection.set_trace_callback(count)
    copy_runs(source, target, choose_runs(source), origin="laptop", watcher=Counting())
print(stop_at - left)
"""


def copy_until(here: Path, there: Path, stop_at: int) -> str:
    """Copy in a process that is killed at its n-th statement or blob; give how many there were if it was not."""
    words = [sys.executable, "-c", PROGRAM, str(here), str(there), str(stop_at)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, -9), done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills need POSIX processes")
@pytest.mark.parametrize("every", [pytest.param(9, marks=LONG), pytest.param(1, marks=pytest.mark.soak)])
def test_a_copy_killed_at_any_moment_leaves_nothing_half_and_goes_on(ends: Ends, tmp_path: Path, every: int) -> None:
    add_whole_run(ends.source)
    add_run(ends.source, "next", ("whole", 0), store(ends.source, b"more" * 10))
    whole = rows(ends.source)
    for at in count(1, every):
        ended = copy_until(tmp_path / "here", tmp_path / f"at {at}", at)
        with open_at(tmp_path / f"at {at}") as target:
            assert {record.id for record in target.metadata.list_runs()} in (set(), {"whole", "next"})
            assert not target.metadata.rows("SELECT 1 FROM step_runs WHERE run_id NOT IN (SELECT id FROM runs)")
            assert not target.blobs.missing(Blob(*each) for each in target.metadata.all_blobs())
            copy(Ends(ends.source, target))
            assert rows(target) == whole
        if ended:
            assert int(ended) > 60
            if every == 1:
                soak.record("copy: killed at each statement and blob", f"{at - 1} kills, 0 half, {at - 1} completed")
            return


@st.composite
def histories(draw: st.DrawFn) -> list[list[Any]]:
    """Runs whose steps make one of a few values, or reuse what an earlier run made."""
    runs: list[list[Any]] = []
    for number in range(draw(st.integers(1, 6))):
        earlier = [(f"r{r}", p) for r in range(number) for p, step in enumerate(runs[r]) if isinstance(step, int)]
        step = st.integers(0, 4) if not earlier else st.integers(0, 4) | st.sampled_from(earlier)
        runs.append(draw(st.lists(step, max_size=4)))
    return runs


@LONG
@given(history=histories(), data=st.data())
@settings(max_examples=25)
def test_copies_of_parts_in_any_order_give_the_whole(
    history: list[list[Any]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("union")
    with open_at(folder / "a") as a, open_at(folder / "b") as b, open_at(folder / "c") as c:
        for number, steps in enumerate(history):
            made = [store(a, b"%d" % each * 999) if isinstance(each, int) else each for each in steps]
            add_run(a, f"r{number}", *made, started_at=number, notes=(f"note {number}",))
        ids = [f"r{number}" for number in range(len(history))]
        for _ in range(data.draw(st.integers(0, 4))):
            source, target = data.draw(st.sampled_from([(a, b), (a, c), (b, c), (c, b)]))
            known = [record.id for record in source.metadata.list_runs(limit=99)]
            some = data.draw(st.lists(st.sampled_from(known), unique=True)) if known else []
            copied = copy_runs(source, target, some, origin="x")
            assert not copied.refused
            assert not target.metadata.rows(
                "SELECT 1 FROM step_runs s LEFT JOIN step_runs e ON e.run_id = s.source_run"
                " AND e.position = s.source_position WHERE s.source_run IS NOT NULL AND e.run_id IS NULL"
            )
        for source, target in ((a, b), (b, c)):
            copy_runs(source, target, ids, origin="x")
            assert rows(target) == rows(a)
            assert not target.blobs.missing(Blob(*each) for each in target.metadata.all_blobs())


@LONG
def test_a_blob_that_arrives_with_other_bytes_is_not_taken(ends: Ends) -> None:
    made = store(ends.source, b"true" * 100)
    damage(ends.source, made.blobs[0])
    with pytest.raises(BlobError):
        ends.source.blobs.read(made.blobs[0])
    add_run(ends.source, "a", dataclasses.replace(made))
    assert list(copy(ends).refused) == ["a"]
