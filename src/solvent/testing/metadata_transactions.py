"""What a metadata store must promise of transactions, alone and beside others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from solvent.errors import StoreError
from solvent.metadata.store import MetadataStore
from solvent.testing.records import add, artifact, digest, execution, run, step_run, stored

OpenStore = Callable[[], MetadataStore]


class TransactionsContract:
    """What a metadata store must promise of transactions, alone and beside others.

    Give a fixture `store`, an open and empty one, and `open_store`, a function that opens the same store once more.
    """

    def test_what_is_written_is_there_when_the_store_is_opened_again(
        self, store: MetadataStore, open_store: OpenStore
    ) -> None:
        add(store, run("r1"))
        with open_store() as other:
            assert other.find_run("latest").id == "r1"

    def test_readers_see_whole_transactions_while_another_writes(
        self, store: MetadataStore, open_store: OpenStore
    ) -> None:
        add(store, run("r1"))
        with open_store() as reader:
            with store.transaction():
                store.add_step_run(step_run("r1", 0))
                assert reader.list_step_runs("r1") == []
                store.add_step_run(step_run("r1", 1))
            assert len(reader.list_step_runs("r1")) == 2

    def test_a_reading_sees_one_moment(self, store: MetadataStore, open_store: OpenStore) -> None:
        with open_store() as reader:
            with reader.reading():
                assert reader.list_runs() == []
                add(store, run("r1"))
                assert reader.list_runs() == []
            assert len(reader.list_runs()) == 1

    def test_what_a_transaction_has_read_stays_true_in_it(self, store: MetadataStore, open_store: OpenStore) -> None:
        """Eight writers count and then write what they counted: as if each had been alone."""

        def note(number: int) -> None:
            with open_store() as other:
                for _ in range(5):
                    with other.transaction():
                        other.add_note("run", "r1", f"{number}", "zoë")

        _at_once(note, 8)
        assert len(store.notes("run", "r1")) == 40

    def test_writers_of_the_same_things_in_any_order_all_come_through(
        self, store: MetadataStore, open_store: OpenStore
    ) -> None:
        add(store, *(run(f"r{number}") for number in range(6)))
        shared = [stored(name) for name in range(8)]

        def write(number: int) -> None:
            with open_store() as other:
                for position in range(4):
                    turned = shared[position + number :] + shared[: position + number]
                    outputs = {str(place): each for place, each in enumerate(turned[:: (-1) ** number])}
                    add(other, step_run(f"r{number}", position, execution=execution(outputs)))

        _at_once(write, 6)
        assert len(list(store.all_blobs())) == 8
        assert {len(store.list_step_runs(f"r{number}")) for number in range(6)} == {4}

    def test_a_store_that_many_open_at_once_is_made_once(self, open_store: OpenStore) -> None:
        def make(number: int) -> None:
            with open_store() as other:
                add(other, run(f"r{number}", float(number)))

        _at_once(make, 8)
        with open_store() as store:
            assert len(store.list_runs()) == 8

    def test_work_that_is_written_gives_its_result_and_failed_work_leaves_nothing(self, store: MetadataStore) -> None:
        def begin() -> str:
            store.add_run(run("r1"))
            return "begun"

        def fail() -> None:
            store.add_run(run("r2"))
            raise ValueError("no")

        assert store.write(begin) == "begun"
        with pytest.raises(ValueError, match="no"):
            store.write(fail)
        assert [each.id for each in store.list_runs()] == ["r1"]

    def test_work_may_be_part_of_a_transaction(self, store: MetadataStore) -> None:
        def fail() -> None:
            store.add_run(run("r1"))
            raise ValueError("no")

        def fail_in_a_block() -> None:
            with store.transaction():
                store.add_run(run("r0"))
                store.write(fail)

        with pytest.raises(ValueError, match="no"):
            fail_in_a_block()
        assert store.list_runs() == []

    def test_whole_work_written_twice_is_there_once(self, store: MetadataStore) -> None:
        done = step_run("r1", 0, execution=execution({"": artifact(1), "table": stored("t")}, log=b"x", log_bytes=1))

        def write() -> None:
            add(store, run("r1"), done)
            store.add_note("run", "r1", "good", "zoë", 5.0)
            store.add_tag("run", "r1", "best", "zoë")
            store.add_environment("e", "{}", "")
            store.remember_files([(("/x", 1), digest("x"))])
            store.end_run("r1", "done", 2.0)

        for _ in range(2):
            store.write(write)
        assert store.list_runs() == [run("r1", status="done", ended_at=2.0)]
        assert store.step_run("r1", 0) == done
        assert len(store.notes("run", "r1")) == len(store.tags("run", "r1")) == 1

    def test_a_store_is_not_used_in_a_forked_process(self, store: MetadataStore) -> None:
        if not hasattr(os, "fork"):
            return
        child = os.fork()
        if child == 0:
            code = 1
            try:
                add(store, run("r2"))
            except StoreError as error:
                code = 0 if "forked process" in error.problem else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        add(store, run("r1"))
        assert [each.id for each in store.list_runs()] == ["r1"]

    def test_a_whole_store_passes_the_check(self, store: MetadataStore) -> None:
        add(store, run("r1"), step_run("r1", 0, execution=execution({"": artifact(1)})))
        assert store.check() == []

    def test_the_views_for_people_can_be_read(self, store: MetadataStore) -> None:
        add(store, run("r1", 86400.0, ended_at=86402.5), run("r2", 86500.0))
        add(store, step_run("r1", 0, "load", finished_at=86401.0, execution=execution({"": artifact(1)})))
        add(store, step_run("r2", 0, "load", status="reused", source=("r1", 0)), step_run("r2", 1, status="failed"))
        overview = "SELECT id, status, started, seconds, steps, reused, failed FROM run_overview ORDER BY id"
        assert store.rows(overview) == [
            ("r1", "running", "1970-01-02 00:00:00", 2.5, 1, 0, 0),
            ("r2", "running", "1970-01-02 00:01:40", None, 2, 1, 1),
        ]
        steps = "SELECT run_id, step, status, seconds, outputs, source_run FROM step_overview ORDER BY run_id, position"
        assert store.rows(steps) == [
            ("r1", "load", "done", 0.5, 1, None),
            ("r2", "load", "reused", 0.5, 1, "r1"),
            ("r2", "fit", "failed", None, 0, None),
        ]
        artifacts = "SELECT digest, pipeline, step, run_id, made FROM artifact_overview"
        assert store.rows(artifacts) == [(artifact(1).digest, "delays", "load", "r1", "1970-01-02 00:00:01")]


def _at_once(work: Callable[[int], None], count: int) -> None:
    """Do the work in as many threads, begun together; raise what went wrong in any."""
    ready = threading.Barrier(count)
    wrong: list[BaseException] = []

    def one(number: int) -> None:
        try:
            ready.wait()
            work(number)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
