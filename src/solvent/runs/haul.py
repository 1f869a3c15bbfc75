"""Blobs on their way from one artifact store to another: streamed, checked against their digests, a few at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

from solvent.errors import BlobError
from solvent.model import Blob, Blobs

_AHEAD = 64
_TRIES = 3


class Haul:
    """Brings blobs to a store; what came with other bytes than its digest says is never taken for the blob.

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
        if len(blobs) < 2:
            return {blob.digest: error for blob in blobs if (error := self._bring(blob)) is not None}
        failed: dict[str, BlobError] = {}
        waiting = iter(blobs)
        running: dict[Any, Blob] = {}
        try:
            while True:
                for blob in islice(waiting, _AHEAD - len(running)):
                    running[self._workers().submit(self._bring, blob)] = blob
                if not running:
                    return failed
                for ended in wait(running, return_when=FIRST_EXCEPTION if len(running) < _AHEAD else "FIRST_COMPLETED")[
                    0
                ]:
                    blob, error = running.pop(ended), ended.result()
                    if error is not None:
                        failed[blob.digest] = error
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

    def _bring(self, blob: Blob) -> BlobError | None:
        for _ in range(_TRIES):
            try:
                path = self._source.checked_path(blob)
            except BlobError as error:
                return error
            try:
                arrived = self._target.put_file(path, blob.role)
            except FileNotFoundError:
                # It was taken out of the cache, or away from the source, between the check and the opening.
                continue
            if arrived.digest == blob.digest:
                self._moved(blob.size_bytes)
                return None
        return BlobError(
            f"the bytes {blob.digest[:12]} change while they are read",
            hint="run the copy again when nothing else writes there",
        )
