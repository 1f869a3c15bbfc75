"""Writes a config as JSON that gives the same config when it is read again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

from solvent.config.fields import is_named_tuple
from solvent.config.layers import Node, dotted
from solvent.config.scalars import float_text
from solvent.config.schema import text_reader
from solvent.config.secrets import Secret
from solvent.errors import ConfigError

Path = tuple[str, ...]


def to_json(value: Any, path: Path = ()) -> Any:
    """Give the JSON form: paths and dates as text, enum members by name, sets sorted, secrets as references."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return value.name if value.name in type(value).__members__ else to_json(value.value, path)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float_text(float(value))
    return _structure_to_json(value, path)


def _structure_to_json(value: Any, path: Path) -> Any:
    if isinstance(value, Mapping):
        return {_key_text(key, path): to_json(item, (*path, str(key))) for key, item in value.items()}
    if is_named_tuple(type(value)):
        return {name: to_json(getattr(value, name), (*path, name)) for name in value._fields}
    if isinstance(value, list | tuple | range):
        return [to_json(item, (*path, str(at))) for at, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return sorted((to_json(item, path) for item in value), key=_order)
    return _object_to_json(value, path)


def _object_to_json(value: Any, path: Path) -> Any:
    if isinstance(value, Secret):
        return value.reference
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}:{value.__qualname__}"
    if hasattr(value, "model_dump"):
        return to_json(_dump(value), path)
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.init]
        return {name: to_json(getattr(value, name), (*path, name)) for name in names}
    return _text_of(value, path)


def _text_of(value: Any, path: Path) -> str:
    kind = type(value)
    if text_reader(kind) is not None:
        for write in ("as_posix", "isoformat", "__str__"):
            if hasattr(value, write):
                return str(getattr(value, write)())
    raise ConfigError(
        f"config value `{dotted(path)}`: a {kind.__module__}.{kind.__qualname__} can't be recorded",
        hint="give numbers, texts, paths, dataclasses, or lists and mappings of these; make the object in a step",
    )


def _key_text(key: Any, path: Path) -> str:
    form = to_json(key, path)
    return form if isinstance(form, str) else _order(form)


def _order(form: Any) -> str:
    import json

    return json.dumps(form, sort_keys=True)


def sources_of(form: Any, node: Node | None) -> dict[str, str]:
    """Give the place that each value came from, by dotted name; a list with one origin is one value."""
    found: dict[str, str] = {}
    _collect(form, node, (), "default", found)
    return found


def _collect(form: Any, node: Node | None, path: Path, inherited: str, found: dict[str, str]) -> None:
    if node is not None:
        inherited = "default" if _is_partial(node, form) else node.source
    if isinstance(form, dict) and form:
        for key, item in form.items():
            _collect(item, node.child(key) if node else None, (*path, key), inherited, found)
    elif isinstance(form, list) and _mixed(form, node):
        for at, item in enumerate(form):
            _collect(item, node.child(at) if node else None, (*path, str(at)), inherited, found)
    elif path:
        found[dotted(path)] = node.source if node is not None else inherited


def _is_partial(node: Node, form: Any) -> bool:
    """What a mapping of a layer does not name is a default; an object given in code names all that it holds."""
    return isinstance(form, dict | list) and isinstance(node.value, dict | type(form))


def _mixed(form: list[Any], node: Node | None) -> bool:
    if any(isinstance(item, dict) for item in form):
        return True
    if node is None or (node.original is not None and not isinstance(node.value, list | dict)):
        return False
    if isinstance(node.value, dict):
        return bool(node.value)
    return len({item.origin for item in node.value} | {node.origin}) > 1


def _dump(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True)
