"""Ctrl-C: once, and nothing new starts; twice, and the run stops now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def gentle_interrupts(first: Callable[[], None], second: Callable[[], None]) -> Iterator[None]:
    """Call `first` at the first interrupt and `second` at the second, which also raises KeyboardInterrupt.

    Only the main thread of a process can be interrupted; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen = 0

    def on_interrupt(number: int, frame: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            first()
        else:
            second()
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
