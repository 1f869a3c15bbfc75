"""Giving back the disk space of a part of a file that somebody else is still writing to."""

from __future__ import annotations

import sys
from typing import Any

_KEEP_SIZE_AND_PUNCH = 0x01 | 0x02

_fallocate: Any = None


def punch_hole(fd: int, start: int, size_bytes: int) -> bool:
    """Give back the space of a range, which reads as zeros from then on; tell whether system and disk can do that.

    The file keeps its length, and writers at its end notice nothing.
    """
    global _fallocate
    if sys.platform != "linux":
        return False
    if _fallocate is None:
        import ctypes

        libc = ctypes.CDLL(None)
        _fallocate = getattr(libc, "fallocate64", None) or getattr(libc, "fallocate", False)
        if _fallocate:
            _fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return bool(_fallocate) and _fallocate(fd, _KEEP_SIZE_AND_PUNCH, start, size_bytes) == 0
