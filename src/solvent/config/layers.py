"""Layers of config values that remember where they were written, and how they merge.

Mappings merge key by key; everything else is replaced as a whole, and the last layer wins. A mapping with numbers as
keys changes single elements of a list below it. Merging is associative.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, Final


class Missing:
    """The type of `MISSING`: there is no such value."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Node:
    """One value of a layer and where it was written.

    `value` is a scalar, a list of nodes or a dict of nodes. `text` is what was typed, for a value of the command
    line; `broken` why that text can't be read as a list or mapping. `original` is the object itself, for a value given
    in code. A node that `replaces` stands for the whole value, whatever lies below.
    """

    __slots__ = ("broken", "line", "origin", "original", "replaces", "text", "value")

    def __init__(
        self,
        value: Any,
        origin: str,
        line: int = 0,
        *,
        text: str | None = None,
        broken: str | None = None,
        original: Any = MISSING,
        replaces: bool = False,
    ) -> None:
        self.value = value
        self.origin = origin
        self.line = line
        self.text = text
        self.broken = broken
        self.original = original
        self.replaces = replaces

    @property
    def source(self) -> str:
        """Where it was written: "configs/base.yaml:3", "--set" or "argument"."""
        return f"{self.origin}:{self.line}" if self.line else self.origin

    def child(self, key: str | int) -> Node | None:
        """Give the node under a key or index, if there is one."""
        if isinstance(self.value, dict):
            found: Node | None = self.value.get(str(key))
            return found
        if isinstance(self.value, list) and isinstance(key, int) and key < len(self.value):
            element: Node = self.value[key]
            return element
        return None

    def plain(self) -> Any:
        """Give the value without its places, as Python would write it."""
        if self.original is not MISSING:
            return self.original
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def from_code(value: Any, origin: str) -> Node:
    """Make a layer from an object given in code."""
    if isinstance(value, Mapping):
        return Node({str(key): from_code(item, origin) for key, item in value.items()}, origin, original=value)
    if type(value) in (list, tuple, set, frozenset):
        return Node([from_code(item, origin) for item in value], origin, original=value)
    return Node(value, origin, original=value)


def merge(lower: Node, upper: Node) -> Node:
    """Lay one layer over another."""
    if upper.replaces or not isinstance(upper.value, dict):
        return upper
    if isinstance(lower.value, dict):
        return _merge_mappings(lower, upper)
    if isinstance(lower.value, list) and points_into(upper.value, len(lower.value)):
        return _change_elements(lower, upper)
    return Node(upper.value, upper.origin, upper.line, replaces=True)


def merge_all(layers: list[Node]) -> Node:
    """Lay all layers over each other, lowest first."""
    return reduce(merge, layers) if layers else Node({}, "default")


def points_into(changes: Mapping[str, Any], length: int) -> bool:
    """Whether all keys are indexes of a list of that length."""
    return bool(changes) and all(key.isdecimal() and int(key) < length for key in changes)


def _merge_mappings(lower: Node, upper: Node) -> Node:
    merged = dict(lower.value)
    for key, node in upper.value.items():
        merged[key] = merge(merged[key], node) if key in merged else node
    return Node(merged, upper.origin, upper.line, replaces=lower.replaces)


def _change_elements(lower: Node, upper: Node) -> Node:
    elements = list(lower.value)
    for key, node in upper.value.items():
        elements[int(key)] = merge(elements[int(key)], node)
    return Node(elements, lower.origin, lower.line, replaces=lower.replaces)


def dotted(path: tuple[str, ...]) -> str:
    """Write a path as `--set` reads it; a key that holds a dot stands in quotes."""
    return ".".join(_quoted(key) for key in path)


def _quoted(key: str) -> str:
    if key and not any(letter in ".=\"'" or not letter.isprintable() or letter.isspace() for letter in key):
        return key
    import json

    return json.dumps(key, ensure_ascii=False)
