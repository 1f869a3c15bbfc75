"""What a metadata store must tell of runs, and how people find them."""

from __future__ import annotations

import pytest

from solvent.errors import NotFoundError
from solvent.metadata.store import MetadataStore
from solvent.testing.records import add, execution, run, step_run


def four_runs(store: MetadataStore) -> MetadataStore:
    """Runs of two pipelines, ids that begin and end alike."""
    add(
        store,
        run("0101-abcd", 1.0),
        run("0101-abce", 2.0, pipeline="other"),
        run("0102-xyz1", 3.0, status="done"),
        run("0103-xyz1", 4.0, pipeline="other", status="done"),
    )
    return store


class RunsContract:
    """What a metadata store must tell of runs, and how people find them. Give a fixture `store`: an open, empty one."""

    def test_a_run_is_found_by_what_people_type(self, store: MetadataStore) -> None:
        four = four_runs(store)
        for reference, found in (
            ("0101-abcd", "0101-abcd"),
            ("0103", "0103-xyz1"),
            ("0103-XYZ", "0103-xyz1"),
            ("bce", "0101-abce"),
            (" 0102 ", "0102-xyz1"),
            ("latest", "0103-xyz1"),
            ("latest~0", "0103-xyz1"),
            ("latest~2", "0101-abce"),
        ):
            assert four.find_run(reference).id == found

    def test_a_pipeline_narrows_what_is_found(self, store: MetadataStore) -> None:
        four = four_runs(store)
        assert four.find_run("0101", "other").id == "0101-abce"
        assert four.find_run("latest~1", "delays").id == "0101-abcd"
        assert four.find_run("xyz1", "delays").id == "0102-xyz1"
        with pytest.raises(NotFoundError, match="no run '0103-xyz1' of pipeline 'delays'"):
            four.find_run("0103-xyz1", "delays")

    def test_an_ambiguous_reference_names_the_runs(self, store: MetadataStore) -> None:
        four = four_runs(store)
        with pytest.raises(NotFoundError, match="more than one run: 0101-abce, 0101-abcd"):
            four.find_run("0101")
        with pytest.raises(NotFoundError, match="0103-xyz1, 0102-xyz1"):
            four.find_run("xyz1")

    def test_a_full_id_is_found_though_others_begin_with_it(self, store: MetadataStore) -> None:
        add(store, run("a"), run("ab"))
        assert store.find_run("a").id == "a"

    def test_an_unknown_reference_offers_the_nearest(self, store: MetadataStore) -> None:
        four = four_runs(store)
        with pytest.raises(NotFoundError, match="did you mean '0102-xyz1'"):
            four.find_run("0102-xyz2")
        with pytest.raises(NotFoundError, match="did you mean 'latest'"):
            four.find_run("lastest")

    def test_strange_references_find_nothing(self, store: MetadataStore) -> None:
        four = four_runs(store)
        for reference in ("", "%", "_", "0101-abc_", "!", "latest~", "latest~-1", "\udc80", "\0", "'; --"):
            with pytest.raises(NotFoundError):
                four.find_run(reference)

    def test_going_back_too_far_says_how_many_there_are(self, store: MetadataStore) -> None:
        four = four_runs(store)
        with pytest.raises(NotFoundError, match="only 2 runs of pipeline 'other': latest~5 goes too far"):
            four.find_run("latest~5", "other")

    def test_an_empty_store_says_that_there_is_no_run(self, store: MetadataStore) -> None:
        with pytest.raises(NotFoundError, match="no run yet") as raised:
            store.find_run("latest")
        assert raised.value.hint is not None
        assert "solvent run" in raised.value.hint

    def test_runs_are_listed_newest_first_and_filtered(self, store: MetadataStore) -> None:
        four = four_runs(store)
        with four.transaction():
            four.add_tag("run", "0101-abcd", "good", "zoë")
            four.add_tag("artifact", "0102-xyz1", "good", "zoë")
        assert [each.id for each in four.list_runs()] == ["0103-xyz1", "0102-xyz1", "0101-abce", "0101-abcd"]
        assert [each.id for each in four.list_runs("delays")] == ["0102-xyz1", "0101-abcd"]
        assert [each.id for each in four.list_runs(status="done", limit=1)] == ["0103-xyz1"]
        assert [each.id for each in four.list_runs(tag="good")] == ["0101-abcd"]
        assert four.list_runs("delays", status="running", tag="bad") == []

    def test_pages_of_runs_follow_each_other_also_within_one_moment(self, store: MetadataStore) -> None:
        add(store, *(run(f"r{number}", started_at=float(number // 3)) for number in range(10)))
        seen: list[str] = []
        while page := store.list_runs(limit=2, before=seen[-1] if seen else None):
            seen += [each.id for each in page]
        assert seen == [f"r{number}" for number in reversed(range(10))]

    def test_the_last_run_that_came_to_a_step_is_found(self, store: MetadataStore) -> None:
        add(store, run("r1", 1.0), run("r2", 2.0), run("r3", 3.0), run("r4", 4.0, pipeline="other"), run("r5", 5.0))
        add(store, *(step_run(id, 0, "load") for id in ("r1", "r2", "r4")), step_run("r1", 1, "fit"))
        assert store.last_run_with_step("delays", "load", "r5") == "r2"
        assert store.last_run_with_step("delays", "load") == "r2"
        assert store.last_run_with_step("delays", "load", "r2") == "r1"
        assert store.last_run_with_step("delays", "fit", "r5") == "r1"
        assert store.last_run_with_step("delays", "load", "r1") is None
        assert store.last_run_with_step("delays", "nothing") is None

    def test_the_mean_time_counts_each_execution_once_however_often_it_was_reused(self, store: MetadataStore) -> None:
        add(store, run("r1", 1.0), step_run("r1", 0, execution=execution({}, seconds=3.0)))
        add(store, run("r2", 2.0), step_run("r2", 0, execution=execution({}, seconds=1.0)))
        with store.transaction():
            for number in range(3, 60):
                add(
                    store,
                    run(f"r{number}", float(number)),
                    step_run(f"r{number}", 0, status="reused", source=("r1", 0)),
                )
        assert store.mean_seconds("fit", "delays") == 3.0
        add(store, run("r60", 60.0), step_run("r60", 0, execution=execution({}, seconds=5.0)))
        assert store.mean_seconds("fit", "delays") == 4.0
        assert store.mean_seconds("fit", "other") is None

    def test_interrupted_runs_of_the_same_work_are_found_until_one_came_to_an_end(self, store: MetadataStore) -> None:
        add(store, run("r1", 1.0, code="c", status="interrupted"), run("r2", 2.0, code="c", status="done"))
        assert store.find_interrupted("p.py", "{}", "c") == []
        add(store, run("r3", 3.0, code="c", status="interrupted"), run("r4", 4.0, code="d", status="interrupted"))
        add(store, run("r5", 5.0, code="c"), run("r6", 6.0, code="c", config='{"a": 1}', status="interrupted"))
        assert [each.id for each in store.find_interrupted("p.py", "{}", "c")] == ["r5", "r3"]
        assert store.find_interrupted("q.py", "{}", "c") == []
