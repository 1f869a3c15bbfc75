"""What every metadata store must hold to."""

from __future__ import annotations

from collections.abc import Callable

from solvent.metadata.store import MetadataStore

OpenStore = Callable[[], MetadataStore]


class MetadataStoreContract:
    """Give a fixture `open_store`: a function that opens the same, at first empty store however often it is called."""

    def test_an_empty_store_has_no_runs(self, open_store: OpenStore) -> None:
        with open_store() as store:
            assert store.list_runs() == []
