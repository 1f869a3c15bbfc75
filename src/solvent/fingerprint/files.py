"""The content of files and folders, with a memo by file state that is never trusted too early."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from hashlib import file_digest, sha256
from typing import Any

from solvent.errors import IdentityError
from solvent.fingerprint.structure import digest
from solvent.model import FileMemo

FileState = tuple[str, int, int, int, int, int]

SETTLED_NS = 2_000_000_000
"""How long a file must have rested before its state stands for its content: clocks of file systems are that coarse."""

_STATS_BEFORE_LISTINGS = 1000


class ProcessMemo:
    """Remembers digests for as long as the process lives."""

    def __init__(self) -> None:
        self._digests: dict[tuple[Any, ...], str] = {}

    def get(self, state: tuple[Any, ...]) -> str | None:
        return self._digests.get(state)

    def put(self, state: tuple[Any, ...], digest: str) -> None:
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
    found = _read_digest(state[0])
    settled = asked_at - max(state[4], state[5]) > SETTLED_NS
    if memo is not None and settled and file_state(path) == state:
        memo.put(state, found)
    return found


def _read_digest(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return file_digest(file, sha256).hexdigest()


def digest_folder(path: str | os.PathLike[str], memo: FileMemo | None = None) -> str:
    """Return the digest of a folder: of the relative path, size and content of every file in it."""
    return digest("folder", *(text for entry in folder_manifest(path, memo) for text in entry))


def folder_manifest(path: str | os.PathLike[str], memo: FileMemo | None = None) -> list[tuple[str, str, str]]:
    """Return (relative posix path, size, digest) of every file in a folder, sorted by path; links are followed."""
    root = os.path.abspath(path)
    entries = []
    for full in _files_under(root):
        entries.append((_posix(os.path.relpath(full, root)), str(os.stat(full).st_size), digest_file(full, memo)))
    return sorted(entries)


def _files_under(root: str, seen: frozenset[tuple[int, int]] = frozenset()) -> Iterator[str]:
    found = os.stat(root)
    here = (found.st_dev, found.st_ino)
    if here in seen:  # a link to a folder that we are in
        return
    for name in sorted(os.listdir(root)):
        full = os.path.join(root, name)
        if os.path.isdir(full):
            yield from _files_under(full, seen | {here})
        elif os.path.isfile(full):
            yield full


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


def externals(value: Any, root: str | os.PathLike[str], memo: FileMemo | None = process_memo) -> dict[str, str]:
    """Return relative path and content digest of each file or folder that a value names.

    A File or Folder must exist; any other path or text counts if it names a file.
    """
    search = _Search()
    search.look(value)
    return {relative(path, root): digest_path(path, memo) for path in search.found}


def relative(path: str | os.PathLike[str], root: str | os.PathLike[str]) -> str:
    """Return a path in posix form, relative to the project's root if it is inside it, else absolute."""
    full, base = os.path.abspath(path), os.path.abspath(root)
    inside = full.startswith(base.rstrip(os.sep) + os.sep)
    return _posix(full[len(base.rstrip(os.sep)) + 1 :]) if inside else _posix(full)


def _posix(path: str) -> str:
    return path.replace(os.sep, "/")


class _Search:
    """Looks for the names of files anywhere inside a value."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}
        self._seen: set[int] = set()
        self._tried = 0
        self._listings: dict[str, frozenset[str]] = {}

    def look(self, value: Any) -> None:
        cls = type(value)
        if cls is str:
            self._try(value)
        elif cls in _PLAIN:
            return
        elif cls in _CONTAINERS:
            self._look_inside(value, value if cls is not dict else (*value.keys(), *value.values()))
        elif hasattr(cls, "__solvent_kind__"):
            self._require(value, cls.__solvent_kind__)
        elif isinstance(value, os.PathLike):
            self._try(os.fspath(value))
        elif isinstance(value, (list, tuple, set, frozenset)):
            self._look_inside(value, value)
        elif isinstance(value, dict):
            self._look_inside(value, (*value.keys(), *value.values()))
        elif hasattr(cls, "__dataclass_fields__") or hasattr(cls, "__pydantic_core_schema__"):
            self._look_inside(value, _fields_of(value))

    def _look_inside(self, value: Any, parts: Any) -> None:
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        for each in parts:
            self.look(each)

    def _require(self, path: Any, kind: str) -> None:
        there: Callable[[Any], bool] = os.path.isdir if kind == "folder" else os.path.isfile
        if not there(path):
            raise IdentityError(f"no {kind} {os.fspath(path)!r}", hint=nearest_file(path))
        self.found[os.path.abspath(path)] = None

    def _try(self, text: str | bytes) -> None:
        if not isinstance(text, str) or not 0 < len(text) < 4096 or "\0" in text or "\n" in text:
            return
        self._tried += 1
        if self._is_file(text):
            self.found[os.path.abspath(text)] = None

    def _is_file(self, text: str) -> bool:
        # A stat each would take seconds for a million of strings; a listing of each folder that they name does not.
        if self._tried > _STATS_BEFORE_LISTINGS and os.path.basename(text) not in self._listing(os.path.dirname(text)):
            return False
        try:
            return stat.S_ISREG(os.stat(text).st_mode)
        except (OSError, ValueError):
            return False

    def _listing(self, folder: str) -> frozenset[str]:
        names = self._listings.get(folder)
        if names is None:
            try:
                names = frozenset(os.listdir(folder or "."))
            except OSError:
                names = frozenset()
            self._listings[folder] = names
        return names


def _fields_of(value: Any) -> list[Any]:
    declared = getattr(type(value), "__dataclass_fields__", None)
    names = declared if declared is not None else value.__dict__
    return [getattr(value, name) for name in names if hasattr(value, name)]


_PLAIN = frozenset({int, float, bool, complex, bytes, type(None)})
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
