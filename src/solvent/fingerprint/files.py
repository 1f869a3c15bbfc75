"""The content of files and folders, with a memo by file state that is never trusted too early."""

from __future__ import annotations

import os
import time
from _thread import get_ident
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from solvent.fingerprint.structure import digest
from solvent.model import FileMemo

FileState = tuple[str, int, int, int, int, int]

SETTLED_NS = 2_000_000_000
"""How long a file must have rested before its state stands for its content: clocks of file systems are that coarse."""

_BUFFER_BYTES = 1 << 18


class ProcessMemo:
    """Remembers digests for as long as the process lives, and asks one that lives longer for what it does not know."""

    def __init__(self) -> None:
        self._digests: dict[tuple[Any, ...], str] = {}
        self._behind: FileMemo | None = None
        self._thread = 0

    def rely_on(self, behind: FileMemo | None) -> None:
        """Ask and tell another memo too, for this thread alone, until this is called with None."""
        self._behind, self._thread = behind, get_ident()

    def get(self, state: tuple[Any, ...]) -> str | None:
        return self.get_many([state]).get(state)

    def get_many(self, states: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
        known = self._digests
        found = {state: known[state] for state in states if state in known}
        if self._behind is not None and len(found) < len(states) and get_ident() == self._thread:
            found |= self._behind.get_many([state for state in states if state not in found])
        return found

    def put(self, state: tuple[Any, ...], digest: str) -> None:
        self._digests[state] = digest
        if self._behind is not None and get_ident() == self._thread:
            self._behind.put(state, digest)

    def note(self, state: tuple[Any, ...], digest: str) -> None:
        """Remember what a longer-lived memo knows already."""
        self._digests[state] = digest


process_memo = ProcessMemo()


def file_state(path: str | os.PathLike[str]) -> FileState:
    """Return what the file system says of a file: path, device, inode, size, mtime_ns, ctime_ns."""
    full = os.path.abspath(path)
    return make_state(full, os.stat(full))


def make_state(path: str, found: os.stat_result) -> FileState:
    """Return the state of the file that a stat was made of."""
    return path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def digest_file(path: str | os.PathLike[str], memo: FileMemo | None = None) -> str:
    """Return the SHA-256 (hex) of a file's bytes, from the memo if its state is known there."""
    state = file_state(path)
    known = memo.get(state) if memo is not None else None
    if known is not None:
        return known
    asked_at = time.time_ns()
    found = _read_digest(state[0], memoryview(bytearray(min(state[3] + 1, _BUFFER_BYTES))))
    if memo is not None and _has_rested(state, asked_at) and file_state(path) == state:
        memo.put(state, found)
    return found


def _has_rested(state: FileState, asked_at: int) -> bool:
    return asked_at - max(state[4], state[5]) > SETTLED_NS


def _read_digest(path: str, buffer: memoryview) -> str:
    """Hash a file through a buffer that is used again: a new one for each of many files costs more than the hashing."""
    hashed = sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                hashed.update(buffer[:count])
    except OSError as error:
        error.filename = path
        raise
    return hashed.hexdigest()


def digest_folder(path: str | os.PathLike[str], memo: FileMemo | None = None) -> str:
    """Return the digest of a folder: of the relative path, size and content of every file in it.

    The memo holds the folder as a whole, by the states of all its files, and each file for when some have changed.
    """
    root = os.path.abspath(path)
    found = scan_folder(root)
    if memo is None:
        return digest_manifest(_manifest(found, _digests_of(found, None)[0]))
    whole = folder_state(root, found)
    known = memo.get(whole)
    if known is None:
        digests, rested = _digests_of(found, memo)
        known = digest_manifest(_manifest(found, digests))
        if rested:
            memo.put(whole, known)
    return known


def digest_manifest(entries: Iterable[tuple[str, str, str]]) -> str:
    """Return the digest of the folder that has these (relative posix path, size, digest), given in any order."""
    return digest("folder", *(text for entry in sorted(entries) for text in entry))


def scan_folder(path: str | os.PathLike[str]) -> dict[str, FileState]:
    """Return the state of every file in a folder by its relative posix path; links are followed."""
    root = os.path.abspath(path)
    found: dict[str, FileState] = {}
    _scan(root, "", frozenset(), found)
    return found


def _scan(folder: str, prefix: str, above: frozenset[tuple[int, int]], found: dict[str, FileState]) -> None:
    state = os.stat(folder)
    here = (state.st_dev, state.st_ino)
    if here in above:  # a link to a folder that we are in
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                _scan(entry.path, f"{prefix}{entry.name}/", above | {here}, found)
            elif entry.is_file():
                found[prefix + entry.name] = make_state(entry.path, os.stat(entry.path))


def folder_state(root: str, files: Mapping[str, FileState]) -> tuple[str, str]:
    """Return what stands for the states of all files of a folder in a memo."""
    states = repr(sorted(files.values()))
    return root + os.sep, sha256(states.encode("utf-8", "surrogatepass")).hexdigest()


def _manifest(found: Mapping[str, FileState], digests: Mapping[FileState, str]) -> list[tuple[str, str, str]]:
    return sorted((name, str(state[3]), digests[state]) for name, state in found.items())


def _digests_of(found: Mapping[str, FileState], memo: FileMemo | None) -> tuple[dict[FileState, str], bool]:
    """Give the digest of every file, and whether all had rested and none changed meanwhile."""
    asked_at = time.time_ns()
    states = list(found.values())
    known: dict[Any, str] = {} if memo is None else memo.get_many(states)
    rested, buffer = True, memoryview(bytearray(_BUFFER_BYTES))
    for state in states:
        if state in known:
            continue
        known[state] = _read_digest(state[0], buffer)
        if memo is not None and _has_rested(state, asked_at) and make_state(state[0], os.stat(state[0])) == state:
            memo.put(state, known[state])
        else:
            rested = False
    return known, rested


def digest_path(path: str | os.PathLike[str], memo: FileMemo | None = process_memo) -> str:
    """Return the digest of a file or of a folder, whichever is there."""
    return digest_folder(path, memo) if os.path.isdir(path) else digest_file(path, memo)


def nearest_file(path: str | os.PathLike[str]) -> str | None:
    """Return a hint that names the file whose name is nearest, in the nearest folder that exists."""
    from difflib import get_close_matches

    folder, name = os.path.split(os.path.abspath(path))
    if not os.path.isdir(folder):
        return f"the folder {folder!r} does not exist either; relative paths start at {os.getcwd()!r}"
    close = get_close_matches(name, os.listdir(folder), n=1)
    return f"did you mean {os.path.join(os.path.dirname(os.fspath(path)), close[0])!r}?" if close else None


def relative(path: str | os.PathLike[str], root: str | os.PathLike[str]) -> str:
    """Return a path in posix form, relative to the project's root if it is inside it, else absolute."""
    full, base = os.path.abspath(path), os.path.abspath(root)
    inside = full.startswith(base.rstrip(os.sep) + os.sep)
    return _posix(full[len(base.rstrip(os.sep)) + 1 :]) if inside else _posix(full)


def _posix(path: str) -> str:
    return path.replace(os.sep, "/")
