"""The thread that predicts while the event loop answers health checks: one, with a bounded queue before it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from solvent.serving.exchange import Gone, Refusal

T = TypeVar("T")


class Job:
    """One call that waits for the thread or runs in it. A job that was dropped before its turn is never run."""

    __slots__ = ("call", "dropped", "future", "gone", "loop")

    def __init__(self, call: Callable[[], Any], gone: Callable[[], bool], loop: asyncio.AbstractEventLoop) -> None:
        self.call = call
        self.gone = gone
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.dropped = False

    def settle(self, value: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)


class Worker:
    """Runs calls in one thread, in their order; at most `limit` wait. Refusal 429 when the queue is full."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._jobs: deque[Job] = deque()
        self._waiting = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._ending = False
        self._busy = False

    @property
    def waiting(self) -> int:
        """How many jobs wait for their turn."""
        return len(self._jobs)

    async def run(self, call: Callable[[], T], seconds: float, gone: Callable[[], bool]) -> T:
        """Give what a call gives. Refusal 504 when that takes longer than `seconds`, waiting included.

        Gone if it had to wait and its client has gone when its turn comes.
        """
        if len(self._jobs) >= self.limit:
            raise Refusal(
                429,
                f"{self.limit} requests wait already",
                headers=[(b"retry-after", b"1")],
            )
        self._start()
        waits = self._busy or self._jobs
        job = Job(call, gone if waits else _never, asyncio.get_running_loop())
        self._jobs.append(job)
        self._waiting.release()
        try:
            async with asyncio.timeout(seconds):
                found: T = await job.future
                return found
        except TimeoutError:
            raise Refusal(504, f"the prediction took longer than {seconds:g} s") from None
        finally:
            self._drop(job)

    def close(self) -> None:
        """End the thread once its queue is empty."""
        self._ending = True
        self._waiting.release()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="solvent-predict", daemon=True)
            self._thread.start()

    def _drop(self, job: Job) -> None:
        """Take a job whose client is gone, or which came too late, out of the queue."""
        if job.dropped or not job.future.cancelled():
            return
        job.dropped = True
        with suppress(ValueError):
            self._jobs.remove(job)

    def _work(self) -> None:
        while True:
            self._waiting.acquire()
            try:
                job = self._jobs.popleft()
            except IndexError:
                if self._ending:
                    return
                continue
            if not job.dropped:
                self._busy = True
                _run(job)
                self._busy = False


def _run(job: Job) -> None:
    value, error = None, None
    try:
        if job.gone():
            raise Gone
        value = job.call()
    except BaseException as found:  # a step may raise SystemExit; the server goes on
        error = found
    # A loop that has ended waits for nothing any more.
    with suppress(RuntimeError):
        job.loop.call_soon_threadsafe(job.settle, value, error)


def _never() -> bool:
    return False
