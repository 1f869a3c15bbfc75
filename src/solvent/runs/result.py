"""What a pipeline returned, kept as JSON that names artifacts instead of holding them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

from solvent.fingerprint.values import type_name
from solvent.model import ArtifactRef
from solvent.pipelines.containers import find_refs
from solvent.pipelines.ref import Ref

Keep = Callable[[Any], ArtifactRef]
Read = Callable[[str, str], Any]

_SCALARS = (bool, int, float, str, type(None))


def encode_result(result: Any, keep: Keep) -> str:
    """Write a result down; `keep` gives the artifact of a Ref, or makes one of a value that is not JSON."""
    return json.dumps(_encode(result, keep))


def decode_result(text: str | None, read: Read) -> Any:
    """Read a result back; `read(digest, type)` loads an artifact."""
    return _decode(json.loads(text), read) if text else None


def plain_result(text: str | None, read: Read) -> Any:
    """Give a result for JSON output: JSON-typed values as they are, other artifacts as references."""
    return _plain(json.loads(text), read) if text else None


def _encode(result: Any, keep: Keep) -> Any:
    if type(result) in _SCALARS and not _too_special(result):
        return result
    if type(result) in (list, tuple):
        return {type(result).__name__: [_encode(each, keep) for each in result]}
    if type(result) is dict:
        return {"dict": [[_encode(key, keep), _encode(each, keep)] for key, each in result.items()]}
    if type(result) is not Ref and not isinstance(result, type) and find_refs({"result": result}):
        if isinstance(result, dict):
            return _encode(dict(result), keep)
        if isinstance(result, (list, set, frozenset)):
            kind = "list" if isinstance(result, list) else "set"
            return {kind: [_encode(each, keep) for each in result]}
        return {"record": [type_name(result), [[name, _encode(each, keep)] for name, each in _fields(result)]]}
    artifact = keep(result)
    return {"artifact": [artifact.digest, artifact.type, artifact.format]}


def _decode(tree: Any, read: Read) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, held),) = tree.items()
    if kind == "artifact":
        return read(held[0], held[1])
    if kind == "dict":
        return {_decode(key, read): _decode(each, read) for key, each in held}
    if kind == "record":
        return _make(held[0], {name: _decode(each, read) for name, each in held[1]})
    items = [_decode(each, read) for each in held]
    return {"tuple": tuple, "set": set}.get(kind, list)(items)


def _plain(tree: Any, read: Read) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, held),) = tree.items()
    if kind == "artifact":
        reference = {"artifact": held[0], "type": held[1]}
        return _json_value(read(held[0], held[1]), reference) if _is_plain(held) else reference
    if kind == "dict":
        return {str(_plain(key, read)): _plain(each, read) for key, each in held}
    if kind == "record":
        return {name: _plain(each, read) for name, each in held[1]}
    return [_plain(each, read) for each in held]


def _fields(result: Any) -> list[tuple[str, Any]]:
    """Give the fields of a NamedTuple or dataclass that holds results of steps."""
    if isinstance(result, tuple):
        names = getattr(result, "_fields", [str(place) for place in range(len(result))])
        return list(zip(names, result, strict=True))
    return [(name, getattr(result, name)) for name in type(result).__dataclass_fields__]


def _make(type_name: str, fields: dict[str, Any]) -> Any:
    """Make a NamedTuple or dataclass anew; fields with names where its class is not at hand."""
    module, _, name = type_name.partition(":")
    kind: Any = sys.modules.get(module)
    for part in name.split("."):
        kind = getattr(kind, part, None)
    if hasattr(kind, "_make"):
        return kind._make(fields.values())
    if isinstance(kind, type):
        made: Any = object.__new__(kind)
        for field, value in fields.items():
            object.__setattr__(made, field, value)
        return made
    return Fields(fields)


def _is_plain(held: list[str]) -> bool:
    """Whether an artifact is JSON that needs no class of the user's to be read."""
    return held[2] in ("json", "text") and held[1].startswith("builtins:")


def _json_value(value: Any, otherwise: Any) -> Any:
    """Give a value that JSON can hold as it is; NaN and infinities, which JSON lacks, as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, dict):
        return {str(key): _json_value(each, otherwise) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(each, otherwise) for each in value]
    return otherwise


def _too_special(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


class Fields:
    """Named values read back, each as an attribute; it iterates and counts like the tuple that they were."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__dict__.values())

    def __getitem__(self, index: int) -> Any:
        return list(self.__dict__.values())[index]

    def __repr__(self) -> str:
        return f"<fields {', '.join(self.__dict__)}>"
