"""How types, values and problems of a config are named in errors."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from solvent.config.layers import Node, dotted
from solvent.config.secrets import Secret
from solvent.errors import ConfigError, nearest


def type_text(annotation: Any) -> str:
    """Write a type as it is written in code."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is None or annotation is NoneType:
        return "null"
    if origin in (Union, UnionType):
        return " | ".join(type_text(each) for each in arguments)
    if origin is Literal:
        return "one of " + ", ".join(repr(each) for each in arguments)
    if origin is not None and arguments:
        return f"{type_text(origin)}[{', '.join('...' if each is Ellipsis else type_text(each) for each in arguments)}]"
    if _is_enum(annotation):
        return "one of " + ", ".join(annotation.__members__)
    return getattr(annotation, "__name__", None) or str(annotation)


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and bool(getattr(annotation, "__members__", None))


def found_text(node: Node) -> str:
    """Write what was found, short."""
    value = node.value
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        return "null" if node.original is not None else "None"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def mentions_secret(annotation: Any) -> bool:
    """Whether a value of this type may be meant as a secret, so that it must not be shown."""
    return annotation is Secret or any(mentions_secret(each) for each in get_args(annotation))


def wrong_type(
    annotation: Any, node: Node, path: tuple[str, ...], hint: str | None = None, *, detail: str = ""
) -> ConfigError:
    """Say what was expected, what was found, and where."""
    hidden = mentions_secret(annotation)
    if node.broken is not None and not hidden:
        return ConfigError(
            f"config value `{dotted(path)}`: {node.broken}",
            where=node.source,
            hint=hint or "a list is [a, b], a mapping {a: 1}",
        )
    found = "something else (not shown)" if hidden else found_text(node)
    if hidden:
        hint = "give a reference: env:NAME or file:PATH"
    return ConfigError(
        f"config value `{dotted(path)}`: expected {type_text(annotation)}, found {found}{detail}",
        where=node.source,
        hint=hint,
    )


def not_one_of(annotation: Any, names: Iterable[Any], node: Node, path: tuple[str, ...]) -> ConfigError:
    """Say that a value is none of those that are allowed, with the nearest."""
    near = nearest(node.value, list(names)) if isinstance(node.value, str) else ""
    return wrong_type(annotation, node, path, detail=near)


def unknown_key(key: str, known: Iterable[str], node: Node, path: tuple[str, ...], owner: str) -> ConfigError:
    """Say that no such key exists, with the nearest and those that do."""
    names = list(known)
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return ConfigError(
        f"unknown config key `{dotted((*path, key))}`{nearest(key, names)}",
        where=node.source,
        hint=f"{owner} has: {listed}" if names else f"{owner} has no values to set",
    )


def missing_value(path: tuple[str, ...], annotation: Any, owner: str) -> ConfigError:
    """Say that a value without a default was given nowhere."""
    name = dotted(path)
    return ConfigError(
        f"config value `{name}` is missing: {owner} gives it no default",
        hint=f"give {type_text(annotation)} in a config file or with --set {name}=...",
    )


def unsupported(annotation: Any, node: Node, path: tuple[str, ...]) -> ConfigError:
    """Say that text can't be turned into such a value."""
    return ConfigError(
        f"config value `{dotted(path)}`: a {type_text(annotation)} can't be written in a file or on the command line",
        where=node.source,
        hint="use a dataclass, a number, a text, a path, or a list or mapping of these; make the object in a step",
    )
