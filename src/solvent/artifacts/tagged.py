"""JSON that keeps Python's types: what JSON has no word for is an object `{"$": tag, "v": payload}`.

Plain JSON values are written as they are, so that anyone can read them. What has no tag is a leaf: the caller says what
becomes of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from solvent.errors import FormatError

TAG = "$"
PLAIN = frozenset({str, int, float, bool, type(None)})
_AS_THEY_ARE = frozenset({str, bool, type(None)})
SAFE_INT = 1 << 4096
"""Larger integers are written in hexadecimal: Python refuses to read thousands of decimal digits."""

_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def dumps(tree: Any) -> bytes:
    """Write a tree of plain JSON values; lone surrogates in strings survive."""
    return _to_json(tree).encode("utf-8", "surrogatepass")


def loads(data: bytes | memoryview) -> Any:
    """Read what `dumps` wrote."""
    return json.loads(str(data, "utf-8", "surrogatepass"))


def is_plain(value: Any) -> bool:
    """Tell whether JSON alone gives the value back with all its types, looking at lists and dicts only."""
    kind = type(value)
    if kind is list:
        items = value
    elif kind is dict:
        if not set(map(type, value)) <= {str} or TAG in value:
            return False
        items = value.values()
    else:
        return kind in PLAIN
    kinds = set(map(type, items))
    if kinds <= PLAIN:
        return True
    return kinds <= PLAIN | {list, dict} and all(map(is_plain, items))


def encode(value: Any, leaf: Callable[[Any, str], Any], path: str = "value") -> bytes:
    """Write a value; `leaf(part, path)` gives the tree for a part that has no tag, or raises."""
    try:
        if is_plain(value):
            try:
                return dumps(value)
            except ValueError:  # NaN, infinities and huge integers need tags
                pass
        return dumps(Encoder(leaf, path).tree(value))
    except RecursionError:
        raise FormatError(
            "the value contains itself or is nested too deeply to be stored", where=path, hint="flatten it"
        ) from None


def decode(data: bytes | memoryview, child: Callable[[int], Any] | None = None) -> Any:
    """Read a value back; `child(n)` gives the part that is stored as child n."""
    tree = loads(data)
    return tree if b'"$"' not in bytes(data) else Decoder(child).value(tree)


class Encoder:
    """One walk through a value; `trail` is the way from its root to the part at hand."""

    def __init__(self, leaf: Callable[[Any, str], Any], path: str = "value") -> None:
        self._leaf = leaf
        self._root = path
        self._trail: list[str | int] = []

    def tree(self, value: Any) -> Any:
        """Give the JSON tree that stands for a value."""
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return value if -SAFE_INT < value < SAFE_INT else tagged("int", hex(value))
        if kind is float:
            return value if math.isfinite(value) else tagged("float", repr(value))
        if kind is list:
            return self.items(value)
        if kind is dict:
            return self._dict(value)
        return self._other(kind, value)

    def leaf(self, value: Any) -> Any:
        """Hand a part without a tag to the caller, with its path."""
        return self._leaf(value, self.path)

    @property
    def path(self) -> str:
        return self._root + "".join(f"[{step}]" if isinstance(step, int) else step for step in self._trail)

    def items(self, values: Any) -> list[Any]:
        """Give the trees of the parts of a sequence."""
        return [item if type(item) in _AS_THEY_ARE else self.at(index, item) for index, item in enumerate(values)]

    def pairs(self, value: Any) -> list[Any]:
        """Give the trees of the keys and values of a mapping."""
        return [[self.at(f".key({key!r:.40})", key), self.at(f"[{key!r:.40}]", item)] for key, item in value.items()]

    def fields(self, state: dict[str, Any]) -> dict[str, Any]:
        """Give the trees of named attributes."""
        return {name: self.at(f".{name}", item) for name, item in state.items()}

    def at(self, step: str | int, value: Any) -> Any:
        """Give the tree of a part, one step further along the trail."""
        self._trail.append(step)
        tree = self.tree(value)
        self._trail.pop()
        return tree

    def _dict(self, value: dict[Any, Any]) -> Any:
        if TAG in value or not set(map(type, value)) <= {str}:
            return tagged("dict", self.pairs(value))
        return {key: self.at(f"[{key!r:.40}]", item) for key, item in value.items()}

    def _other(self, kind: type, value: Any) -> Any:
        from solvent.artifacts.tags import find_encoder

        encoder = find_encoder(kind)
        tree = encoder(value, self) if encoder else None
        return self.leaf(value) if tree is None else tree


class Decoder:
    """One walk through a tree, giving back the values."""

    def __init__(self, child: Callable[[int], Any] | None = None) -> None:
        self._child = child

    def value(self, tree: Any) -> Any:
        """Give the value that a tree stands for."""
        kind = type(tree)
        if kind is list:
            return [self.value(item) for item in tree]
        if kind is dict:
            if TAG in tree:
                return self._tagged(tree[TAG], tree["v"])
            return {key: self.value(item) for key, item in tree.items()}
        return tree

    def _tagged(self, tag: str, payload: Any) -> Any:
        if tag == "child":
            if self._child is None:
                raise FormatError("a part is stored elsewhere and can't be read from here")
            return self._child(payload)
        from solvent.artifacts.tags import find_decoder

        return find_decoder(tag)(payload, self)


def tagged(tag: str, payload: Any) -> dict[str, Any]:
    """Give the tree of a tagged value."""
    return {TAG: tag, "v": payload}


def refuse(value: Any, path: str) -> Any:
    """A leaf that is never allowed: for places where only JSON with tags can go."""
    kind = type(value)
    raise FormatError(f"a {kind.__module__}.{kind.__qualname__} can't be stored here", where=path)
