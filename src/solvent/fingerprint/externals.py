"""The files and folders that the arguments of a step name, wherever they are in them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Any

from solvent.errors import IdentityError
from solvent.fingerprint.files import digest_path, nearest_file, process_memo, relative
from solvent.model import FileMemo

_STATS_BEFORE_LISTINGS = 1000


def externals(value: Any, root: str | os.PathLike[str], memo: FileMemo | None = process_memo) -> dict[str, str]:
    """Return relative path and content digest of each file or folder that a value names.

    A File or Folder must exist; any other path or text counts if it names a file.
    """
    search = _Search()
    search.look(value)
    return {relative(path, root): _digest(path, memo) for path in search.found}


def _digest(path: str, memo: FileMemo | None) -> str:
    try:
        return digest_path(path, memo)
    except OSError as error:
        inside = f" in {path!r}" if error.filename and error.filename != path else ""
        raise IdentityError(
            f"{error.filename or path!r}{inside} can't be read: {error.strerror or error}",
            hint="a file or folder that a step is given counts by its bytes: make all of it readable, and let nobody "
            "write to it while the run starts",
        ) from error


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
