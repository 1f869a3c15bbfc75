"""The identity of any value: equal for equal content and type, in every process and for every order of a dict."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from solvent.errors import IdentityError
from solvent.fingerprint import objects
from solvent.fingerprint.structure import SCALARS, digest_str
from solvent.fingerprint.walk import Handler, Refused, Walk, type_name
from solvent.model import Identity, Resolve

__all__ = ["identify", "is_immutable", "type_name"]

_DEEPEST = 50_000


def identify(value: Any, *, resolve: Resolve | None = None, path: str = "value") -> Identity:
    """Return what a value is; raise IdentityError with the path inside the value for what can't be told.

    A container holds of each element its digest and type, so an element that stands for an artifact (`resolve` gives
    its identity) makes the same container as the value it stands for.
    """
    scalar = SCALARS.get(type(value))
    if scalar is not None:
        return Identity(scalar[0](value), scalar[1])
    try:
        return _walk(value, resolve)
    except Refused as refusal:
        where, what, hint, cause = f"{path}{refusal.way}", refusal.what, refusal.hint, refusal.__cause__
    except RecursionError:
        where, what, hint, cause = path, "a value nested this deeply", None, None
    raise IdentityError(f"{where}: {what} can't be given a fingerprint", hint=hint) from cause


def _walk(value: Any, resolve: Resolve | None) -> Identity:
    try:
        return Walk(find_handler, resolve).visit(value)
    except RecursionError:
        limit = sys.getrecursionlimit()
    # A graph of some hundred objects is as deep as it has objects. Our frames take no room on the machine's stack.
    sys.setrecursionlimit(max(limit, _DEEPEST))
    try:
        return Walk(find_handler, resolve).visit(value)
    finally:
        sys.setrecursionlimit(limit)


def find_handler(cls: type) -> Handler:
    """Return what makes the identity of values of this class."""
    handler = _handlers.get(cls)
    if handler is None:
        handler = _handlers[cls] = objects.noting(cls, _library_handler(cls) or objects.find_handler(cls))
    return handler


def _library_handler(cls: type) -> Handler | None:
    roots = {base.__module__.partition(".")[0] for base in cls.__mro__}
    if not roots.isdisjoint(("numpy", "scipy", "torch")):
        from solvent.fingerprint import arrays

        return arrays.find_handler(cls)
    if not roots.isdisjoint(("pandas", "polars")):
        from solvent.fingerprint import frames

        return frames.find_handler(cls)
    if "pyarrow" in roots:
        from solvent.fingerprint import tables

        return tables.find_handler(cls)
    return None


def _identify_sequence(walk: Walk, value: Sequence[Any]) -> Identity:
    return walk.make(type(value).__name__, value, *elements(walk, value))


def elements(walk: Walk, values: Sequence[Any]) -> tuple[str, str]:
    """Return the types and the digests of elements, in order: one type where all have it."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and (scalar := SCALARS.get(kinds.pop())) is not None:
        return scalar[1], "".join(map(scalar[0], values))
    digests, types, index = [], [], 0
    try:
        for index, each in enumerate(values):  # noqa: B007 - read in the except clause
            found = walk.visit(each)
            digests.append(found.digest)
            types.append(found.type)
    except Refused as refusal:
        raise refusal.under(f"[{index}]") from None
    return join_types(types), "".join(digests)


def join_types(types: Sequence[str]) -> str:
    """Return the names of types as one text, in which a repetition costs nothing."""
    return types[0] if types and types.count(types[0]) == len(types) else "\0".join(types)


def _identify_dict(walk: Walk, value: dict[Any, Any]) -> Identity:
    return walk.make("dict", value, *pairs(walk, value.items()))


def pairs(walk: Walk, items: Iterable[tuple[Any, Any]], step: str = "[{!r}]") -> tuple[str, str, str, str]:
    """Return the types and digests of keys and of values, ordered by key."""
    keyed = [(*_identify_key(walk, key), key, each) for key, each in items]
    # Sorted before the values are visited, so that a cycle among them is entered at the same place each time.
    keyed.sort(key=itemgetter(0, 1))
    found, key = [], None
    try:
        for *_, key, each in keyed:  # noqa: B007 - read in the except clause
            found.append(walk.visit(each))
    except Refused as refusal:
        raise refusal.under(step.format(key)) from None
    return (
        join_types([each[1] for each in keyed]),
        "".join([each[0] for each in keyed]),
        join_types([each.type for each in found]),
        "".join([each.digest for each in found]),
    )


def _identify_key(walk: Walk, key: Any) -> tuple[str, str]:
    if type(key) is str:
        return digest_str(key), "builtins:str"
    try:
        return walk.visit(key)[:2]
    except Refused as refusal:
        raise refusal.under(" key") from None


def _identify_set(walk: Walk, value: Iterable[Any]) -> Identity:
    found = sorted([walk.visit(each)[:2] for each in value])
    types, digests = [each[1] for each in found], [each[0] for each in found]
    return walk.make(type(value).__name__, value, join_types(types), "".join(digests))


def _identify_range(walk: Walk, value: range) -> Identity:
    # Ranges of the same numbers are equal whatever their stop.
    return walk.make("range", value, *elements(walk, [len(value), *value[:1], *value[1:2]]))


def _identify_slice(walk: Walk, value: slice) -> Identity:
    return walk.make("slice", value, *elements(walk, [value.start, value.stop, value.step]))


def _identify_buffer(walk: Walk, value: bytearray) -> Identity:
    return walk.make("bytearray", value, bytes(value))


def _identify_view(walk: Walk, value: memoryview) -> Identity:
    return walk.make("memoryview", value, value.format, repr(value.shape), value.tobytes())


def _identify_singleton(walk: Walk, value: Any) -> Identity:
    return walk.make("singleton", value, repr(value))


def _identify_proxy(walk: Walk, value: Any) -> Identity:
    return walk.make("dict", value, *pairs(walk, value.items()))


_handlers: dict[type, Handler] = {
    list: _identify_sequence,
    tuple: _identify_sequence,
    dict: _identify_dict,
    set: _identify_set,
    frozenset: _identify_set,
    range: _identify_range,
    slice: _identify_slice,
    bytearray: _identify_buffer,
    memoryview: _identify_view,
    type(...): _identify_singleton,
    type(NotImplemented): _identify_singleton,
    type(type.__dict__): _identify_proxy,
}


# What no step can change in place, and so needs no check when it is handed on.


def is_immutable(value: Any) -> bool:
    """Whether nothing can change a value in place: a step that got it can't have changed it for the next one."""
    cls = type(value)
    if cls in SCALARS or cls in _NEVER_CHANGED:
        return True
    if cls in (tuple, frozenset):
        return all(map(is_immutable, value))
    root = cls.__module__.partition(".")[0]
    if root == "pyarrow":
        return type_name(cls) in _FROZEN_TABLES
    if type_name(cls) in _FROZEN_VALUES:
        return True
    if root == "numpy":
        return _is_frozen_array(value)
    return _is_frozen_record(cls, value)


def _is_frozen_array(value: Any) -> bool:
    import numpy as np

    if isinstance(value, np.generic):
        return not value.dtype.hasobject and value.dtype.names is None
    # A read-only view does not stop those who hold the array that it looks into.
    owner: Any = value
    while type(owner) is np.ndarray and not owner.flags.writeable and not owner.dtype.hasobject:
        base: Any = owner.base
        if base is None or type(base) is bytes:
            return True
        owner = base
    return False


def _is_frozen_record(cls: type, value: Any) -> bool:
    declared = getattr(cls, "__dataclass_params__", None)
    if declared is not None and declared.frozen:
        names = cls.__dataclass_fields__  # type: ignore[attr-defined]
        extra = set(getattr(value, "__dict__", ())) - set(names)
        return not extra and all(is_immutable(getattr(value, name, None)) for name in names)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return all(map(is_immutable, value))
    enum = sys.modules.get("enum")
    return enum is not None and issubclass(cls, enum.Enum)


_NEVER_CHANGED = frozenset({range, type(...), type(NotImplemented)})
_FROZEN_VALUES = frozenset(
    {
        "datetime:date",
        "datetime:datetime",
        "datetime:time",
        "datetime:timedelta",
        "datetime:timezone",
        "zoneinfo:ZoneInfo",
        "decimal:Decimal",
        "fractions:Fraction",
        "uuid:UUID",
        "pathlib:Path",
        "pathlib:PurePosixPath",
        "pathlib:PureWindowsPath",
    }
)
# A frame of polars is not among them: it can be renamed, extended and given new columns in place.
_FROZEN_TABLES = frozenset({"pyarrow:Table", "pyarrow:RecordBatch", "pyarrow:ChunkedArray", "pyarrow:Schema"})
