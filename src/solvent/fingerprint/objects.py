"""The identity of objects: by their fields, by their name, or by what they would be rebuilt from."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from solvent.fingerprint.ownership import is_user_module
from solvent.fingerprint.traces import without_cached, without_traces
from solvent.fingerprint.walk import Handler, Refused, Walk, name_class
from solvent.model import Identity

_REFUSED = {
    "_io:_IOBase": ("an open file", "pass its path as a solvent.File"),
    "_thread:lock": ("a lock", None),
    "_thread:RLock": ("a lock", None),
    "builtins:generator": ("a generator", "pass list(...) of it"),
    "builtins:coroutine": ("a coroutine", None),
    "builtins:async_generator": ("an async generator", None),
    "builtins:frame": ("a stack frame", None),
    "builtins:code": ("a code object", None),
    "builtins:dict_keys": ("a view of a dict", "pass list(...) of it"),
    "builtins:dict_values": ("a view of a dict", "pass list(...) of it"),
    "builtins:dict_items": ("a view of a dict", "pass list(...) of it"),
    "threading:Thread": ("a thread", None),
    "multiprocessing.process:BaseProcess": ("a process", None),
    "subprocess:Popen": ("a running process", None),
    "_socket:socket": ("a socket", None),
    "sqlite3:Connection": ("a database connection", "open it inside the step"),
    "sqlite3:Cursor": ("a database cursor", "open it inside the step"),
    "weakref:ReferenceType": ("a weak reference", None),
    "builtins:weakref": ("a weak reference", None),
    "polars.lazyframe.frame:LazyFrame": ("a lazy query", "pass its .collect()"),
    "matplotlib.artist:Artist": ("a part of a figure", "return the whole figure"),
    "polars:LazyFrame": ("a lazy query", "pass its .collect()"),
}
_DEFINE_ON_TOP = "define it with def at the top of a module"
_IN_MEMORY = frozenset({"_io:BytesIO", "_io:StringIO"})


def find_handler(cls: type) -> Handler:
    """Return what makes the identity of values of this class, when it is none of the known containers and tables."""
    return _handler_of_kind(cls) or _handler_by_name(cls) or _identify_rebuilt


def noting(cls: type, handler: Handler) -> Handler:
    """Return a handler that also notes a class of the user, whose methods may run."""
    if not is_user_module(cls.__module__):
        return handler
    name = name_class(cls)

    def identify_and_note(walk: Walk, value: Any) -> Identity:
        walk.note_class(name)
        return handler(walk, value)

    return identify_and_note


def _handler_of_kind(cls: type) -> Handler | None:
    """Find the handler by what the class is made as."""
    if issubclass(cls, type):
        return _identify_class
    if cls in (FunctionType, BuiltinFunctionType, MethodType, ModuleType):
        return _NAMED[cls]
    if hasattr(cls, "__solvent_step__") or hasattr(cls, "__solvent_pipeline__"):
        return _identify_wrapper
    if hasattr(cls, "__solvent_kind__"):
        return _identify_file
    if _is_enum(cls):
        return _identify_member
    if hasattr(cls, "__pydantic_core_schema__") and hasattr(cls, "model_fields"):
        return _identify_model
    if "__dataclass_fields__" in cls.__dict__ and not _rebuilds_itself(cls):
        return _dataclass_handler(cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields") and not _rebuilds_itself(cls):
        return _identify_named_tuple
    return None


def _handler_by_name(cls: type) -> Handler | None:
    """Find the handler by the name of the class or of one that it inherits from, without importing any."""
    if (exact := _EXACT.get(f"{cls.__module__}:{cls.__qualname__}")) is not None:
        return exact
    names = [f"{base.__module__}:{base.__qualname__}" for base in cls.__mro__]
    for name in names:
        if name in _REFUSED and names[0] not in _IN_MEMORY:
            return _refusing(*_REFUSED[name])
        if name in _BY_NAME:
            return _BY_NAME[name]
    return None


def _refusing(what: str, hint: str | None) -> Handler:
    def refuse(walk: Walk, value: Any) -> Identity:
        raise Refused(what, hint)

    return refuse


def _rebuilds_itself(cls: type) -> bool:
    """Whether a class says itself what it is rebuilt from."""
    for base in cls.__mro__[:-1]:
        if "__reduce__" in base.__dict__ or "__reduce_ex__" in base.__dict__:
            return True
        own = base.__dict__.get("__getstate__")
        if own is not None and getattr(own, "__module__", None) != "dataclasses":
            return True
    return False


# Things that are their name: their code enters the cache key by other ways.


def _identify_class(walk: Walk, value: type) -> Identity:
    if is_user_module(value.__module__):
        walk.note_class(name_class(value))
    return walk.make("class", value, name_class(value))


def _identify_function(walk: Walk, value: FunctionType) -> Identity:
    name = f"{value.__module__}:{value.__qualname__}"
    if value.__name__ == "<lambda>":
        raise Refused("a lambda", _DEFINE_ON_TOP)
    if "<locals>" in value.__qualname__:
        raise Refused(f"the function {value.__qualname__!r}, made inside another one,", _DEFINE_ON_TOP)
    if is_user_module(value.__module__):
        if not _is_found(value):
            raise Refused(f"the function {name!r}, which is not what has this name,", _DEFINE_ON_TOP)
        walk.note_class(name)
    return walk.make("function", value, name)


def _is_found(value: Any) -> bool:
    """Whether a function, or what decorators made of it, is what its name says."""
    found: Any = sys.modules.get(value.__module__)
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    while found is not None and found is not value:
        found = getattr(found, "__func__", None) or getattr(found, "__wrapped__", None)
    return found is value


def _identify_builtin(walk: Walk, value: Any) -> Identity:
    owner = value.__self__
    if owner is None or isinstance(owner, ModuleType):
        return walk.make("function", value, f"{value.__module__}:{value.__qualname__}")
    return walk.make("method", value, *_token(walk.visit(owner)), value.__name__)


def _identify_method(walk: Walk, value: MethodType) -> Identity:
    return walk.make("method", value, *_token(walk.visit(value.__self__)), value.__name__)


def _identify_module(walk: Walk, value: ModuleType) -> Identity:
    return walk.make("module", value, value.__name__)


_NAMED: dict[type, Handler] = {
    FunctionType: _identify_function,
    BuiltinFunctionType: _identify_builtin,
    MethodType: _identify_method,
    ModuleType: _identify_module,
}


def _identify_wrapper(walk: Walk, value: Any) -> Identity:
    return walk.visit(value.__wrapped__)


def _token(identity: Identity) -> tuple[str, str]:
    return identity.digest, identity.type


# Things with declared fields.


def _identify_file(walk: Walk, value: Any) -> Identity:
    from solvent.fingerprint import files

    try:
        content = files.digest_path(value)
    except FileNotFoundError as error:
        raise Refused(f"the missing file {str(value)!r}", files.nearest_file(value)) from error
    except OSError as error:
        raise Refused(f"{error.filename or str(value)!r} ({(error.strerror or str(error)).lower()})") from error
    return Identity(content, name_class(type(value)))


def _is_enum(cls: type) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and issubclass(cls, enum.Enum)


def _identify_member(walk: Walk, value: Any) -> Identity:
    # A combination of flags has no name of its own.
    content = value.name if isinstance(value.name, str) else repr(value._value_)
    return walk.make("enum", value, name_class(type(value)), content)


def _identify_named_tuple(walk: Walk, value: Any) -> Identity:
    return _identify_fields(walk, value, zip(value._fields, value, strict=True))


def _identify_model(walk: Walk, value: Any) -> Identity:
    """Give a pydantic model the identity of its fields; which of them were set explicitly makes no difference."""
    fields = {**value.__dict__, **(value.__pydantic_extra__ or {}), **(value.__pydantic_private__ or {})}
    return _identify_fields(walk, value, without_cached(type(value), fields).items())


def _dataclass_handler(cls: type) -> Handler:
    names = [each.name for each in sys.modules["dataclasses"].fields(cls)]

    def identify_dataclass(walk: Walk, value: Any) -> Identity:
        fields = {name: getattr(value, name) for name in names if hasattr(value, name)}
        others = getattr(value, "__dict__", None)
        if others and len(others) != len(fields):
            fields = {**without_cached(cls, others), **fields}
        return _identify_fields(walk, value, fields.items())

    return identify_dataclass


def _identify_fields(walk: Walk, value: Any, fields: Any) -> Identity:
    parts = []
    for name, each in fields:
        try:
            parts.append((name, *_token(walk.visit(each))))
        except Refused as refusal:
            raise refusal.under(f".{name}") from None
    content = [text for part in sorted(parts) for text in part]
    return walk.make("fields", value, name_class(type(value)), *content)


# Everything else is what it would be rebuilt from.


def _identify_rebuilt(walk: Walk, value: Any) -> Identity:
    cls = type(value)
    reduced = _reduce(cls, value)
    if isinstance(reduced, str):
        return walk.make("global", value, getattr(value, "__module__", None) or cls.__module__, reduced)
    function, arguments, state, items, entries, *_ = *reduced, None, None, None, None
    parts = [name_class(cls), *_token(walk.visit(function)), str(len(arguments))]
    for each in arguments:
        parts += _token(walk.visit(each))
    if state is not None:
        parts += _identify_state(walk, cls, state)
    if items is not None:
        parts += ["items", *_token(walk.visit(list(items)))]
    if entries is not None:
        entries = list(entries)
        ordered = any(base.__qualname__ == "OrderedDict" for base in cls.__mro__)
        parts += ["entries", *_token(walk.visit(entries if ordered else dict(entries)))]
    return walk.make("object", value, *parts)


def _reduce(cls: type, value: Any) -> str | tuple[Any, ...]:
    registered: Callable[[Any], Any] | None = copyreg.dispatch_table.get(cls)
    try:
        reduced = registered(value) if registered else value.__reduce_ex__(4)
    except (Refused, RecursionError):
        raise
    except Exception as error:
        raise Refused(f"an object of type {name_class(cls)} ({error})") from error
    return reduced  # type: ignore[no-any-return]


def _identify_state(walk: Walk, cls: type, state: Any) -> list[str]:
    # With __slots__ the state is a pair: of the __dict__ and of the slots.
    halves = state if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict) else (state,)
    parts = ["state"]
    for half in halves:
        if isinstance(half, dict) and all(type(name) is str for name in half):
            parts += _identify_attributes(walk, without_cached(cls, half))
        else:
            parts += _token(walk.visit(without_traces(cls, half)))
    return parts


def _identify_attributes(walk: Walk, state: Mapping[str, Any]) -> list[str]:
    parts, name = [], ""
    try:
        for name in sorted(state):
            parts += [name, *_token(walk.visit(state[name]))]
    except Refused as refusal:
        raise refusal.under(f".{name}") from None
    return [str(len(state)), *parts]


# Values of the standard library whose pickled form says less or other than their content.


def _identify_path(walk: Walk, value: Any) -> Identity:
    return walk.make("path", value, value.as_posix())


def _identify_datetime(walk: Walk, value: Any) -> Identity:
    zone = value.tzinfo
    text = value.replace(tzinfo=None).isoformat()
    return walk.make("datetime", value, text, str(value.fold), *_token(walk.visit(zone)))


def _identify_zone(walk: Walk, value: Any) -> Identity:
    return walk.make("zone", value, str(value))


def _identify_uuid(walk: Walk, value: Any) -> Identity:
    return walk.make("uuid", value, value.hex)


def _identify_figure(walk: Walk, value: Any) -> Identity:
    from solvent.fingerprint.figures import identify_figure

    return identify_figure(walk, value)


def _identify_text(walk: Walk, value: Any) -> Identity:
    return walk.make("text", value, name_class(type(value)), str(value))


_BY_NAME: dict[str, Handler] = {
    "pathlib:PurePath": _identify_path,
    "pathlib._local:PurePath": _identify_path,
    "uuid:UUID": _identify_uuid,
    "matplotlib.figure:Figure": _identify_figure,
}
_EXACT: dict[str, Handler] = {
    "datetime:datetime": _identify_datetime,
    "datetime:time": _identify_datetime,
    "zoneinfo:ZoneInfo": _identify_zone,
    "decimal:Decimal": _identify_text,
}
