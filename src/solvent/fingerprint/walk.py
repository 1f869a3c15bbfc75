"""The walk through a value: from the leaves up, each object's identity is made from those of its parts."""

from __future__ import annotations

import sys
from _thread import RLock
from collections.abc import Callable
from typing import Any

from solvent.errors import SolventError
from solvent.fingerprint.structure import SCALARS, digest
from solvent.model import Identity, Resolve

Handler = Callable[["Walk", Any], Identity]

_FAR = sys.maxsize
_names: dict[type, str] = {}
_REEXPORTING = frozenset({"numpy", "pandas", "polars", "pyarrow", "torch"})
_PLAIN_NAMES = {
    "pathlib:PosixPath": "pathlib:Path",
    "pathlib:WindowsPath": "pathlib:Path",
    "pathlib._local:PosixPath": "pathlib:Path",
    "pathlib._local:WindowsPath": "pathlib:Path",
    "numpy:memmap": "numpy:ndarray",
}


def type_name(value: Any) -> str:
    """Return "module:qualname" of a class, or of the class of a value, stable across platforms and library versions."""
    return name_class(value if isinstance(value, type) else type(value))


def name_class(cls: type) -> str:
    """Return "module:qualname" of a class."""
    name = _names.get(cls)
    if name is None:
        name = _names[cls] = _make_name(cls)
    return name


def _make_name(cls: type) -> str:
    module, qualname = cls.__module__, cls.__qualname__
    root = module.partition(".")[0]
    # Where these keep a class moves from version to version; the name that they publish does not.
    if root in _REEXPORTING and getattr(sys.modules.get(root), qualname, None) is cls:
        module = root
    name = f"{module}:{qualname}"
    return _PLAIN_NAMES.get(name, name)


class Refused(Exception):
    """Something inside a value can't be given a fingerprint; `steps` is the way to it, innermost first."""

    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.steps: list[str] = []

    def under(self, step: str) -> Refused:
        """Put one more step in front of the way."""
        self.steps.append(step)
        return self

    @property
    def way(self) -> str:
        return "".join(reversed(self.steps))


class Walk:
    """Gives identities to the objects inside one value, cycles and shared parts included.

    An object is told by its content alone: whether two equal parts are one object or two makes no difference. Only
    inside a cycle objects point at each other: one that is still open by the number of levels up, one that is complete
    by how many others of the cycle were completed since.
    """

    __slots__ = (
        "_classes", "_closed", "_earliest", "_find", "_kept", "_open", "_order", "_reach", "_rings", "alone", "resolve"
    )  # fmt: skip

    def __init__(self, find_handler: Callable[[type], Handler], resolve: Resolve | None) -> None:
        self.resolve = resolve
        self.alone = RLock()
        self._find = find_handler
        self._classes: set[str] = set()
        self._closed: dict[int, Identity] = {}
        self._open: dict[int, int] = {}
        self._rings: dict[int, int] = {}
        self._order: list[int] = []
        self._kept: list[Any] = []
        self._reach = _FAR
        self._earliest = _FAR

    def visit(self, value: Any) -> Identity:
        """Return the identity of a value and note the user classes met inside it."""
        scalar = SCALARS.get(type(value))
        if scalar is not None:
            return Identity(scalar[0](value), scalar[1])
        key = id(value)
        found = self._closed.get(key)
        if found is None:
            return self._point_back(key) or self._enter(key, value)
        self._classes.update(found.classes)
        return found

    def note_class(self, name: str) -> None:
        """Note that a value of this user class was met, whose methods may run."""
        self._classes.add(name)

    def make(self, tag: str, value: Any, *parts: bytes | str) -> Identity:
        """Return the identity of a value from the digest of its parts."""
        return Identity(digest(tag, *parts), name_class(type(value)))

    def _point_back(self, key: int) -> Identity | None:
        if key in self._open:
            level = self._open[key]
            self._reach = min(self._reach, level)
            return Identity(digest("above", str(len(self._open) - level)), "")
        if key in self._rings:
            number = self._rings[key]
            self._earliest = min(self._earliest, number)
            return Identity(digest("before", str(len(self._order) - number)), "")
        return None

    def _enter(self, key: int, value: Any) -> Identity:
        outer = self._classes, self._reach, self._earliest
        level, entry = len(self._open), len(self._order)
        self._open[key] = level
        self._classes, self._reach, self._earliest = set(), _FAR, _FAR
        try:
            identity = self._stand_in(value) or self._find(type(value))(self, value)
        except (Refused, SolventError, RecursionError, MemoryError):
            raise
        except Exception as error:  # from code of the value's class
            raise Refused(f"an object of type {name_class(type(value))} ({error})") from error
        finally:
            del self._open[key]
            classes, reach, earliest = self._classes, self._reach, self._earliest
            self._classes, self._reach, self._earliest = outer
        if classes:
            identity = identity._replace(classes=tuple(sorted(classes.union(identity.classes))))
        if identity.classes:
            self._classes.update(identity.classes)
        self._kept.append(value)  # its id may not be given to another object while we remember it
        if reach >= level and earliest >= entry:
            self._close(key, identity, entry)
        else:
            self._reach, self._earliest = min(self._reach, reach), min(self._earliest, earliest)
            self._rings[key] = len(self._order)
            self._order.append(key)
        return identity

    def _stand_in(self, value: Any) -> Identity | None:
        return self.resolve(value) if self.resolve is not None else None

    def _close(self, key: int, identity: Identity, entry: int) -> None:
        for inner in self._order[entry:]:
            del self._rings[inner]
        del self._order[entry:]
        self._closed[key] = identity
