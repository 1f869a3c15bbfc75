"""What a metadata store must tell of step runs."""

from __future__ import annotations

import pytest

from solvent.errors import NotFoundError
from solvent.metadata.store import MetadataStore
from solvent.model import Attachment, Metric, Observation
from solvent.testing.records import INT, add, artifact, digest, execution, run, step_run, stored, taken

KEY = digest("key")


def reused_step(store: MetadataStore) -> MetadataStore:
    """A run that executed a step and one that reuses it."""
    done = execution(
        {"": stored("model")},
        metrics=(Metric("auc", 0.9, None, 1.0),),
        attachments=(Attachment("figure", "roc", artifact("roc")),),
        observations=(Observation("file", "x.csv", "1"),),
        log=b"hello\n",
        log_bytes=6,
    )
    add(store, run("r1", 1.0), step_run("r1", 0, key=KEY, parts='{"a": 1}', execution=done))
    add(store, run("r2", 2.0), step_run("r2", 0, "load", execution=execution({"": artifact(1)})))
    inputs = (taken("x", artifact(1), "r2", 0),)
    add(store, step_run("r2", 1, key=KEY, status="reused", parts='{"a": 1}', source=("r1", 0), inputs=inputs))
    return store


class StepRunsContract:
    """What a metadata store must tell of step runs. Give a fixture `store`: an open, empty one."""

    def test_a_reused_step_run_shows_what_the_execution_left_behind(self, store: MetadataStore) -> None:
        reused = reused_step(store)
        first, again = reused.step_run("r1", 0), reused.step_run("r2", 1)
        assert again.execution == first.execution
        assert again.parts == '{"a": 1}'
        assert again.source == ("r1", 0)
        assert again.inputs == (taken("x", artifact(1), "r2", 0),)
        assert reused.load_log("r2", 1) == b"hello\n"

    def test_a_list_of_step_runs_is_in_call_order_and_follows_the_source_too(self, store: MetadataStore) -> None:
        reused = reused_step(store)
        load, fit = reused.list_step_runs("r2")
        assert (load.name, fit.name) == ("load", "fit")
        assert fit.execution is not None
        assert fit.execution.outputs == {"": stored("model")}
        assert fit.execution.metrics == (Metric("auc", 0.9, None, 1.0),)
        assert fit.execution.attachments == (Attachment("figure", "roc", artifact("roc")),)

    def test_a_short_list_holds_numbers_and_no_details(self, store: MetadataStore) -> None:
        reused = reused_step(store)
        fit = reused.list_step_runs("r2", whole=False)[1]
        assert fit.execution is not None
        assert (fit.execution.seconds, fit.execution.outputs, fit.inputs, fit.parts) == (0.5, {}, (), "{}")

    def test_a_reused_step_run_whose_source_is_gone_is_still_listed(self, store: MetadataStore) -> None:
        reused = reused_step(store)
        with reused.transaction():
            reused.execute("DELETE FROM runs WHERE id = 'r1'")
        fit = reused.list_step_runs("r2")[1]
        assert (fit.execution, fit.parts, fit.status) == (None, "{}", "reused")
        assert reused.load_log("r2", 1) == b""

    def test_an_unknown_step_run_is_not_found(self, store: MetadataStore) -> None:
        add(store, run("r1"))
        assert store.list_step_runs("r1") == []
        with pytest.raises(NotFoundError, match="no step run 3"):
            store.step_run("r1", 3)

    def test_only_executions_that_are_done_and_may_be_reused_are_found_by_key(self, store: MetadataStore) -> None:
        reused = reused_step(store)
        add(reused, run("r3", 3.0), step_run("r3", 0, key=KEY, status="failed", execution=execution({})))
        add(reused, step_run("r3", 1, key=KEY, cached=False, execution=execution({"": artifact(5)})))
        (found,) = reused.find_executions(KEY)
        assert (found.run_id, found.position, found.parts) == ("r1", 0, '{"a": 1}')
        assert found.execution is not None
        assert found.execution.outputs == {"": stored("model")}
        assert found.execution.observations == (Observation("file", "x.csv", "1"),)
        assert reused.find_executions(digest("other")) == []

    def test_executions_come_newest_first_and_no_more_than_asked_for(self, store: MetadataStore) -> None:
        for number in range(10):
            add(store, run(f"r{number}", float(number)))
            add(store, step_run(f"r{number}", 0, key=KEY, finished_at=float(number * 7 % 10), execution=execution({})))
        assert [found.finished_at for found in store.find_executions(KEY, limit=3)] == [9.0, 8.0, 7.0]

    def test_an_interrupted_run_gives_its_calls_also_those_that_are_not_cached(self, store: MetadataStore) -> None:
        reused = reused_step(store)
        add(
            reused,
            step_run("r2", 2, "draw", occurrence=1, key=KEY, cached=False, execution=execution({"": artifact(5)})),
        )
        found = reused.find_adoptable("r2", "draw", KEY, 1)
        assert found is not None
        assert (found.position, found.source) == (2, None)
        assert found.execution is not None
        assert found.execution.outputs == {"": artifact(5)}
        assert reused.find_adoptable("r2", "draw", KEY, 0) is None
        adopted = reused.find_adoptable("r2", "fit", KEY, 1)
        assert adopted is not None
        assert adopted.source == ("r1", 0)
        assert adopted.execution is not None
        assert adopted.execution.outputs == {"": stored("model")}

    def test_the_parts_of_a_step_are_listed_for_why(self, store: MetadataStore) -> None:
        reused = reused_step(store)
        (part,) = reused.list_parts("r2", "fit")
        assert part == (1, 1, KEY, '{"a": 1}', None, "reused")
        assert reused.list_parts("r2", "nothing") == []

    def test_outputs_keep_the_order_of_their_fields(self, store: MetadataStore) -> None:
        outputs = {name: artifact(name) for name in ("zeta", "alpha", "é", "")}
        add(store, run("r1"), step_run("r1", 0, execution=execution(outputs)))
        read = store.list_step_runs("r1")[0].execution
        assert read is not None
        assert list(read.outputs) == ["zeta", "alpha", "é", ""]

    def test_two_outputs_may_be_one_artifact(self, store: MetadataStore) -> None:
        same = artifact(1, INT)
        add(store, run("r1"), step_run("r1", 0, execution=execution({"a": same, "b": same})))
        read = store.list_step_runs("r1")[0].execution
        assert read is not None
        assert read.outputs == {"a": same, "b": same}
