"""What the database complains about, in the user's words."""

from __future__ import annotations

import os

from solvent.errors import StoreError, way_out
from solvent.metadata.database import BUSY_SECONDS

_REMEDIES = {
    "SQLITE_READONLY": ("The metadata store can't be written.", "Make the file and its folder writable."),
    "SQLITE_CANTOPEN": (
        "The metadata store can't be opened.",
        "Check that its folder exists and that you may write there.",
    ),
    "SQLITE_PERM": ("The metadata store can't be opened.", "Check that you may read and write the file."),
    "SQLITE_FULL": ("The disk is full: nothing of this was written.", "Free some space and run again."),
    "SQLITE_BUSY": (
        f"Another process has been writing to the metadata store for {BUSY_SECONDS:.0f} seconds.",
        "See which process holds it, let it finish or end it, and run again.",
    ),
    "SQLITE_CORRUPT": (
        "The metadata store is damaged.",
        "Restore it from a backup, or move it away and run again to start a new one.",
    ),
    "SQLITE_NOTADB": (
        "This file is no metadata store, or it is damaged.",
        "Restore it from a backup, or move it away and run again to start a new one.",
    ),
    "SQLITE_IOERR": ("The disk refused to read or write the metadata store.", "Check the disk and its free space."),
    "SQLITE_CONSTRAINT": (
        "The metadata store refused a row that does not fit the others.",
        "This is a fault of Solvent: please report it.",
    ),
}

_REFUSED = ("SQLITE_READONLY", "SQLITE_IOERR")


def moved(path: str) -> StoreError:
    """Say that the file is not where it was opened."""
    return StoreError(
        "The metadata store was moved or removed while it was in use.",
        where=path,
        hint="put it back, or set SOLVENT_HOME to where it is now, and run again: what was committed is in it",
    )


def complaint(error: Exception, path: str) -> StoreError:
    """Say what the database complains about, where the file is, and what to do."""
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return StoreError(f"The metadata store can't be written: {reason}.", where=path, hint=way_out(error))
    code = getattr(error, "sqlite_errorname", None) or ""
    family = "_".join(code.split("_")[:2])
    if family == "SQLITE_IOERR" and _is_full(path):
        family = "SQLITE_FULL"
    if code == "SQLITE_READONLY_DBMOVED" or (family in _REFUSED and not os.path.exists(path)):
        return moved(path)
    if family not in _REMEDIES:
        return StoreError(f"The metadata store failed: {error}.", where=path)
    problem, hint = _REMEDIES[family]
    if family in _REFUSED or family == "SQLITE_CANTOPEN":
        hint = _limit_reached(path) or hint
    detail = f" ({error})" if family in ("SQLITE_IOERR", "SQLITE_CONSTRAINT", "SQLITE_CORRUPT") else ""
    return StoreError(problem.removesuffix(".") + detail + ".", where=path, hint=hint)


def _limit_reached(path: str) -> str | None:
    """Tell what to do if this process can open no file at all, which the database does not say."""
    try:
        # Not the file itself: closing it would free the locks that this process holds in it.
        os.close(os.open(os.path.dirname(path), os.O_RDONLY))
    except OSError as error:
        return way_out(error)
    return None


def _is_full(path: str) -> bool:
    """Tell whether the disk has less room than the database needs to grow at all."""
    if not hasattr(os, "statvfs"):
        return False
    try:
        room = os.statvfs(os.path.dirname(path))
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < 64 * 1024
