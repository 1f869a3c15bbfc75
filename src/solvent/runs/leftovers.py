"""What crashes and readers leave in the folder of a store: half-written files, logs, damaged blobs, materialised files."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from solvent.artifacts.removal import own_bytes, remove_quietly
from solvent.metadata import cleaning
from solvent.metadata.models import is_stored
from solvent.runs.beside import others_writing
from solvent.runs.stores import Stores
from solvent.runs.workplaces import CUTTING, DEPLOYING, remove_abandoned

CACHE_SECONDS = 30 * 86400.0
BUILDING_SECONDS = 3600.0
"""How long a reader, which need not be a run, may take to lay files out."""

Cutoff = Callable[[], float | None]


def remove_leftovers(stores: Stores, cutoff: Cutoff, living: list[str]) -> int:
    """Remove them, and tell how many bytes they had."""
    home, root = stores.home, stores.blobs.root
    total = 0
    for entry in _files(os.path.join(home, "tmp")):
        if entry.name.rpartition("-")[0] not in living:
            total += remove_quietly(entry.path)
    total += _remove_remakings(os.path.join(home, "tmp"), stores)
    total += sum(remove_abandoned(os.path.join(home, "tmp"), each, stores.locks) for each in (CUTTING, DEPLOYING))
    total += _remove_bundles(os.path.join(home, "bundles"), stores)
    for folder in (os.path.join(home, "cache"), os.path.join(home, "cache", "config")):
        total += sum(
            remove_quietly(entry.path) for entry in _files(folder) if _older(entry, time.time() - CACHE_SECONDS)
        )
    if os.path.realpath(root) == os.path.realpath(home):
        for entry in _files(os.path.join(root, "objects", "new")):
            total += remove_quietly(entry.path) if _older(entry, cutoff()) else 0
        total += sum(map(remove_quietly, _damaged(os.path.join(root, "objects"))))
    return total + _remove_materialised(stores, cutoff)


def _remove_remakings(folder: str, stores: Stores) -> int:
    """Remove the folders of repairs that were killed."""
    if not os.path.isdir(folder) or others_writing(stores.locks):
        return 0
    places = [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("remake-")]
    return sum(_remove_tree(place) for place in places if _older_path(place, time.time() - BUILDING_SECONDS))


def _remove_bundles(folder: str, stores: Stores) -> int:
    """Remove laid out bundles that were never finished, or that nobody can ask for any more and that are old."""
    total, now = 0, time.time()
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        place = os.path.join(folder, name)
        if name.startswith(".making-"):
            total += _remove_tree(place) if _older_path(place, now - BUILDING_SECONDS) else 0
        elif not is_stored(stores.metadata, name) and _older_path(place, now - CACHE_SECONDS):
            total += _remove_tree(place)
    return total


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in found:
            if not entry.is_dir(follow_symlinks=False):
                yield entry


def _older(entry: os.DirEntry[str], before: float | None) -> bool:
    with suppress(OSError):
        return before is None or entry.stat(follow_symlinks=False).st_mtime < before
    return False


def _damaged(objects: str) -> Iterator[str]:
    for folder in os.listdir(objects) if os.path.isdir(objects) else ():
        if len(folder) == 2:
            for entry in _files(os.path.join(objects, folder)):
                if entry.name.endswith(".damaged"):
                    yield entry.path


def _remove_materialised(stores: Stores, cutoff: Cutoff) -> int:
    """Remove what was laid out of artifacts that are gone, and what was never finished."""
    files = os.path.join(stores.blobs.root, "files")
    total = 0
    for digest in os.listdir(files) if os.path.isdir(files) else ():
        folder = os.path.join(files, digest)
        before = cutoff()
        if not cleaning.is_artifact(stores.metadata, digest) and _older_path(folder, before):
            total += _remove_tree(folder)
            continue
        for name in os.listdir(folder):
            if _half_built(name) and _older_path(os.path.join(folder, name), time.time() - BUILDING_SECONDS):
                total += _remove_tree(os.path.join(folder, name))
    return total


def _half_built(name: str) -> bool:
    """Whether a name is that of a place under construction: ".PID-THREAD", or such a one with ".old"."""
    _, dot, mark = name.removesuffix(".old").rpartition(".")
    process, dash, thread = mark.partition("-")
    return bool(dot and dash) and process.isdigit() and thread.isdigit() and len(thread) > 9


def _older_path(path: str, before: float | None) -> bool:
    with suppress(OSError):
        return before is None or os.lstat(path).st_mtime < before
    return False


def _remove_tree(path: str) -> int:
    """Remove a folder; only bytes that no other name holds count."""
    if not os.path.isdir(path):
        return remove_quietly(path)
    total = own_bytes(path)
    shutil.rmtree(path, ignore_errors=True)
    return total
