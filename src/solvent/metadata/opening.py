"""Which metadata store and which locks a project has: those in its folder, or those that a URL names."""

from __future__ import annotations

import os

from solvent.errors import StoreError
from solvent.metadata.locks import ByteLocks
from solvent.metadata.store import MetadataStore
from solvent.model import Locks


def open_metadata(home: str, url: str | None = None, *, create: bool = True) -> MetadataStore:
    """Open one more connection to a metadata store, for a thread of its own."""
    if url is None:
        return MetadataStore.open(os.path.join(home, "metadata.sqlite"), create=create)
    raise _no_store(url)


def open_locks(home: str, url: str | None = None) -> Locks:
    """Give the locks that all users of a metadata store share."""
    if url is None:
        return ByteLocks(os.path.join(home, "locks"))
    raise _no_store(url)


def _no_store(url: str) -> StoreError:
    return StoreError(f"setting `metadata`: no metadata store for {url.partition(':')[0]}: URLs")
