"""Uploads beside the work: few threads, a short queue, and a wait that ends only when all went well."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from solvent.model import Blob

THREADS = 8
QUEUE_LIMIT = 64


class Uploads:
    """Hands blobs to `send`, on at most eight threads that end when there is nothing to do.

    `add` waits while 64 blobs are queued. What failed stays, and is tried again by the next `wait` that finds it.
    """

    def __init__(self, send: Callable[[Blob], None]) -> None:
        self._send = send
        self._changed = threading.Condition()
        self._queue: deque[Blob] = deque()
        self._failed: list[Blob] = []
        self._error: BaseException | None = None
        self._threads = 0
        self._busy = 0

    def add(self, blob: Blob) -> None:
        """Queue a blob. After a failure nothing is sent until `wait` has told of it."""
        with self._changed:
            while len(self._queue) >= QUEUE_LIMIT and self._error is None:
                self._changed.wait()
            if self._error is not None:
                self._failed.append(blob)
                return
            self._queue.append(blob)
            self._start()

    def wait(self) -> None:
        """Return when all that was added has been sent; else raise the first failure, and keep what was not sent."""
        with self._changed:
            if self._failed:
                self._error = None
                self._queue.extend(self._failed)
                self._failed.clear()
                self._start()
            while self._queue or self._busy:
                self._changed.wait()
            if self._error is not None:
                raise self._error

    def _start(self) -> None:
        while self._threads < min(THREADS, len(self._queue) + self._busy):
            self._threads += 1
            threading.Thread(target=self._work, name="solvent-upload", daemon=True).start()

    def _work(self) -> None:
        while (blob := self._take()) is not None:
            error: BaseException | None = None
            try:
                self._send(blob)
            except BaseException as found:
                error = found
            self._done(blob, error)

    def _take(self) -> Blob | None:
        with self._changed:
            if not self._queue:
                self._threads -= 1
                return None
            self._busy += 1
            return self._queue.popleft()

    def _done(self, blob: Blob, error: BaseException | None) -> None:
        with self._changed:
            self._busy -= 1
            if error is not None:
                self._failed.append(blob)
                # The store can't be reached or refuses: the others would only wait for the same answer.
                self._failed.extend(self._queue)
                self._queue.clear()
                self._error = self._error or error
            self._changed.notify_all()
