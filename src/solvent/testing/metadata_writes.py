"""What is written to a metadata store comes back as it was."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from solvent.errors import NotFoundError, StoreError
from solvent.metadata import transfers
from solvent.metadata.store import MetadataStore
from solvent.model import (
    ArtifactRef,
    Attachment,
    Blob,
    CodeFingerprint,
    Failure,
    Identity,
    Input,
    Metric,
    Observation,
    RunRecord,
    Symbol,
)
from solvent.testing.records import INT, add, artifact, digest, execution, run, step_run, stored


def add_twice(store: MetadataStore) -> None:
    with store.transaction():
        add(store, run("r1"))
        add(store, run("r1", 2.0))


class WritesContract:
    """What is written to a metadata store comes back as it was. Give a fixture `store`: an open, empty one."""

    def test_a_run_comes_back_as_it_was_written(self, store: MetadataStore) -> None:
        whole = RunRecord(
            id="r1", pipeline="délais", target="p.py:délais", status="running", started_at=12.5, ended_at=13.5, user="zoë",
            host="h", cwd="/w", command="solvent run", engine="processes", seed=2**62, config='{"a": 1}',
            config_sources='{"a": "base.yaml:3"}', code="c", snapshot="s", environment="e", git_commit="g", git_branch="b",
            git_diff="d", resumes="r0", sweep="w", error="x", result="7", counts='{"done": 1}',
        )  # fmt: skip
        add(store, whole)
        assert store.find_run("r1") == whole

    def test_the_end_of_a_run_changes_only_what_it_names(self, store: MetadataStore) -> None:
        add(store, run("r1", user="zoë"))
        with store.transaction():
            store.end_run("r1", "done", 20.0, result="7", user="max")
        assert store.find_run("r1") == run("r1", status="done", ended_at=20.0, result="7", user="max")

    def test_ending_an_unknown_run_says_so(self, store: MetadataStore) -> None:
        with store.transaction(), pytest.raises(NotFoundError, match="no run 'r9'"):
            store.end_run("r9", "done", 20.0)

    def test_an_unknown_field_of_a_run_is_refused(self, store: MetadataStore) -> None:
        with pytest.raises(TypeError, match="no field 'colour'"):
            store.update_run("r1", colour="red")

    def test_a_run_written_again_is_there_once_and_another_one_of_its_id_is_refused(self, store: MetadataStore) -> None:
        add(store, run("r1"), run("r1"))
        assert len(store.list_runs()) == 1
        with pytest.raises(StoreError, match="another run r1 already"):
            add(store, run("r1", 2.0))

    def test_a_note_of_one_moment_is_written_once(self, store: MetadataStore) -> None:
        for _ in range(2):
            with store.transaction():
                store.add_note("run", "r1", "good", "zoë", 5.0)
        assert [tuple(note) for note in store.notes("run", "r1")] == [("good", "zoë", 5.0)]

    def test_a_step_run_comes_back_as_it_was_written(self, store: MetadataStore) -> None:
        whole = step_run(
            "r1", 3, occurrence=2, why="`scale` changed", parts='{"a": 1}', code=digest("code"), cached=False, attempt=2,
            finished_at=11.5,
            inputs=(Input("x", "d", INT, "r0", 4, "train"), Input("y['ü']", "e", INT)),
            execution=execution(
                {"train": stored("t"), "test": artifact(7)},
                observations=(Observation("file", "data/x.csv", "abc"), Observation("seed", "", "1")),
                metrics=(Metric("loss", 0.5, 0, 10.1), Metric("loss", math.inf, 1, 10.2), Metric("auc", 0.9, None, 10.3)),
                attachments=(Attachment("figure", "roc", stored("fig")), Attachment("text", "note", artifact("t"))),
                log=b"\xffhello", log_bytes=1000,
            ),
        )  # fmt: skip
        add(store, run("r1"), whole)
        assert store.step_run("r1", 3) == whole

    def test_a_failed_step_run_keeps_its_failure(self, store: MetadataStore) -> None:
        failure = Failure("ValueError", "no \udc80", "Traceback ...", "SIGSEGV")
        add(store, run("r1"), step_run("r1", 0, status="failed", execution=execution({}, failure=failure)))
        read = store.step_run("r1", 0).execution
        assert read is not None
        assert read.failure == replace(failure, message="no \\udc80")

    def test_a_step_run_that_never_started_has_no_execution(self, store: MetadataStore) -> None:
        add(store, run("r1"), step_run("r1", 0, status="skipped", key=""))
        assert store.step_run("r1", 0).execution is None

    def test_a_metric_that_is_not_a_number_stays_so(self, store: MetadataStore) -> None:
        add(
            store, run("r1"), step_run("r1", 0, execution=execution({}, metrics=(Metric("loss", math.nan, None, 1.0),)))
        )
        read = store.step_run("r1", 0).execution
        assert read is not None
        assert math.isnan(read.metrics[0].value)

    def test_a_step_run_written_again_replaces_the_former(self, store: MetadataStore) -> None:
        first = step_run("r1", 0, execution=execution({"a": artifact(1), "b": artifact(2)}, log=b"long", log_bytes=4))
        second = step_run("r1", 0, attempt=2, execution=execution({"a": artifact(3)}), inputs=(Input("x", "d", INT),))
        add(store, run("r1"), first, second)
        assert store.step_run("r1", 0) == second
        assert store.list_step_runs("r1") == [second]

    def test_a_step_run_of_no_run_is_refused(self, store: MetadataStore) -> None:
        with pytest.raises(StoreError, match="does not fit the others"):
            add(store, step_run("r9", 0))

    def test_a_collection_comes_back_with_its_children(self, store: MetadataStore) -> None:
        inner = artifact("inner", "builtins:dict", inline=b"{}", children=(stored("a"), artifact(1), stored("a")))
        outer = artifact("outer", "builtins:list", children=(inner, stored("b")), meta={"items": [0, {"$child": 1}]})
        add(store, run("r1"), step_run("r1", 0, execution=execution({"": outer})))
        assert store.list_step_runs("r1")[0].execution == execution({"": outer})
        assert sorted(store.all_blobs()) == sorted(
            (blob.digest, 100) for blob in {*stored("a").blobs, *stored("b").blobs}
        )

    def test_what_a_table_is_made_of_comes_back(self, store: MetadataStore) -> None:
        identity = Identity(digest("t"), "pandas:DataFrame", ("app:Row",), {"b": "1", "a\udc80": "2"})
        table = ArtifactRef(identity, "parquet", 5, None, (Blob(digest("x"), 5, "data"),), {"index": [None, 1.5, "ü"]})
        with store.transaction():
            store.add_artifact(table)
        read = store.find_artifact(table.digest)
        assert read == table
        assert list(read.identity.columns or {}) == ["b", "a\udc80"]

    def test_files_of_any_name_come_back(self, store: MetadataStore) -> None:
        names = ("a\nb", "\udcff\udcfe", "\\udcff", "\N{SYMBOL FOR ESCAPE}", "-rf", "é" * 127)
        blobs = tuple(Blob(digest(name), number, name) for number, name in enumerate(names))
        folder = replace(stored("folder"), blobs=blobs)
        for _ in range(2):
            with store.transaction():
                store.add_artifact(folder)
        assert store.find_artifact(folder.digest) == folder
        name = (folder.digest, folder.type)
        assert transfers.read_artifacts(store, [name]) == {name: folder}

    def test_the_newest_encoding_of_a_value_counts(self, store: MetadataStore) -> None:
        old = stored("t", children=(stored("gone"),))
        new = replace(
            stored("t"), size_bytes=200, blobs=(Blob(digest("again"), 150, "data"), Blob(digest("more"), 50, "index"))
        )
        for each in (old, new, new):
            with store.transaction():
                store.add_artifact(each)
            assert store.find_artifact(each.digest) == each
        with store.transaction():
            store.add_artifact(old)
        assert store.find_artifact(old.digest) == old

    def test_equal_digests_of_two_types_are_two_artifacts(self, store: MetadataStore) -> None:
        one, other = artifact(1), artifact(1, "app:Number")
        add(store, run("r1"), step_run("r1", 0, execution=execution({"a": one, "b": other})))
        assert store.find_artifact(one.digest, "app:Number") == other
        with pytest.raises(NotFoundError, match="more than one"):
            store.find_artifact(one.digest)

    def test_code_comes_back_and_is_written_once(self, store: MetadataStore) -> None:
        symbols = (Symbol("a.f", "function", "1", "/w/a.py", 3), Symbol("a.C", "constant", "2", "/w/a.py", 1))
        code = CodeFingerprint("c", symbols, ("pandas",), ("app.x",), ("/w/ü\udc80.py",))
        with store.transaction():
            store.add_code(code)
            store.add_code(code)
        assert store.load_code("c") == code
        assert store.load_code("d") is None

    def test_an_environment_comes_back(self, store: MetadataStore) -> None:
        with store.transaction():
            store.add_environment("e", '{"python": "3.11"}', "pandas==3\n")
            store.add_environment("e", '{"python": "3.11"}', "pandas==3\n")
        assert store.load_environment("e") == ('{"python": "3.11"}', "pandas==3\n")
        assert store.load_environment("f") is None

    def test_notes_come_back_in_the_order_written(self, store: MetadataStore) -> None:
        with store.transaction():
            store.add_note("run", "r1", "first", "zoë")
            store.add_note("run", "r1", "second", "max")
            store.add_note("artifact", "r1", "other", "max")
        assert [(note.text, note.author) for note in store.notes("run", "r1")] == [("first", "zoë"), ("second", "max")]

    def test_a_tag_is_there_once_and_can_be_taken_away(self, store: MetadataStore) -> None:
        with store.transaction():
            for tag in ("good", "best", "good"):
                store.add_tag("run", "r1", tag, "zoë")
            assert [each.tag for each in store.tags("run", "r1")] == ["best", "good"]
            assert store.remove_tag("run", "r1", "good")
            assert not store.remove_tag("run", "r1", "good")
        assert [each.tag for each in store.tags("run", "r1")] == ["best"]

    def test_a_file_is_recalled_only_in_the_state_it_was_remembered(self, store: MetadataStore) -> None:
        state = ("/data/\udc80.csv", 2**64 - 1, 2**64 - 2, 100, 5, 6)
        with store.transaction():
            store.remember_files([(state, "old")])
            store.remember_files([(state, "new")])
        assert store.recall_files([state, ("/data/other.csv", *state[1:])]) == {state: "new"}
        assert store.recall_files([(*state[:-1], 7)]) == {}

    def test_nothing_of_a_failed_transaction_stays(self, store: MetadataStore) -> None:
        add(store, run("r1"))
        first = step_run("r1", 0, execution=execution({"": stored("t")}))
        with pytest.raises(StoreError):
            add(store, first, step_run("no run", 0))
        assert store.list_step_runs("r1") == []
        assert list(store.all_blobs()) == []

    def test_a_block_inside_a_transaction_belongs_to_it(self, store: MetadataStore) -> None:
        with pytest.raises(StoreError):
            add_twice(store)
        assert store.list_runs() == []

    def test_a_number_too_large_for_the_database_is_an_error_of_the_store(self, store: MetadataStore) -> None:
        with pytest.raises(StoreError, match="too large"):
            add(store, run("r1", seed=2**70))
