"""An fsspec driver of our own, on an event loop that nothing else uses, and that a fork can't disturb."""

from __future__ import annotations

import asyncio
import os
import selectors
import threading
import weakref
from collections.abc import Callable
from typing import Any

from solvent.artifacts.addresses import AZURE, GCS, S3, Address
from solvent.errors import StoreError

_CLOSE_SECONDS = 2.0
_left_alone: list[Any] = []
"""What a fork inherited: closing it, or letting it be collected, would end the connections of the parent."""


class Connection:
    """A driver whose calls wait for their answer: `connection.find(...)` is the driver's coroutine `_find(...)`."""

    def __init__(self, address: Address) -> None:
        kind = _find_kind(address)
        self.process = os.getpid()
        self._loop = asyncio.SelectorEventLoop(_Watch())
        # What is left of a cut connection complains to the loop, which would print it; whoever asked is told anyway.
        self._loop.set_exception_handler(lambda loop, context: None)
        thread = threading.Thread(target=_run, args=(self._loop,), name="solvent-store", daemon=True)
        thread.start()
        try:
            self._driver = kind(**_options(address, self._loop))
            if address.driver is GCS:
                self._wait(self._driver._set_session())
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise
        if address.driver in (S3, GCS):
            self._driver.retries = 1
        self._finish: Callable[[], Any] = _nothing
        if address.driver is not AZURE:  # which closes itself, on the loop that it was given
            self._finish = weakref.finalize(self, _close, self.process, self._loop, thread, self._driver)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        work = getattr(self._driver, f"_{name}")
        return lambda *args, **options: self._wait(work(*args, **options))

    def close(self) -> None:
        self._finish()

    def leave_alone(self) -> None:
        """Keep a connection of the parent as it is."""
        _left_alone.append(self)

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Watch(selectors.DefaultSelector):
    """Watches sockets. In a fork it changes nothing: the kernel's list of what is watched is shared with the parent."""

    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return super().unregister(fileobj) if self._process == os.getpid() else self.get_key(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return super().modify(fileobj, events, data) if self._process == os.getpid() else self.get_key(fileobj)


def _find_kind(address: Address) -> Any:
    """Import the driver of an address."""
    try:
        import fsspec

        if address.driver is GCS:
            # Its default asks over another protocol first what kind of bucket it is, and prints what failed.
            import logging

            from gcsfs.core import GCSFileSystem

            logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
            return GCSFileSystem
        return fsspec.get_filesystem_class(address.driver.protocol)
    except ImportError as error:
        raise StoreError(
            f"{address.shown} needs a package that is not installed: {error}",
            hint=f"pip install '{address.driver.install}'",
        ) from error


def _options(address: Address, loop: Any) -> dict[str, Any]:
    """Give what a driver is made with: the user's options, and our own ways of running it."""
    ours: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if address.driver is AZURE:
        ours["loop"] = loop
    else:
        ours["asynchronous"] = True
    if address.driver is S3:
        # Failures are counted and waited for in one place, here, and not in three layers.
        calm = {"connect_timeout": 5, "read_timeout": 60, "retries": {"total_max_attempts": 1}}
        ours["config_kwargs"] = {**calm, **address.options.get("config_kwargs", {})}
    return {**address.options, **ours}


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _close(process: int, loop: asyncio.AbstractEventLoop, thread: threading.Thread, driver: Any) -> None:
    """End the connections and the loop; in a fork both are the parent's."""
    if process != os.getpid() or not loop.is_running():
        return

    async def close() -> None:
        client = getattr(driver, "_s3", None) or getattr(driver, "_session", None)
        others = asyncio.all_tasks(loop) - {asyncio.current_task()}
        for each in others:
            each.cancel()
        try:
            await asyncio.gather(*others, return_exceptions=True)
            if client is not None:
                await client.close()
            for _ in range(3):  # sockets are closed some rounds later, in a callback of a callback
                await asyncio.sleep(0)
        finally:
            loop.stop()

    asyncio.run_coroutine_threadsafe(close(), loop)
    if thread is not threading.current_thread():
        thread.join(_CLOSE_SECONDS)


def _nothing() -> None:
    pass
