"""What values say about code: functions and classes inside them are followed, the rest counts by its identity."""

from __future__ import annotations

import sys
from functools import cached_property, partial, partialmethod, singledispatchmethod
from io import IOBase
from operator import itemgetter
from types import (
    BuiltinFunctionType,
    FunctionType,
    GenericAlias,
    MappingProxyType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    UnionType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

from solvent.errors import IdentityError
from solvent.fingerprint.bytecode import constant_token, digest_code
from solvent.fingerprint.ownership import is_user_class, is_user_function, is_user_module

if TYPE_CHECKING:
    from solvent.fingerprint.reach import Node, Reach

_SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented)})
_NATIVE = (BuiltinFunctionType, MethodDescriptorType, MethodWrapperType, WrapperDescriptorType)
_CONTAINERS = frozenset({list, tuple, set, frozenset, dict, MappingProxyType})
_NOTEBOOK_NAMES = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open"})
_WRAPPERS: dict[type, tuple[str, ...]] = {
    partial: ("func", "args", "keywords"),
    partialmethod: ("func", "args", "keywords"),
    property: ("fget", "fset", "fdel"),
    classmethod: ("__func__",),
    staticmethod: ("__func__",),
    cached_property: ("func",),
    singledispatchmethod: ("func", "dispatcher"),
    MethodType: ("__func__", "__self__"),
}
_DATA_LIBRARIES = frozenset({"numpy", "pandas", "polars", "pyarrow", "scipy"})
_DEPTH = 6


def describe(reach: Reach, node: Node, label: str, value: Any, bound: str | None = None) -> None:
    """Add to a node what a value under this label is: parts for what counts by itself, edges for code.

    `bound` is the "module.NAME" that the value was found under.
    """
    kind = type(value)
    if kind in _SCALARS:
        node.parts.append(f"{label} = {constant_token(value)}")
    elif kind is FunctionType:
        _describe_function(reach, node, label, value, bound)
    elif isinstance(value, type) and kind is not GenericAlias:
        _describe_class(reach, node, label, value)
    elif kind is ModuleType or isinstance(value, ModuleType):
        reach.chain(node, label, value, ())
    elif (wrapper := _wrapper_kind(kind)) is not None:
        node.parts.append(f"{label} is {kind.__name__}")
        for name in _WRAPPERS[wrapper]:
            describe(reach, node, f"{label}.{name}", getattr(value, name), bound)
    elif is_native(kind):
        _describe_native(reach, node, label, value)
    elif wrapped_step(value) is not None:
        describe(reach, node, label, wrapped_step(value), bound)
    elif kind in _CONTAINERS and holds_code(value):
        _describe_container(reach, node, label, value)
    elif isinstance(value, UnionType | GenericAlias) or kind.__module__ == "typing":
        node.parts.append(f"{label} = {kind.__name__}:{value!r}")
        for at, each in enumerate(getattr(value, "__args__", ())):
            describe(reach, node, f"{label}({at})", each)
    else:
        _describe_object(reach, node, label, value)


def is_native(kind: type) -> bool:
    """Say whether values of a class are functions in C, those of Cython included."""
    return kind in _NATIVE or kind.__name__ in ("cython_function_or_method", "fused_cython_function")


def _wrapper_kind(kind: type) -> type | None:
    if kind in _WRAPPERS:
        return kind
    return next((base for base in kind.__mro__ if base in _WRAPPERS), None)


def wrapped_step(value: Any) -> Any:
    """Return the function of a step or pipeline, or None for anything else."""
    kind = type(value)
    if hasattr(kind, "__solvent_step__") or hasattr(kind, "__solvent_pipeline__"):
        return value.__wrapped__
    names = getattr(value, "__dict__", None)
    if type(names) is dict and ("__solvent_step__" in names or "__solvent_pipeline__" in names):
        return value.__wrapped__
    return None


def is_code(value: Any) -> bool:
    """Say whether a value is code itself: a function, class, module, method or wrapper of one."""
    kind = type(value)
    if kind in _SCALARS or kind in _CONTAINERS:
        return False
    if isinstance(value, FunctionType | type | ModuleType) or _wrapper_kind(kind) or is_native(kind):
        return True
    return wrapped_step(value) is not None or isinstance(_wrapped(value), FunctionType)


def holds_code(value: Any, depth: int = _DEPTH) -> bool:
    """Say whether code of the user, or an object of a class of the user, is somewhere inside a value."""
    kind = type(value)
    if kind in _SCALARS or not depth:
        return False
    if kind in _CONTAINERS:
        inside = value if kind is not dict and kind is not MappingProxyType else [*value.keys(), *value.values()]
        return any(type(each) not in _SCALARS and holds_code(each, depth - 1) for each in inside)
    if kind is FunctionType:
        return is_user_function(value) or _decorates_user_code(value, depth)
    if isinstance(value, type):
        return is_user_class(value)
    if isinstance(value, ModuleType):
        return is_user_module(value)
    if (wrapper := _wrapper_kind(kind)) is not None:
        return any(holds_code(getattr(value, name), depth - 1) for name in _WRAPPERS[wrapper])
    if is_native(kind) or kind.__module__.partition(".")[0] in _DATA_LIBRARIES:
        return False
    if wrapped_step(value) is not None or is_user_class(kind):
        return True
    return (
        any(type(each) not in _SCALARS and holds_code(each, depth - 2) for _, each in state_of(value))
        if depth > 2
        else False
    )


def state_of(value: Any) -> list[tuple[str, Any]]:
    """Return the attributes that an object holds itself, by name."""
    found = dict(value.__dict__) if type(getattr(value, "__dict__", None)) is dict else {}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            member = cls.__dict__.get(name)
            if type(member).__name__ == "member_descriptor" and name not in found:
                try:
                    found[name] = member.__get__(value)  # type: ignore[union-attr]
                except AttributeError:
                    continue
    return sorted(found.items())


def _wrapped(value: Any) -> Any:
    """Return what a callable object wraps, without asking its own attribute lookup."""
    names = getattr(value, "__dict__", None)
    if type(names) is dict and "__wrapped__" in names:
        return names["__wrapped__"]
    return None


def _decorates_user_code(function: FunctionType, depth: int) -> bool:
    if depth < 2:
        return False
    if holds_code(function.__dict__.get("__wrapped__"), depth - 1):
        return True
    for cell in function.__closure__ or ():
        try:
            if holds_code(cell.cell_contents, depth - 1):
                return True
        except ValueError:
            continue
    return False


def _describe_function(reach: Reach, node: Node, label: str, value: FunctionType, bound: str | None) -> None:
    if is_user_function(value):
        node.edges.append((label, reach.function(value, bound)))
        return
    reach.external(node, label, value.__module__ or "", value.__qualname__)
    if _decorates_user_code(value, _DEPTH):
        _describe_decorated(reach, node, label, value, bound)


def _describe_decorated(reach: Reach, node: Node, label: str, value: FunctionType, bound: str | None) -> None:
    """Follow what an installed decorator made: its own code is not followed, what it holds is."""
    if value in reach.decorated:
        return
    reach.decorated.append(value)
    machinery = (value.__globals__.get("__name__") or "").partition(".")[0] in sys.stdlib_module_names
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        try:
            held = cell.cell_contents
        except ValueError:
            continue
        if machinery and not (type(held) in _SCALARS or holds_code(held)):
            continue  # caches and locks of functools
        describe(reach, node, f"{label}({name})", held, bound)
        if not machinery and isinstance(held, FunctionType):
            node.parts.append(f"{label}({name}) annotations {annotation_text(held)}")  # it may act on them
    if "__wrapped__" in value.__dict__:
        describe(reach, node, f"{label}.__wrapped__", value.__dict__["__wrapped__"], bound)
    for at, default in enumerate(value.__defaults__ or ()):
        describe(reach, node, f"{label}({at})", default)


def _describe_class(reach: Reach, node: Node, label: str, value: type) -> None:
    if is_user_class(value):
        node.edges.append((label, reach.cls(value)))
    else:
        reach.external(node, label, value.__module__, value.__qualname__)


def _describe_native(reach: Reach, node: Node, label: str, value: Any) -> None:
    owner = getattr(value, "__self__", None)
    module = getattr(value, "__module__", None)
    if owner is not None and not isinstance(owner, ModuleType | type):
        if type(owner) in _SCALARS or type(owner) in _CONTAINERS:
            describe(reach, node, f"{label}.__self__", owner)
        module = type(owner).__module__
    elif owner is None and module is None:
        module = getattr(getattr(value, "__objclass__", None), "__module__", None)
    if module and module in sys.modules and is_user_module(module):
        node.edges.append((label, reach.module(module)))
    reach.external(node, label, module or "builtins", value.__qualname__)


def _describe_container(reach: Reach, node: Node, label: str, value: Any) -> None:
    kind = type(value)
    node.parts.append(f"{label} is {kind.__name__} of {len(value)}")
    if kind is dict or kind is MappingProxyType:
        named = [(_key_text(reach, node, label, key), each) for key, each in value.items()]
        for name, each in sorted(named, key=itemgetter(0)):
            describe(reach, node, f"{label}[{name}]", each)
    elif kind is set or kind is frozenset:
        for each in sorted(value, key=_sort_text):
            describe(reach, node, f"{label}{{}}", each)
    else:
        for at, each in enumerate(value):
            describe(reach, node, f"{label}[{at}]", each)


def _key_text(reach: Reach, node: Node, label: str, key: Any) -> str:
    if type(key) in _SCALARS:
        return constant_token(key)
    if isinstance(key, FunctionType | type):
        describe(reach, node, f"{label} key {_sort_text(key)}", key)
        return _sort_text(key)
    return _identity_text(reach, node, label, key)


def _sort_text(value: Any) -> str:
    if isinstance(value, FunctionType):
        return f"{value.__module__}:{value.__qualname__}:{digest_code(value.__code__)}"
    if isinstance(value, type):
        return f"{value.__module__}:{value.__qualname__}"
    return constant_token(value) if type(value) in _SCALARS else type(value).__qualname__


def _describe_object(reach: Reach, node: Node, label: str, value: Any) -> None:
    """Describe an object: by its identity, or attribute by attribute if code is among them, with its class's code."""
    kind = type(value)
    if id(value) in reach.objects:
        node.parts.append(f"{label} = object {reach.objects[id(value)]}")
        return
    wrapped = getattr(value, "__wrapped__", None) if not is_user_class(kind) else _wrapped(value)
    state = state_of(value)
    if is_user_class(kind):
        node.edges.append((f"class of {label}", reach.cls(kind)))
    else:
        reach.package(kind.__module__)
    inside = [(name, each) for name, each in state if type(each) not in _SCALARS and holds_code(each)]
    if isinstance(wrapped, FunctionType | type):
        reach.objects[id(value)] = len(reach.objects)
        node.parts.append(f"{label} is {kind.__module__}:{kind.__qualname__}")
        describe(reach, node, f"{label}.__wrapped__", wrapped)
        for name, each in inside:
            describe(reach, node, f"{label}.{name}", each)
    elif inside:
        reach.objects[id(value)] = len(reach.objects)
        node.parts.append(f"{label} is {kind.__module__}:{kind.__qualname__}")
        for name, each in state:
            describe(reach, node, f"{label}.{name}", each)
        if isinstance(value, dict | list | tuple | set | frozenset):
            plain = next(each for each in (dict, list, tuple, set, frozenset) if isinstance(value, each))
            describe(reach, node, f"{label}.items", plain(value))
    else:
        node.parts.append(f"{label} = {_identity_text(reach, node, label, value)}")


def _is_read_from(value: Any) -> bool:
    """Say whether a value is an open file that code may read: nobody would notice when it changes."""
    if not isinstance(value, IOBase) or value is sys.stdin:
        return False
    return not value.closed and value.readable() and type(getattr(value, "name", None)) in (str, bytes)


def _identity_text(reach: Reach, node: Node, label: str, value: Any) -> str:
    from solvent.fingerprint.values import identify

    try:
        found = identify(value)
    except IdentityError:
        kind = type(value)
        if node.kind != "module" and _is_read_from(value):
            raise IdentityError(
                f"`{node.name}` reads a file that is open already: its content can't be given a fingerprint",
                where=f"{node.file}:{node.line}" if node.line else node.file,
                hint="open it inside the step, or pass its path as a solvent.File",
            ) from None
        if kind.__module__.partition(".")[0] != "solvent" and node.kind != "module":
            reach.opaque(node, node.name if label == "value" else f"{node.name}: {label}")
        return f"an object of {kind.__module__}:{kind.__qualname__}"
    for name in found.classes:
        cls = find_named(name)
        if cls is not None:
            describe(reach, node, f"{label} holds {name}", cls)
    return f"{found.type}:{found.digest}"


def find_named(name: str) -> Any:
    """Return what "module:qualname" names, or None if it can't be reached by that name."""
    module, _, qualname = name.partition(":")
    value: Any = sys.modules.get(module)
    for part in qualname.split("."):
        value = None if value is None else getattr(value, part, None)
    return value


def describe_function_state(reach: Reach, node: Node, function: FunctionType) -> None:
    """Add a function's defaults, and what was attached to it, to its node."""
    for at, default in enumerate(function.__defaults__ or ()):
        describe(reach, node, f"default {at}", default)
    for name, default in sorted((function.__kwdefaults__ or {}).items()):
        describe(reach, node, f"default {name}", default)
    for name, value in sorted(function.__dict__.items()):
        if name == "__wrapped__" or not name.startswith("__"):
            describe(reach, node, name, value)


def describe_namespace(reach: Reach, node: Node, module: ModuleType, *, tolerant: bool) -> None:
    """Add everything that a module holds; what can't be identified is left to the module's source if `tolerant`."""
    for name, value in sorted(vars(module).items()):
        if name.startswith("__") or (
            module.__name__ == "__main__" and (name in _NOTEBOOK_NAMES or name.startswith("_"))
        ):
            continue
        if isinstance(value, ModuleType):
            if value.__name__.startswith(f"{module.__name__}.") and is_user_module(value):
                node.edges.append((name, reach.module(value.__name__)))
            continue
        if not tolerant and not is_code(value):
            reach.unfollowed.add(f"{module.__name__}.{name}")
        describe(reach, node, name, value, f"{module.__name__}.{name}")


def annotation_text(value: Any) -> str:
    """Return the annotations of a function or class as text."""
    found = vars(value).get("__annotations__") if isinstance(value, type) else value.__annotations__
    return without_addresses(repr(sorted((name, str(each)) for name, each in found.items()))) if found else ""


def without_addresses(text: str) -> str:
    """Return a repr without what differs from process to process."""
    import re

    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
