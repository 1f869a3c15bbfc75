"""What a metadata store must tell of artifacts."""

from __future__ import annotations

import pytest

from solvent.errors import NotFoundError
from solvent.metadata.store import MetadataStore
from solvent.testing.records import INT, add, artifact, execution, run, step_run, stored, taken


def chain_of_two(store: MetadataStore) -> MetadataStore:
    """load -> fit in r1; r2 reuses load and fits again."""
    table, model = stored("table"), stored("model")
    add(store, run("r1", 1.0), step_run("r1", 0, "load", finished_at=1.0, execution=execution({"": table})))
    add(
        store,
        step_run("r1", 1, finished_at=2.0, inputs=(taken("t", table, "r1", 0),), execution=execution({"": model})),
    )
    add(store, run("r2", 2.0), step_run("r2", 0, "load", status="reused", source=("r1", 0), finished_at=3.0))
    add(
        store,
        step_run(
            "r2", 1, finished_at=4.0, inputs=(taken("t", table, "r2", 0),), execution=execution({"": artifact(9)})
        ),
    )
    return store


class ArtifactsContract:
    """What a metadata store must tell of artifacts. Give a fixture `store`: an open, empty one."""

    def test_an_artifact_is_found_by_the_beginning_of_its_digest(self, store: MetadataStore) -> None:
        chain = chain_of_two(store)
        table = stored("table")
        assert chain.find_artifact(table.digest[:8]) == table
        assert chain.find_artifact(table.digest, table.type) == table

    def test_what_names_no_artifact_is_not_found(self, store: MetadataStore) -> None:
        chain_of_two(store)
        for digest, problem in (("abc", "too short"), ("zzzzzz", "no artifact 'zzzzzz'")):
            with pytest.raises(NotFoundError, match=problem):
                store.find_artifact(digest)

    def test_a_type_that_does_not_fit_is_not_found(self, store: MetadataStore) -> None:
        chain = chain_of_two(store)
        with pytest.raises(NotFoundError, match="of type builtins:int"):
            chain.find_artifact(stored("table").digest, INT)

    def test_artifacts_are_listed_newest_run_first(self, store: MetadataStore) -> None:
        chain = chain_of_two(store)
        assert [made.artifact for made in chain.list_artifacts()] == [artifact(9), stored("model"), stored("table")]
        assert [made.artifact for made in chain.list_artifacts(type=INT)] == [artifact(9)]
        assert len(chain.list_artifacts(limit=1)) == 1

    def test_the_artifacts_of_a_run_name_the_execution_that_made_them(self, store: MetadataStore) -> None:
        chain = chain_of_two(store)
        found = chain.list_artifacts("r2")
        assert [(made.artifact, made.by.run_id, made.by.step) for made in found] == [
            (stored("table"), "r1", "load"),
            (artifact(9), "r2", "fit"),
        ]
        assert [made.artifact for made in chain.list_artifacts("r2", type=INT)] == [artifact(9)]

    def test_the_producers_of_an_artifact_are_executions_newest_first(self, store: MetadataStore) -> None:
        chain = chain_of_two(store)
        add(
            chain,
            run("r3", 3.0),
            step_run("r3", 0, "make", finished_at=9.0, execution=execution({"a": stored("table")})),
        )
        found = chain.producers(stored("table").digest, stored("table").type)
        assert [(each.run_id, each.step, each.field) for each in found] == [("r3", "make", "a"), ("r1", "load", "")]

    def test_the_producer_of_an_element_is_that_of_its_collection(self, store: MetadataStore) -> None:
        inner = artifact("inner", children=(stored("leaf"),))
        add(
            store,
            run("r1"),
            step_run("r1", 0, "split", execution=execution({"": artifact("outer", children=(inner,))})),
        )
        found = store.producers(stored("leaf").digest, stored("leaf").type)
        assert [each.step for each in found] == ["split"]

    def test_the_consumers_of_an_artifact_are_all_that_took_it_through_a_reused_call_too(
        self, store: MetadataStore
    ) -> None:
        chain = chain_of_two(store)
        found = chain.consumers(stored("table").digest, stored("table").type)
        assert [(each.run_id, each.position, each.step, each.argument) for each in found] == [
            ("r2", 1, "fit", "t"),
            ("r1", 1, "fit", "t"),
        ]

    def test_an_equal_value_from_elsewhere_is_not_consumed(self, store: MetadataStore) -> None:
        chain = chain_of_two(store)
        add(chain, run("r3", 3.0), step_run("r3", 0, "other", execution=execution({"": artifact(3)})))
        add(chain, step_run("r3", 1, inputs=(taken("t", stored("table"), "r3", 0),)))
        assert {each.run_id for each in chain.consumers(stored("table").digest, stored("table").type)} == {"r1", "r2"}

    def test_more_than_a_thousand_blobs_are_all_given_once(self, store: MetadataStore) -> None:
        with store.transaction():
            for number in range(2300):
                store.add_artifact(stored(number % 2100))
        found = list(store.all_blobs())
        assert len(found) == len(set(found)) == 2100
