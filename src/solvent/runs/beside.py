"""What lets a clean-up and writers work side by side; decisions/0011 has the protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from solvent.errors import StoreError
from solvent.metadata.store import MetadataStore
from solvent.model import Blob, Blobs, Locks, StepRunRecord

CLEANING = "clean"
"""The lock of the one clean-up that may be at work."""
_WRITERS = 16


class Vigil:
    """Watches for clean-ups that were at work since a writer began, and checks what they could have taken from it."""

    def __init__(self, metadata: MetadataStore) -> None:
        self._quiet = metadata.last_cleaning()

    def check(
        self, metadata: MetadataStore, blobs: Blobs, records: Iterable[StepRunRecord], more: Iterable[Blob] = ()
    ) -> None:
        """Raise StoreError if anything that these records name is gone; inside the transaction that writes them."""
        if metadata.last_cleaning() == self._quiet and not self._quiet[1]:
            return
        named = dict.fromkeys(more)
        for record in records:
            if record.source is not None and not metadata.has_step_run(*record.source):
                raise StoreError(
                    f"what `{record.name}` reuses was removed by a clean-up meanwhile",
                    hint="run again: the step is executed anew",
                )
            named.update(dict.fromkeys(_blobs_of(record)))
        for blob in blobs.renew(named):
            raise StoreError(
                f"the bytes {blob.digest[:12]} were removed by a clean-up before they were on record",
                hint="run again: what was committed before is safe",
            )


def _blobs_of(record: StepRunRecord) -> Iterator[Blob]:
    if record.execution is None or record.source is not None:
        return
    for artifact in record.execution.outputs.values():
        yield from artifact.all_blobs()
    for attachment in record.execution.attachments:
        yield from attachment.artifact.all_blobs()


@contextmanager
def writing(locks: Locks) -> Iterator[None]:
    """Hold clean-ups back from young bytes while something that is no run stores bytes and names them later."""
    name = next((name for name in map(writer_name, range(_WRITERS)) if locks.try_lock(name)), None)
    if name is None:
        raise StoreError(f"{_WRITERS} writers are at work on this store already", hint="try again when one has ended")
    try:
        yield
    finally:
        locks.unlock(name)


def writer_name(number: int) -> str:
    return f"writing:{number}"


def others_writing(locks: Locks) -> bool:
    """Tell whether anything that is no run is storing bytes now."""
    return any(locks.holder_alive(writer_name(number)) for number in range(_WRITERS))
