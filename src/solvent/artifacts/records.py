"""Tags for the classes that users write as records: NamedTuple, dataclass, enum, attrs and pydantic models.

They come back without running `__init__`, so a check or a default in there can't change what was stored.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from solvent.artifacts.tagged import Decoder, Encoder, tagged
from solvent.artifacts.tags import Encode, class_name, find_class, vars_of


def find_record_encoder(kind: type) -> Encode | None:
    """Give the encoder for a record class that can be imported again, or None."""
    if issubclass(kind, Enum):
        encoder: Encode = _enum
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        encoder = _namedtuple
    elif hasattr(kind, "__pydantic_fields_set__") or hasattr(kind, "__pydantic_complete__"):
        encoder = _pydantic
    elif (hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__")) and _is_simple(kind):
        encoder = _fields
    elif issubclass(kind, type):
        from solvent.artifacts.tags import ENCODERS

        return ENCODERS["builtins.type"]
    else:
        return None
    # Checked for each value: a module that is reloaded has another class of the same name.
    return lambda value, walk: encoder(value, walk) if class_name(kind) else None


def _is_simple(kind: type) -> bool:
    """Whether the attributes are all that the class keeps, with no protocol of its own for copying."""
    known: Any = kind
    plain_object = known.__new__ is object.__new__ and not issubclass(kind, BaseException) and _is_plain_layout(kind)
    reduces = known.__reduce_ex__ is not object.__reduce_ex__ or known.__reduce__ is not object.__reduce__
    setter = getattr(kind, "__setstate__", None)
    generated = setter is None or getattr(setter, "__name__", "") in ("_dataclass_setstate", "slots_setstate")
    return plain_object and not reduces and generated


def _is_plain_layout(kind: type) -> bool:
    try:
        object.__new__(kind)
    except TypeError:
        return False
    return True


def _namedtuple(value: Any, encoder: Encoder) -> Any:
    if vars_of(value):
        return None
    state = dict(zip(value._fields, value, strict=False))
    return tagged("namedtuple", [class_name(type(value)), encoder.fields(state)])


def read_namedtuple(payload: Any, decoder: Decoder) -> Any:
    name, state = payload
    return tuple.__new__(find_class(name), [decoder.value(item) for item in state.values()])


def _fields(value: Any, encoder: Encoder) -> Any:
    kind = type(value)
    known = getattr(kind, "__dataclass_fields__", None) or [item.name for item in kind.__attrs_attrs__]  # type: ignore[attr-defined]
    state = {name: getattr(value, name) for name in known if _is_set(value, name)}
    state.update(vars_of(value))
    return tagged("dataclass", [class_name(kind), encoder.fields(state)])


def _is_set(value: Any, name: str) -> bool:
    """Whether the field is kept on the object; a ClassVar or an InitVar is not, and a deleted field neither."""
    if name in vars_of(value):
        return True
    slot = getattr(type(value), name, None)
    return type(slot).__name__ == "member_descriptor" and hasattr(value, name)


def read_fields(payload: Any, decoder: Decoder) -> Any:
    name, state = payload
    kind = find_class(name)
    value = object.__new__(kind)
    for field, item in state.items():
        object.__setattr__(value, field, decoder.value(item))
    return value


def _enum(value: Any, encoder: Encoder) -> Any:
    kind = type(value)
    if value.name in kind.__members__:
        return tagged("enum", [class_name(kind), value.name])
    return tagged("enum", [class_name(kind), None, encoder.at(".value", value.value)])


def read_enum(payload: Any, decoder: Decoder) -> Any:
    kind = find_class(payload[0])
    return kind[payload[1]] if payload[1] is not None else kind(decoder.value(payload[2]))


def _pydantic(value: Any, encoder: Encoder) -> Any:
    if not hasattr(value, "__pydantic_fields_set__"):
        return _fields(value, encoder)
    return tagged("pydantic", [class_name(type(value)), encoder.pairs(value.__getstate__())])


def read_pydantic(payload: Any, decoder: Decoder) -> Any:
    kind = find_class(payload[0])
    value = kind.__new__(kind)
    value.__setstate__({key: decoder.value(item) for key, item in map(tuple, _rows(payload[1], decoder))})
    return value


def _rows(pairs: Any, decoder: Decoder) -> list[tuple[Any, Any]]:
    return [(decoder.value(key), item) for key, item in pairs]
