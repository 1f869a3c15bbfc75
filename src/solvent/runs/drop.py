"""Dropping bytes that can be made again: the rows stay, and whoever asks for the bytes has them made anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from solvent.errors import StoreError
from solvent.metadata import cleaning, makeable
from solvent.metadata.dropped import Dropped, find_dropped, forget_dropped, list_dropped, note_dropped
from solvent.model import ArtifactRef, Blob
from solvent.runs.prospect import Prospects
from solvent.runs.stores import Stores
from solvent.runs.sweep import note_snapshots

_AT_ONCE = 500

AtWork = Callable[[], list[str]]


class Freed(NamedTuple):
    """How many blobs were dropped, or would be, and their bytes."""

    blobs: int
    size_bytes: int


def drop(stores: Stores, at_work: AtWork, *, pretend: bool = False) -> Freed:
    """Drop the bytes that only the chosen runs use and that the record can make again."""
    metadata = stores.metadata
    if not pretend:
        forget_what_is_back(stores)
    note_snapshots(stores, cleaning.scan_snapshots(metadata))
    makeable.find_makeable(metadata, Prospects(stores).obstacle)
    count = size = 0
    for page in _pages(stores):
        if not pretend:
            _drop(stores, page, at_work)
        count += len(page)
        size += sum(blob.size_bytes for blob in page)
    return Freed(count, size)


def forget_what_is_back(stores: Stores) -> None:
    """Remove the notes of dropped blobs that are in the store again, since the steps that make them ran."""
    last = ""
    while page := list_dropped(stores.metadata, last, _AT_ONCE):
        last = page[-1].digest
        gone = {blob.digest for blob in stores.blobs.missing(Blob(note.digest, note.size_bytes) for note in page)}
        if back := [note.digest for note in page if note.digest not in gone]:
            with stores.metadata.transaction():
                forget_dropped(stores.metadata, back)


def is_dropped(stores: Stores, artifact: ArtifactRef) -> bool:
    """Tell whether bytes of an artifact were dropped on purpose and are not there again."""
    blobs = list(artifact.all_blobs())
    noted = find_dropped(stores.metadata, [blob.digest for blob in blobs])
    return bool(noted) and bool(stores.blobs.missing(blob for blob in blobs if blob.digest in noted))


def _pages(stores: Stores) -> Iterator[list[Blob]]:
    last = ""
    while page := makeable.droppable(stores.metadata, last, _AT_ONCE):
        last = page[-1][0]
        blobs = [Blob(*each) for each in page]
        gone = set(stores.blobs.missing(blobs))
        if there := [blob for blob in blobs if blob not in gone]:
            yield there


def _drop(stores: Stores, blobs: list[Blob], at_work: AtWork) -> None:
    """Note the blobs, durably, then remove them; a run that came on record between the two keeps them."""
    metadata, digests = stores.metadata, [blob.digest for blob in blobs]
    with metadata.transaction():
        _refuse_beside(at_work())
        note_dropped(metadata, [Dropped(blob.digest, blob.size_bytes, time.time()) for blob in blobs])
    with metadata.transaction():
        if at_work():
            forget_dropped(metadata, digests)
        else:
            stores.blobs.remove(digests)
            return
    _refuse_beside(at_work())


def _refuse_beside(alive: list[str]) -> None:
    if alive:
        raise StoreError(
            f"bytes are not dropped beside a run at work, which may be about to read them: {', '.join(alive[:3])}",
            hint="drop them when it has ended; what was dropped before is on record",
        )
