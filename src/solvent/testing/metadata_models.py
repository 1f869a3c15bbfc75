"""What a metadata store knows of models: versions, aliases, and who moved those."""

from __future__ import annotations

import threading
from collections.abc import Callable

from solvent.metadata.models import (
    AliasMove,
    ModelRow,
    add_copies,
    add_version,
    endpoint_names,
    find_by_bundle,
    is_stored,
    list_aliases,
    list_moves,
    list_versions,
    models_of_runs,
    move_alias,
    owners_of_endpoint,
    versions_of_run,
)
from solvent.metadata.store import MetadataStore
from solvent.model import ArtifactRef, Identity


def deployed(
    store: MetadataStore, bundle: str, endpoint: str = "delays", project: str = "shop", run: str = "r1"
) -> int:
    """Write a version with this bundle and give its number."""
    row = ModelRow(project, endpoint, 0, bundle, "d", "t", "v", "w", run, "m:delays", "{}", "ann", 1.0)
    return store.write(lambda: add_version(store, row))


def moved(store: MetadataStore, number: int, before: int | None, alias: str = "champion") -> bool:
    """Move an alias and tell whether it moved."""
    move = AliasMove(0, alias, before, number, "promote", "better", "ann", 2.0)
    return store.write(lambda: move_alias(store, "shop", "delays", alias, move))


class ModelsContract:
    """Versions of models and their aliases."""

    def test_versions_count_from_1_within_an_endpoint_of_a_project(self, store: MetadataStore) -> None:
        assert [deployed(store, "a"), deployed(store, "b"), deployed(store, "a", "other")] == [1, 2, 1]
        assert deployed(store, "a", project="elsewhere") == 1
        assert [row.bundle for row in list_versions(store, "shop", "delays")] == ["a", "b"]
        assert endpoint_names(store, "shop") == ["delays", "other"]

    def test_the_same_bundle_again_is_the_version_that_it_is(self, store: MetadataStore) -> None:
        assert [deployed(store, "a"), deployed(store, "b"), deployed(store, "a")] == [1, 2, 1]
        assert len(list_versions(store, "shop", "delays")) == 2
        found = find_by_bundle(store, "shop", "delays", "b")
        assert found is not None
        assert found.number == 2
        assert find_by_bundle(store, "shop", "delays", "c") is None

    def test_a_run_knows_its_versions(self, store: MetadataStore) -> None:
        deployed(store, "a", run="r7")
        deployed(store, "b", "other", run="r7")
        assert [(row.endpoint, row.number) for row in versions_of_run(store, "r7")] == [("delays", 1), ("other", 1)]
        assert versions_of_run(store, "r8") == []

    def test_versions_of_another_store_are_counted_anew_and_never_written_twice(self, store: MetadataStore) -> None:
        deployed(store, "a")
        came = [ModelRow("shop", "delays", 7, name, "d", "t", "v", "w", "r9", "m:d", "{}", "eve", 3.0) for name in "ab"]
        for _ in range(2):
            store.write(lambda: add_copies(store, came))
        found = [(row.number, row.bundle, row.author) for row in list_versions(store, "shop", "delays")]
        assert found == [(1, "a", "ann"), (2, "b", "eve")]
        assert [row.bundle for row in models_of_runs(store, ["r1", "r9"])] == ["a", "b"]

    def test_it_is_known_whose_an_endpoint_is_and_whether_its_bundle_is_there(self, store: MetadataStore) -> None:
        deployed(store, "a"), deployed(store, "b", project="elsewhere")
        assert owners_of_endpoint(store, "delays") == ["elsewhere", "shop"]
        assert not is_stored(store, "a")
        store.write(lambda: store.add_artifact(ArtifactRef(Identity("d", "t"), "tree", 1, b"x")))
        assert is_stored(store, "a")

    def test_an_alias_moves_only_from_where_it_is_thought_to_be(self, store: MetadataStore) -> None:
        deployed(store, "a"), deployed(store, "b")
        assert moved(store, 1, None)
        assert not moved(store, 2, None)
        assert moved(store, 2, 1)
        assert list_aliases(store, "shop", "delays") == {"champion": 2}

    def test_every_move_is_kept_in_order(self, store: MetadataStore) -> None:
        deployed(store, "a"), deployed(store, "b")
        moved(store, 1, None), moved(store, 1, None, "shadow"), moved(store, 2, 1)
        moves = list_moves(store, "shop", "delays")
        assert [(each.alias, each.before, each.number) for each in moves] == [
            ("champion", None, 1),
            ("shadow", None, 1),
            ("champion", 1, 2),
        ]
        assert {(each.kind, each.why, each.author) for each in moves} == {("promote", "better", "ann")}
        assert [each.number for each in list_moves(store, "shop", "delays", "champion")] == [1, 2]

    def test_two_deployments_at_once_get_two_numbers_and_one_of_them_the_alias(
        self, store: MetadataStore, open_store: Callable[[], MetadataStore]
    ) -> None:
        numbers: list[int] = []
        wins: list[bool] = []

        def deploy(bundle: str) -> None:
            with open_store() as own:
                numbers.append(deployed(own, bundle))
                wins.append(moved(own, numbers[-1], None))

        threads = [threading.Thread(target=deploy, args=(bundle,)) for bundle in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(numbers) == [1, 2, 3, 4]
        assert wins.count(True) == 1
        assert len(list_moves(store, "shop", "delays")) == 1
