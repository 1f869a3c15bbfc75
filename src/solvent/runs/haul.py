"""Blobs on their way from one artifact store to another: streamed, checked against their digests, a few at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from solvent.errors import BlobError, FormatError
from solvent.model import Blob, Blobs

_BUNCH_BLOBS = 64
_BUNCH_BYTES = 32 << 20
_UNSYNCED_BYTES = 1 << 30
_AHEAD = 16
_TRIES = 3


class Haul:
    """Brings blobs to a store; what comes with other bytes than its digest says is never taken for the blob.

    `moved` is told the bytes of each blob that has arrived, on the thread that brings it.
    """

    def __init__(self, source: Blobs, target: Blobs, *, parallel: int, moved: Callable[[int], None]) -> None:
        self._source = source
        self._target = target
        self._parallel = parallel
        self._moved = moved
        self._pool: ThreadPoolExecutor | None = None

    def bring(self, blobs: Sequence[Blob]) -> dict[str, BlobError]:
        """Copy these blobs; give what is missing or damaged at the source, by digest.

        A target that can't be written, or a source that can't be reached, raises StoreError.
        """
        bunches = _bunches(blobs)
        if len(blobs) <= 2:
            return {digest: error for bunch in bunches for digest, error in self._bring(bunch).items()}
        failed: dict[str, BlobError] = {}
        unsynced = 0
        running: dict[Future[dict[str, BlobError]], int] = {}
        try:
            while True:
                for bunch in islice(bunches, _AHEAD - len(running)):
                    size_bytes = sum(blob.size_bytes for blob in bunch)
                    running[self._workers().submit(self._bring, bunch)] = size_bytes
                if not running:
                    return failed
                for each in wait(running, return_when=FIRST_COMPLETED).done:
                    failed.update(each.result())
                    unsynced += running.pop(each)
                if unsynced > _UNSYNCED_BYTES:
                    # A store elsewhere keeps on this disk what it has not sent yet.
                    self._target.sync()
                    unsynced = 0
        finally:
            for each in running:
                each.cancel()

    def close(self) -> None:
        """Wait for what is under way and end the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _workers(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._parallel, "solvent-copy")
        return self._pool

    def _bring(self, bunch: Sequence[Blob]) -> dict[str, BlobError]:
        failed: dict[str, BlobError] = {}
        waiting = list(bunch)
        for _ in range(_TRIES):
            found = {blob: path for blob in waiting if (path := self._find(blob, failed)) is not None}
            try:
                arrived = self._target.put_files((path, blob.role) for blob, path in found.items())
            except (FileNotFoundError, FormatError):
                # A file was taken out of the cache, or away from the source, between the check and the opening.
                waiting = list(found)
                continue
            waiting = [blob for blob, stored in zip(found, arrived, strict=True) if stored.digest != blob.digest]
            self._moved(sum(blob.size_bytes for blob in found) - sum(blob.size_bytes for blob in waiting))
            if not waiting:
                return failed
        for blob in waiting:
            failed[blob.digest] = BlobError(f"the bytes {blob.digest[:12]} change while they are read")
        return failed

    def _find(self, blob: Blob, failed: dict[str, BlobError]) -> str | None:
        try:
            return self._source.checked_path(blob)
        except BlobError as error:
            failed[blob.digest] = error
            return None


def _bunches(blobs: Sequence[Blob]) -> Iterator[list[Blob]]:
    """Put small blobs together, so that they become durable together."""
    bunch: list[Blob] = []
    size = 0
    for blob in blobs:
        if bunch and (len(bunch) == _BUNCH_BLOBS or size + blob.size_bytes > _BUNCH_BYTES):
            yield bunch
            bunch, size = [], 0
        bunch.append(blob)
        size += blob.size_bytes
    if bunch:
        yield bunch
