"""What a metadata store knows of data: dataset versions and their uses, profiles, checks and findings."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from solvent.metadata import cleaning
from solvent.metadata.cleaning import Choice
from solvent.metadata.datasets import (
    count_uses,
    count_versions,
    current_use,
    dataset_names,
    datasets_of_run,
    find_digests,
    find_number,
    first_uses,
    has_versions,
    list_uses,
    list_versions,
    remove_version,
    use_version,
    versions_of,
)
from solvent.metadata.datatransfers import add_uses, makers_of_versions, move_profiles, read_uses
from solvent.metadata.profiles import (
    FAILED,
    MADE,
    PENDING,
    StoredProfile,
    add_findings,
    add_profile,
    expect_profile,
    find_profile,
    list_findings,
)
from solvent.metadata.store import MetadataStore
from solvent.model import CheckResult, Finding
from solvent.testing.records import INT, add, artifact, digest, execution, run, step_run

LINE = ("shop", "flights")


def name(store: MetadataStore, content: object, run_id: str = "r1", position: int = 0, dataset: str = "flights") -> int:
    """Say that a step run gave this content of a dataset."""
    place = (run_id, position, "")
    return store.write(lambda: use_version(store, "shop", dataset, digest(content), INT, place))


def made(store: MetadataStore, run_id: str, *contents: object, status: str = "done") -> None:
    """Write a run whose steps made these contents of a dataset."""
    add(store, run(run_id, float(run_id[1:]), project="shop", status=status))
    for position, each in enumerate(contents):
        add(store, step_run(run_id, position, execution=execution({"": artifact(each)}), finished_at=float(run_id[1:])))
        name(store, each, run_id, position)


class DataContract:
    """Datasets, profiles, checks and findings. Give `store`, an open, empty one, and `open_store`, which opens it again."""

    def test_equal_content_is_one_version_and_numbers_have_no_gaps(self, store: MetadataStore) -> None:
        assert [name(store, content, f"r{at}") for at, content in enumerate("abcab")] == [1, 2, 3, 1, 2]
        versions = list_versions(store, *LINE)
        assert [(each.number, each.digest) for each in versions] == [(at, digest(c)) for at, c in enumerate("abc", 1)]
        assert [each.number for each in list_uses(store, *LINE)] == [2, 1, 3, 2, 1]
        assert [each.run_id for each in list_uses(store, *LINE, 1)] == ["r3", "r0"]
        assert [each.run_id for each in first_uses(store, *LINE, 1)] == ["r0"]
        assert (count_versions(store, *LINE), count_uses(store, *LINE, 2)) == (3, 2)

    def test_the_same_use_written_again_is_there_once(self, store: MetadataStore) -> None:
        assert name(store, "a") == name(store, "a") == 1
        assert count_uses(store, *LINE, 1) == 1
        assert name(store, "b") == 2
        assert [(each.number, each.run_id) for each in list_uses(store, *LINE)] == [(2, "r1")]

    def test_the_version_that_was_used_last_is_current(self, store: MetadataStore) -> None:
        assert current_use(store, *LINE) is None
        for at, content in enumerate("aabca"):
            name(store, content, f"r{at}")
        found = [current_use(store, *LINE, back) for back in range(5)]
        assert [each and each.number for each in found] == [1, 3, 2, 1, None]

    def test_of_one_run_the_last_call_counts_whatever_was_written_first(self, store: MetadataStore) -> None:
        name(store, "late", "r1", 5)
        name(store, "early", "r1", 2)
        current = current_use(store, *LINE)
        assert current is not None
        assert (current.number, current.position) == (1, 5)
        assert current_use(store, *LINE, 1) is None

    def test_a_removed_version_keeps_its_number_and_is_not_current(self, store: MetadataStore) -> None:
        for at, content in enumerate("abc"):
            name(store, content, f"r{at}")
        assert store.write(lambda: remove_version(store, *LINE, 3))
        assert not store.write(lambda: remove_version(store, *LINE, 3))
        current = current_use(store, *LINE)
        assert current is not None
        assert (current.number, count_versions(store, *LINE)) == (2, 2)
        assert name(store, "d", "r8") == 4
        assert name(store, "c", "r9") == 3
        version = find_number(store, *LINE, 3)
        assert version is not None
        assert version.removed_at is None

    def test_versions_are_found_by_number_digest_and_content(self, store: MetadataStore) -> None:
        for at in range(12):
            name(store, at, f"r{at:02}")
        name(store, 3, "r99", dataset="other")
        assert [each.number for each in find_digests(store, *LINE, digest(5)[:10])] == [6]
        assert find_digests(store, *LINE, "g") == []
        assert find_number(store, *LINE, 13) is None
        assert [(each.dataset, each.number) for each in versions_of(store, digest(3))] == [("flights", 4), ("other", 1)]
        assert [each.number for each in list_versions(store, *LINE, limit=2)] == [11, 12]
        assert [each.number for each in list_versions(store, *LINE, limit=2, before=11)] == [9, 10]

    def test_projects_have_datasets_of_their_own(self, store: MetadataStore) -> None:
        name(store, "a")
        name(store, "b", dataset="airports")
        store.write(lambda: use_version(store, "zoo", "flights", digest("z"), INT, ("r7", 0, "")))
        assert dataset_names(store) == [("shop", "airports"), ("shop", "flights"), ("zoo", "flights")]
        assert has_versions(store, "zoo", "flights")
        assert not has_versions(store, "zoo", "airports")
        assert [dataset for dataset, _ in datasets_of_run(store, "r1")] == ["airports", "flights"]

    def test_writers_at_the_same_time_lose_no_version_and_make_none_twice(
        self, store: MetadataStore, open_store: Callable[[], MetadataStore]
    ) -> None:
        failures: list[BaseException] = []

        def write(writer: int) -> None:
            try:
                with open_store() as own:
                    for turn in range(12):
                        name(own, turn, f"r{writer}-{turn}")
                        name(own, (writer, turn), f"s{writer}-{turn}", dataset="airports")
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        for dataset, count in (("flights", 12), ("airports", 36)):
            found = list_versions(store, "shop", dataset)
            assert [each.number for each in found] == list(range(1, count + 1))
            assert len({each.digest for each in found}) == count
            assert len(list_uses(store, "shop", dataset)) == 36

    def test_a_clean_up_keeps_one_making_of_each_version(self, store: MetadataStore) -> None:
        made(store, "r1", "a", "b")
        made(store, "r2", "a")
        made(store, "r3", "c")
        store.write(lambda: remove_version(store, *LINE, 3))
        cleaning.prepare(store)
        cleaning.choose(store, Choice(keep=0), (), "shop")
        cleaning.find_reached(store)
        assert store.rows("SELECT run_id, position FROM clean_reached ORDER BY run_id, position") == [
            ("r1", 0),
            ("r1", 1),
        ]
        cleaning.remove_runs(store)
        cleaning.scan_results(store)
        cleaning.remove_artifacts(store)
        left = {row[0] for row in store.rows("SELECT digest FROM artifacts")}
        assert left == {digest("a"), digest("b")}

    def test_uses_move_with_their_versions(self, store: MetadataStore) -> None:
        made(store, "r1", "a", "b", status="cleaned")
        uses = read_uses(store, ["r1", "r9"])
        assert [(use.digest, use.position) for use in uses] == [(digest("a"), 0), (digest("b"), 1)]
        moved = [use._replace(project="zoo") for use in reversed(uses)]
        store.write(lambda: add_uses(store, [*moved, *moved]))
        assert [each.digest for each in list_versions(store, "zoo", "flights")] == [digest("b"), digest("a")]
        assert makers_of_versions(store) == makers_of_versions(store, "shop") == ["r1"]
        assert makers_of_versions(store, "zoo") == []

    def test_a_profile_is_pending_until_it_is_made(self, store: MetadataStore) -> None:
        one = artifact("a")
        with store.transaction():
            store.add_artifact(one)
            expect_profile(store, *one.identity[:2])
        found = find_profile(store, one.digest)
        assert found == StoredProfile(PENDING, None, None, None)
        for profile in (StoredProfile(FAILED, 0.5, "it broke", None), StoredProfile(MADE, 0.25, None, '{"rows": 3}')):
            with store.transaction():
                add_profile(store, *one.identity[:2], profile)
                expect_profile(store, *one.identity[:2])
            assert find_profile(store, *one.identity[:2]) == profile
        assert find_profile(store, one.digest, "m:Other") is None
        with store.transaction():
            move_profiles(store, store, {(one.digest, one.type)})
        assert find_profile(store, one.digest) == StoredProfile(MADE, 0.25, None, '{"rows": 3}')

    def test_a_profile_goes_with_its_artifact(self, store: MetadataStore) -> None:
        one = artifact("a")
        with store.transaction():
            store.add_artifact(one)
            add_profile(store, *one.identity[:2], StoredProfile(MADE, None, None, "{}"))
            store.execute("DELETE FROM artifacts WHERE digest = ?", (one.digest,))
        assert find_profile(store, one.digest) is None

    @pytest.mark.parametrize("status", ["passed", "warned", "failed", "broken"])
    def test_checks_come_back_with_their_step_run(self, store: MetadataStore, status: str) -> None:
        results = (
            CheckResult("", "not_null(a)", status, "no\x1bthing", '{"rows": 1}'),
            CheckResult("x", "b", status, "é"),
        )
        add(store, run("r1"), step_run("r1", 0, execution=execution({"": artifact("a")}, checks=results)))
        found = store.step_run("r1", 0).execution
        assert found is not None
        assert found.checks == results
        assert store.list_step_runs("r1")[0].execution == found

    def test_findings_written_again_replace_the_former_and_go_with_the_run(self, store: MetadataStore) -> None:
        add(store, run("r1"))
        first = [
            Finding("drift", "alert", "flights", "it moved", "look", '{"a": 1}'),
            Finding("leak", "warn", "fit", "é"),
        ]
        for findings in (first, first[1:], first):
            store.write(lambda findings=findings: add_findings(store, "r1", findings))  # type: ignore[misc]
            assert list_findings(store, "r1") == findings
        with store.transaction():
            store.execute("DELETE FROM runs WHERE id = 'r1'")
        assert list_findings(store, "r1") == []
