"""Removing the bytes that nothing names, a bounded number in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from solvent.artifacts.store import UNKNOWN_BYTES
from solvent.errors import BlobError
from solvent.metadata import cleaning
from solvent.model import Blob, StoredBlob
from solvent.runs.stores import Stores

_LOOK_AT_ONCE = 5000
_REMOVE_AT_ONCE = 100

Cutoff = Callable[[], float | None]


class Swept(NamedTuple):
    """What a sweep found and did: bytes before it, bytes removed, and unnamed bytes that were too young."""

    before_bytes: int
    removed_blobs: int
    removed_bytes: int
    young_bytes: int

    @property
    def after_bytes(self) -> int:
        return self.before_bytes - self.removed_bytes


def sweep(stores: Stores, cutoff: Cutoff, *, pretend: bool = False) -> Swept:
    """Remove every blob that nothing names and that has lain long enough, or pretend to."""
    note_snapshots(stores, cleaning.scan_snapshots(stores.metadata))
    before = removed = removed_bytes = young = 0
    for page in _pages(stores.blobs.listing(), _LOOK_AT_ONCE):
        before += sum(blob.size_bytes for blob in page)
        for part in _pages(_unnamed(stores, page), _REMOVE_AT_ONCE):
            gone = _old(part, cutoff()) if pretend else _remove(stores, part, cutoff)
            sizes = {blob.digest: blob.size_bytes for blob in part}
            removed += len(gone)
            removed_bytes += sum(sizes.pop(digest) for digest in gone)
            young += sum(sizes.values())
    return Swept(before, removed, removed_bytes, young)


def _unnamed(stores: Stores, page: Iterable[StoredBlob]) -> list[StoredBlob]:
    found = {blob.digest: blob for blob in page}
    return [found[digest] for digest in cleaning.unnamed(stores.metadata, list(found))]


def _remove(stores: Stores, blobs: list[StoredBlob], cutoff: Cutoff) -> list[str]:
    """Remove blobs inside a transaction: no row that names one of them can be committed meanwhile."""
    with stores.metadata.transaction():
        late = cleaning.late_runs(stores.metadata)
        note_snapshots(stores, [(snapshot, diff) for _, snapshot, diff in late])
        still = cleaning.unnamed(stores.metadata, [blob.digest for blob in blobs])
        before = cutoff()
        old = set(_old(blobs, before))
        return stores.blobs.remove([digest for digest in still if digest in old], before=before)


def _old(blobs: Iterable[StoredBlob], before: float | None) -> list[str]:
    return [blob.digest for blob in blobs if before is None or blob.changed_at < before]


def note_snapshots(stores: Stores, found: Iterable[tuple[str | None, str | None]]) -> None:
    """Note snapshots, what their manifests name, and diffs as used."""
    digests: dict[str, None] = {}
    for snapshot, diff in found:
        digests.update(dict.fromkeys(filter(None, (snapshot, diff))))
        if snapshot is not None:
            digests.update(dict.fromkeys(_contents(stores, snapshot)))
    cleaning.note_named(stores.metadata, digests)


def _contents(stores: Stores, snapshot: str) -> list[str]:
    try:
        manifest: dict[str, Any] = json.loads(stores.blobs.read(Blob(snapshot, UNKNOWN_BYTES)))
    except BlobError:
        return []  # `solvent verify` tells of it
    return [digest for digest, _ in manifest.values()]


def _pages(items: Iterable[StoredBlob], size: int) -> Iterator[list[StoredBlob]]:
    rest = iter(items)
    while page := list(islice(rest, size)):
        yield page
