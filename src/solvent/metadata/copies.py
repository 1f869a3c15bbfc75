"""The copy of a store that is kept before its schema changes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from glob import escape, glob

from solvent.config.private import make_file
from solvent.metadata.database import failed


def keep_copy(path: str, number: int) -> str | None:
    """Copy a store as it was committed last to `PATH.before-NUMBER`, durably, and name the copy; None for no file.

    The caller holds the store's write lock, so that nobody else copies or writes meanwhile. No copy is ever overwritten:
    one that is there already is used if it is the same, and else the new one gets the next free name.
    """
    if not os.path.isfile(path):
        return None
    _remove_halves(path)
    aside = f"{path}.copying-{os.getpid()}"
    try:
        make_file(aside)
        _copy(path, aside)
        target, known = _free_name(f"{path}.before-{number}", aside)
        if known:
            os.unlink(aside)
        else:
            os.rename(aside, target)
            _sync(os.path.dirname(path))
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            os.unlink(aside)
        raise failed(error, path) from error
    return target


def _copy(path: str, target: str) -> None:
    # A path is no URI: only as a URI can it be opened for reading alone.
    from pathlib import Path

    there = f"{Path(path).as_uri()}?mode=ro"
    with closing(sqlite3.connect(there, uri=True)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    _sync(target)


def _free_name(wanted: str, copy: str) -> tuple[str, bool]:
    """Give the name for a copy, and whether the very same bytes are there under it."""
    digest, name, count = _digest(copy), wanted, 1
    while os.path.exists(name):
        if _digest(name) == digest:
            return name, True
        count += 1
        name = f"{wanted}-{count}"
    return name, False


def _remove_halves(path: str) -> None:
    """Remove what a copy that was killed left behind."""
    for left in glob(f"{escape(path)}.copying-*"):
        with suppress(OSError):
            os.unlink(left)


def _digest(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: str) -> None:
    if os.name == "nt" and os.path.isdir(path):
        return
    file = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
