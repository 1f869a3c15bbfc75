"""Byte-range locks as Windows has them: an open file owns them."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    def lock_byte(file: int, offset: int) -> bool:
        """Take one byte for this process; tell whether that was possible."""
        os.lseek(file, offset, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock_byte(file: int, offset: int) -> None:
        """Give one byte back."""
        os.lseek(file, offset, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

    def locked_elsewhere(file: int, offset: int) -> bool:
        """Ask whether another process has the byte, by taking it for a moment."""
        if not lock_byte(file, offset):
            return True
        unlock_byte(file, offset)
        return False
