"""Reading what skops wrote, without importing skops: its import loads every estimator of scikit-learn and takes 0.3 s.

What fitted estimators are mostly made of is read here; anything else is left to skops (`Unread`). What may be loaded is
never more than skops itself allows: estimators of scikit-learn, a few of its inner classes, NumPy's arrays and random
states, plain values, and the types that were recorded as trusted when the file was written.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any
from zipfile import ZipFile, ZipInfo

PROTOCOL = 2
_INNER = frozenset(
    {
        *(f"sklearn._loss.link.{name}" for name in ("IdentityLink", "Interval", "LogLink", "LogitLink")),
        *(f"sklearn._loss.link.{name}" for name in ("HalfLogitLink", "MultinomialLogit")),
        *(f"sklearn._loss.loss.{name}" for name in ("AbsoluteError", "ExponentialLoss", "HuberLoss", "PinballLoss")),
        *(f"sklearn._loss.loss.Half{name}Loss" for name in ("Binomial", "Gamma", "Multinomial", "Poisson")),
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    }
)
"""Classes of scikit-learn that are no estimators and that skops trusts."""
_LOSSES = "sklearn._loss._loss"
_TREE = "sklearn.tree._tree.Tree"
_BIT_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})
_KEYS: dict[str, type] = {f"builtins.{kind.__name__}": kind for kind in (str, int, float, bool)}

_NO_TIME = (1980, 1, 1, 0, 0, 0)

Node = Mapping[str, Any]


class Unread(Exception):
    """The file holds something that only skops reads, or that nobody may read."""


def read(data: Any, trusted: Collection[str]) -> Any:
    """Give the estimator that a file holds; `Unread` if it has to be read by skops."""
    with ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
        if schema.get("protocol") != PROTOCOL:
            raise Unread(f"protocol {schema.get('protocol')}")
        return _Reading(archive, frozenset(trusted)).value(schema)


def canonical(data: bytes) -> bytes:
    """Write a file again so that equal estimators give equal bytes: skops puts addresses of memory and the time into it."""
    with ZipFile(io.BytesIO(data)) as archive:
        numbers: dict[int, int] = {}
        files: dict[str, str] = {}
        schema = _renumbered(json.loads(archive.read("schema.json")), numbers, files)
        out = io.BytesIO()
        with ZipFile(out, "w") as made:
            for name in [*files, "schema.json"]:
                content = archive.read(name) if name in files else json.dumps(schema, indent=1).encode()
                made.writestr(ZipInfo(files.get(name, name), _NO_TIME), content)
        return out.getvalue()


def _renumbered(tree: Any, numbers: dict[int, int], files: dict[str, str]) -> Any:
    """Give a schema with objects and files numbered in the order in which they come."""
    if isinstance(tree, list):
        return [_renumbered(each, numbers, files) for each in tree]
    if not isinstance(tree, dict):
        return tree
    made = {}
    for name, each in tree.items():
        if name == "__id__" and isinstance(each, int):
            each = numbers.setdefault(each, len(numbers) + 1)
        elif name == "file" and isinstance(each, str):
            suffix = each.rpartition(".")[2]
            each = files.setdefault(each, f"{len(files)}.{suffix}")
        else:
            each = _renumbered(each, numbers, files)
        made[name] = each
    return made


class _Reading:
    """One file; what occurs twice in it is one object."""

    def __init__(self, archive: ZipFile, trusted: frozenset[str]) -> None:
        self._archive = archive
        self._trusted = trusted
        self._known: dict[int, Any] = {}
        self._loaders: dict[str, Callable[[Node], Any]] = {
            "JsonNode": lambda node: json.loads(node["content"]),
            "DictNode": self._dict,
            "ListNode": self._list,
            "TupleNode": self._tuple,
            "SliceNode": self._slice,
            "TypeNode": self._type,
            "NdArrayNode": self._array,
            "DTypeNode": lambda node: self.value(node["content"]).dtype,
            "ObjectNode": self._object,
            "TreeNode": self._reduced,
            "LossNode": self._reduced,
            "RandomStateNode": self._random_state,
            "RandomGeneratorNode": self._generator,
        }

    def value(self, node: Node) -> Any:
        """Give what a node stands for."""
        name = node.get("__id__")
        if name in self._known:
            return self._known[name]
        loader = self._loaders.get(node["__loader__"])
        if loader is None:
            raise Unread(f"{node['__loader__']} of {_name(node)}")
        made = loader(node)
        if name is not None:
            self._known[name] = made
        return made

    def _dict(self, node: Node) -> dict[Any, Any]:
        self._only(node, "builtins.dict")
        keys = self.value(node["key_types"])
        return {kind(key): self.value(item) for kind, (key, item) in zip(keys, node["content"].items(), strict=True)}

    def _list(self, node: Node) -> list[Any]:
        self._only(node, "builtins.list")
        return [self.value(item) for item in node["content"]]

    def _tuple(self, node: Node) -> tuple[Any, ...]:
        self._only(node, "builtins.tuple")
        return tuple(self.value(item) for item in node["content"])

    def _slice(self, node: Node) -> slice:
        content = node["content"]
        return slice(content["start"], content["stop"], content["step"])

    def _type(self, node: Node) -> type:
        return _KEYS.get(_name(node)) or _scalar_type(node)

    def _array(self, node: Node) -> Any:
        import numpy as np

        if node["type"] == "json":
            items, shape = [self.value(item) for item in node["content"]], self.value(node["shape"])
            for _ in shape[1:]:
                items = [part for item in items for part in item]
            made = np.empty(len(items), dtype=object)
            made[:] = items
            return made.reshape(shape)
        found = np.load(io.BytesIO(self._archive.read(node["file"])), allow_pickle=False)
        return found if _name(node) == "numpy.ndarray" else _scalar_type(node)(found)

    def _object(self, node: Node) -> Any:
        kind = self._class(node)
        made = kind.__new__(kind)
        content = node.get("content")
        state = self.value(content) if content is not None else None
        if state is not None:
            if hasattr(made, "__setstate__"):
                made.__setstate__(state)
            else:
                made.__dict__.update(state)
        return made

    def _class(self, node: Node) -> Any:
        name = _name(node)
        if name not in self._trusted and not name.startswith("sklearn."):
            raise Unread(name)
        kind = _find(node)
        if name in self._trusted or name in _INNER:
            return kind
        from sklearn.base import BaseEstimator

        if not (isinstance(kind, type) and issubclass(kind, BaseEstimator) and kind.__module__.startswith("sklearn.")):
            raise Unread(name)
        return kind

    def _reduced(self, node: Node) -> Any:
        """An object of compiled code: its class, what it is made with, and its state."""
        name = _name(node)
        if node["__loader__"] == "TreeNode":
            if name != _TREE or name not in self._trusted:
                raise Unread(name)
        elif node["__module__"] != _LOSSES or not node["__class__"].startswith("Cy"):
            raise Unread(name)
        made = _find(node)(*self.value(node["__reduce__"]["args"]))
        state = self.value(node["content"])
        if state:
            made.__setstate__(state)
        return made

    def _random_state(self, node: Node) -> Any:
        from numpy.random import RandomState

        made = RandomState()
        made.set_state(self.value(node["content"]))
        return made

    def _generator(self, node: Node) -> Any:
        from numpy import random

        state = self.value(node["content"]["bit_generator"])
        name = state["bit_generator"]
        if name not in _BIT_GENERATORS:
            raise Unread(f"numpy.random.{name}")
        made = getattr(random, name)(random.SeedSequence(**self.value(node["content"]["seed_seq"])))
        made.state = state
        return random.Generator(made)

    def _only(self, node: Node, name: str) -> None:
        if _name(node) != name:
            raise Unread(_name(node))


def _name(node: Node) -> str:
    return f"{node['__module__']}.{node['__class__']}"


def _find(node: Node) -> Any:
    return getattr(import_module(node["__module__"]), node["__class__"])


def _scalar_type(node: Node) -> Any:
    import numpy as np

    kind = getattr(np, node["__class__"], None) if node["__module__"] == "numpy" else None
    if not (isinstance(kind, type) and issubclass(kind, np.generic)):
        raise Unread(_name(node))
    return kind
