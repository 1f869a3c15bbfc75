"""Which metadata store and which locks a project has: those in its folder, or those that a URL names."""

from __future__ import annotations

import os

from solvent.errors import StoreError, nearest
from solvent.metadata.locks import ByteLocks
from solvent.metadata.store import MetadataStore
from solvent.model import Locks

_SCHEMES = ("postgresql", "postgres")


def open_metadata(home: str, url: str | None = None, *, create: bool = True) -> MetadataStore:
    """Open one more connection to a metadata store, for a thread of its own."""
    if url is None:
        return MetadataStore.open(os.path.join(home, "metadata.sqlite"), create=create)
    _refuse_unknown(url)
    from solvent.metadata.postgres import PostgresStore

    return PostgresStore.reach(url, create=create)


def open_locks(home: str, url: str | None = None) -> Locks:
    """Give the locks that all users of a metadata store share."""
    if url is None:
        return ByteLocks(os.path.join(home, "locks"))
    _refuse_unknown(url)
    from solvent.metadata.advisory import AdvisoryLocks

    return AdvisoryLocks(url)


def _refuse_unknown(url: str) -> None:
    """Refuse a URL of a kind that is not known; of what may hold a password only the kind is shown."""
    scheme, mark, _ = url.partition("://")
    if scheme in _SCHEMES and mark:
        return
    found = f"no metadata store for {scheme}: URLs{nearest(scheme, _SCHEMES)}" if mark else "this is no URL (not shown)"
    raise StoreError(
        f"setting `metadata`: {found}",
        hint="write postgresql://user@host:5432/database, or leave it out to keep the store in the project's folder",
    )
