"""Byte-range locks as POSIX has them: a process owns them, whatever its threads and descriptors."""

from __future__ import annotations

import fcntl
import os
import struct
import sys

# struct flock: Linux puts type and whence first, macOS and the BSDs the range.
_LINUX = sys.platform.startswith("linux")
_FLOCK = struct.Struct("hhqqi4x" if _LINUX else "qqihh")


def lock_byte(file: int, offset: int) -> bool:
    """Take one byte for this process; tell whether that was possible."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset, os.SEEK_SET)
    except (BlockingIOError, PermissionError):
        return False
    return True


def unlock_byte(file: int, offset: int) -> None:
    """Give one byte back."""
    fcntl.lockf(file, fcntl.LOCK_UN, 1, offset, os.SEEK_SET)


def locked_elsewhere(file: int, offset: int) -> bool:
    """Ask whether another process has the byte, without taking it even for a moment."""
    asked = (fcntl.F_WRLCK, os.SEEK_SET, offset, 1, 0) if _LINUX else (offset, 1, 0, fcntl.F_WRLCK, os.SEEK_SET)
    answer = _FLOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, _FLOCK.pack(*asked)))
    return bool(answer[0 if _LINUX else 3] != fcntl.F_UNLCK)
