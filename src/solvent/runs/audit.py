"""Reading all that a project has stored: which bytes are not what their digest says, and what refers to them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.artifacts.checking import MISSING, Fault, check_blob, entries
from solvent.artifacts.store import UNKNOWN_BYTES
from solvent.config.private import make_folder
from solvent.environments.restore import listed, read_manifest
from solvent.metadata.dropped import find_dropped, list_dropped
from solvent.metadata.makers import record_blobs
from solvent.model import Blob, Blobs, StoredBlob
from solvent.runs.moved import taken_again

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

RUNS_TRIED = 3
"""Of how many runs with one snapshot the files are looked at, to find out what it holds."""

Progress = Callable[[int, int, int], None]
"""Told how many blobs are read, of how many, and how many bytes all of them have."""


class Finding(NamedTuple):
    """A blob with something wrong, and what a run's record calls it: "artifact", "snapshot", "source" or "git_diff".

    `runs` name it beside artifacts, as their snapshot or diff. `path` is the name of a source file in its snapshot. The
    role is "" if nothing refers to the blob.
    """

    blob: Blob
    fault: Fault
    role: str
    runs: tuple[str, ...] = ()
    path: str = ""


class Audit(NamedTuple):
    """All that was found. Blobs that were dropped on purpose are no findings."""

    total: int
    size_bytes: int
    findings: list[Finding]
    unreferenced: list[StoredBlob]
    dropped: list[StoredBlob]
    back: list[str]


class _Use(NamedTuple):
    size_bytes: int
    role: str
    runs: tuple[str, ...] = ()
    path: str = ""


def audit(stores: Stores, progress: Progress | None = None) -> Audit:
    """Read every blob in the store, and miss those that are not there.

    Takes memory for the digests of all blobs, not for their bytes.
    """
    present = {each.digest: each for each in entries(stores.blobs)}
    uses = dict(_uses(stores))
    sizes = {digest: each.size_bytes for digest, each in present.items()}
    sizes.update(
        (digest, use.size_bytes) for digest, use in uses.items() if digest in sizes and use.size_bytes != UNKNOWN_BYTES
    )
    counted = sum(each.size_bytes for each in present.values())
    with _uncached(stores) as blobs:
        faults = _read_all(blobs, [Blob(digest, size) for digest, size in sizes.items()], counted, progress)
        for snapshot, use in [(digest, use) for digest, use in uses.items() if use.role == "snapshot"]:
            for path, blob in _listing(
                stores, snapshot, use, sound=snapshot in present and snapshot not in faults
            ).items():
                uses.setdefault(blob.digest, _Use(blob.size_bytes, "source", use.runs, path))
        dropped = {each.digest: each.size_bytes for each in list_dropped(stores.metadata)}
        there = present.keys() - {digest for digest, fault in faults.items() if fault.kind == MISSING}
        faults = {digest: fault for digest, fault in faults.items() if digest in there}
        absent = {digest: use for digest, use in uses.items() if digest not in there and digest not in dropped}
        missing = dict(_still_missing(blobs, absent))
        # Their notes are written before bytes are dropped: whoever misses some and looks then finds them.
        faults.update((digest, missing[digest]) for digest in missing.keys() - find_dropped(stores.metadata, missing))
    return Audit(
        total=len(present),
        size_bytes=counted,
        findings=[_finding(digest, fault, uses, present) for digest, fault in faults.items()],
        unreferenced=[each for digest, each in present.items() if digest not in uses],
        dropped=[StoredBlob(digest, size, 0.0) for digest, size in dropped.items() if digest not in present],
        back=[digest for digest in dropped if digest in present],
    )


def _still_missing(blobs: Blobs, absent: dict[str, _Use]) -> Iterator[tuple[str, Fault]]:
    """Look once more for what was not in the listing: a run beside this one may have stored and named it since."""
    known = [Blob(digest, use.size_bytes) for digest, use in absent.items() if use.size_bytes != UNKNOWN_BYTES]
    gone = {blob.digest for blob in blobs.missing(known)}
    for digest, use in absent.items():
        blob = Blob(digest, use.size_bytes)
        fault = check_blob(blobs, blob) if digest in gone or use.size_bytes == UNKNOWN_BYTES else None
        if fault is not None:
            yield digest, fault


def _finding(digest: str, fault: Fault, uses: dict[str, _Use], present: dict[str, StoredBlob]) -> Finding:
    use = uses[digest] if digest in uses else _Use(present[digest].size_bytes, "")
    return Finding(Blob(digest, use.size_bytes), fault, use.role, use.runs, use.path)


def _uses(stores: Stores) -> Iterator[tuple[str, _Use]]:
    """Give the digests that the records name; what has several uses counts as the last, an artifact."""
    for role, digest, runs in record_blobs(stores.metadata):
        yield digest, _Use(UNKNOWN_BYTES, role, tuple(runs))
    for digest, size_bytes in stores.metadata.all_blobs():
        yield digest, _Use(size_bytes, "artifact")


def _listing(stores: Stores, digest: str, use: _Use, *, sound: bool) -> dict[str, Blob]:
    """Give the source files of a snapshot, by its manifest, or else by the project's files if they are the same still."""
    if sound:
        return read_manifest(digest, stores.blobs)
    snapshot = taken_again(stores, digest, use.runs[:RUNS_TRIED])
    return listed(snapshot.manifest) if snapshot is not None else {}


@contextmanager
def _uncached(stores: Stores) -> Iterator[Blobs]:
    """Give the store itself: one elsewhere is read through an empty cache, not through the one that runs use."""
    if stores.place.artifacts is None:
        yield stores.blobs
        return
    import tempfile

    from solvent.artifacts.opening import open_blobs

    folder = os.path.join(stores.home, "tmp")
    make_folder(folder)
    with tempfile.TemporaryDirectory(prefix="verify-", dir=folder) as place:
        yield open_blobs(stores.place._replace(home=place))


def _read_all(blobs: Blobs, wanted: list[Blob], size_bytes: int, progress: Progress | None) -> dict[str, Fault]:
    """Check blobs on a few threads, since hashing and waiting for a disk leave Python to the others."""
    from concurrent.futures import ThreadPoolExecutor

    faults: dict[str, Fault] = {}
    done = 0
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1)), "solvent-verify") as pool:
        for blob, fault in _in_order(pool, lambda blob: check_blob(blobs, blob), wanted):
            if fault is not None:
                faults[blob.digest] = fault
            done += 1
            if progress is not None:
                progress(done, len(wanted), size_bytes)
    return faults


def _in_order(pool: Any, work: Callable[[Blob], Fault | None], blobs: Iterable[Blob]) -> Iterator[tuple[Blob, Any]]:
    """Do work on a pool with only so many items in it that no list of all of them is needed."""
    waiting: deque[tuple[Blob, Any]] = deque()
    for blob in blobs:
        waiting.append((blob, pool.submit(work, blob)))
        if len(waiting) >= 64:
            first, future = waiting.popleft()
            yield first, future.result()
    for blob, future in waiting:
        yield blob, future.result()
