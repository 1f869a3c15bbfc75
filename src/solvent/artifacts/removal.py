"""Removing blobs from a folder beside processes that may want the same bytes again."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from contextlib import suppress

from solvent.artifacts.store import replace, store_error, sync_folder, unlink
from solvent.config.private import make_folder

_serial = itertools.count()


def remove_files(root: str, digests: Iterable[str], before: float | None) -> list[str]:
    """Remove blobs below `root`/objects and tell which were there and are gone.

    With `before`, a blob goes only if its file's time is older. It is moved aside first: who wants it before that renews its
    time, which shows then and the file is put back; who wants it after that finds none and writes it anew.
    """
    objects = os.path.join(root, "objects")
    gone: list[str] = []
    restored: set[str] = set()
    for digest in digests:
        path = os.path.join(objects, digest[:2], digest[2:])
        try:
            if before is None:
                unlink(path)
            elif not _remove_old(path, os.path.join(objects, "new"), before):
                restored.add(os.path.dirname(path))
                continue
        except FileNotFoundError:
            continue
        except OSError as error:
            raise store_error("remove", path, error) from error
        gone.append(digest)
    for folder in restored:
        sync_folder(folder)
    return gone


def _remove_old(path: str, folder: str, before: float) -> bool:
    if os.stat(path).st_mtime >= before:
        return False
    make_folder(folder)
    aside = os.path.join(folder, f"{os.getpid()}-gone-{next(_serial)}")
    os.replace(path, aside)
    if os.stat(aside).st_mtime >= before:
        replace(aside, path)
        return False
    unlink(aside)
    return True


def remove_quietly(path: str) -> int:
    """Remove a file that nobody needs and tell its size; 0 if it can't be removed or is gone."""
    with suppress(OSError):
        size = os.lstat(path).st_size
        unlink(path)
        return size
    return 0


def own_bytes(folder: str) -> int:
    """Sum up the files below a folder that are no second names of blobs."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                state = os.lstat(os.path.join(where, name))
                total += state.st_size if state.st_nlink == 1 else 0
    return total
