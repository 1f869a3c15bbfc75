"""What can be asked of a whole file system, where the system has a way to ask it."""

from __future__ import annotations

import sys
from typing import Any

_syncfs: Any = None


def begin_sync(descriptor: int) -> None:
    """Let the system write out at once all that waits for the disk of an open file.

    Nothing may rely on it: each file is synced by itself after that, which is quick then and tells what went wrong.
    """
    global _syncfs
    if not sys.platform.startswith("linux"):
        return
    if _syncfs is None:
        import ctypes

        _syncfs = getattr(ctypes.CDLL(None), "syncfs", False)
    if _syncfs:
        _syncfs(descriptor)
