"""What a class is made of: its methods and attributes, bases and metaclass, fields and members."""

from __future__ import annotations

import sys
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any

from solvent.fingerprint.contents import annotation_text, describe, state_of, without_addresses
from solvent.fingerprint.ownership import is_user_class

if TYPE_CHECKING:
    from solvent.fingerprint.reach import Node, Reach

_UNSEEN = frozenset(
    [
        "__doc__",
        "__module__",
        "__dict__",
        "__weakref__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotations__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__slotnames__",
        "__abstractmethods__",
        "_abc_impl",
        "__parameters__",
        "__orig_bases__",
        "__qualname__",
        "__type_params__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__classcell__",
        "__signature__",
        "__final__",
        "__protocol_attrs__",
        "_is_protocol",
        "_is_runtime_protocol",
        "__non_callable_proto_members__",
    ]
)
_ENUM = frozenset(
    [
        "_member_map_",
        "_value2member_map_",
        "_member_names_",
        "_member_type_",
        "_new_member_",
        "_use_args_",
        "_unhashable_values_",
        "_hashable_values_",
        "_unhashable_values_map_",
        "_value_repr_",
        "_boundary_",
        "_flag_mask_",
        "_singles_mask_",
        "_all_bits_",
        "_inverted_",
        "_generate_next_value_",
        "__new__",
        "__new_member__",
        "_sort_order_",
        "__reduce_ex__",
        "__str__",
        "__repr__",
        "__format__",
        "__or__",
        "__and__",
        "__xor__",
        "__ror__",
        "__rand__",
        "__rxor__",
        "__invert__",
    ]
)
_FIELDED = frozenset({"__dataclass_fields__", "__attrs_attrs__", "_field_defaults", "__total__"})
_DESCRIPTORS = (GetSetDescriptorType, MemberDescriptorType)


def visit_class(reach: Reach, node: Node) -> None:
    """Add all that a class of the user says and does to its node."""
    cls: type = node.value
    node.parts.append(f"class {cls.__qualname__}")
    for at, base in enumerate(cls.__bases__):
        describe(reach, node, f"base {at}", base)
    if type(cls) is not type:
        describe(reach, node, "metaclass", type(cls))
    members = dict(vars(cls))
    _visit_annotations(node, cls)
    if "__dataclass_fields__" in members:
        _visit_fields(reach, node, members)
    if "__pydantic_fields__" in members:
        _visit_model(reach, node, members)
    if _is_enum(cls):
        for name, member in members["_member_map_"].items():
            describe(reach, node, f"member {name}", member._value_)
            members.pop(name, None)
    for name, value in sorted(members.items()):
        if _counts(cls, name, value):
            describe(reach, node, name, value)


def _counts(cls: type, name: str, value: Any) -> bool:
    if name in _UNSEEN or name.startswith(("__pydantic_", "__attrs_own")) or isinstance(value, _DESCRIPTORS):
        return False
    if _is_enum(cls) and name in _ENUM:
        return _written(value)
    if type(value).__name__ == "_tuplegetter":
        return False
    function = value.__func__ if isinstance(value, staticmethod) else value
    return not (isinstance(function, FunctionType) and _generated(function))


def _written(value: Any) -> bool:
    """Say whether a function of an enum was written by the user and not put there by the machinery of enums."""
    function = getattr(value, "__func__", value)
    return isinstance(function, FunctionType) and (function.__module__ or "") not in ("enum", "builtins")


def _generated(function: FunctionType) -> bool:
    """Say whether a method was written by `dataclass` or `namedtuple`: fields and options stand for it."""
    inner = function.__dict__.get("__wrapped__", function)
    code = getattr(inner, "__code__", function.__code__)
    return code.co_filename == "<string>" and (
        code.co_qualname.startswith("__create_fn__.")
        or function.__globals__.get("__name__", "") not in sys.modules
        or function.__name__.startswith("__")
    )


def _visit_fields(reach: Reach, node: Node, members: dict[str, Any]) -> None:
    from dataclasses import MISSING

    node.parts.append(f"options {members.get('__dataclass_params__')!r}")
    for at, (name, field) in enumerate(members["__dataclass_fields__"].items()):
        options = (field.init, field.repr, field.hash, field.compare, field.kw_only, field._field_type.name)
        node.parts.append(f"field {at} {name} {options!r}")
        if field.default is not MISSING:
            describe(reach, node, f"field {name} default", field.default)
        if field.default_factory is not MISSING:
            describe(reach, node, f"field {name} factory", field.default_factory)
        if field.metadata:
            describe(reach, node, f"field {name} metadata", field.metadata)


def _visit_model(reach: Reach, node: Node, members: dict[str, Any]) -> None:
    """Add what a pydantic model was told of its fields and validators; its compiled schema follows from that."""
    for name, field in members["__pydantic_fields__"].items():
        for option, value in field._attributes_set.items():
            if option != "annotation":
                describe(reach, node, f"field {name} {option}", value)
        describe(reach, node, f"field {name} metadata", field.metadata)
    for kind, found in state_of(members.get("__pydantic_decorators__")):
        for name, decorator in found.items() if isinstance(found, dict) else ():
            node.parts.append(f"{kind} {name} {without_addresses(repr(decorator.info))}")


def _is_enum(cls: type) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and isinstance(cls, enum.EnumMeta)


def _visit_annotations(node: Node, cls: type) -> None:
    """Note the annotations; they count where fields are made of them or a metaclass of a library may act on them."""
    node.annotations = annotation_text(cls)
    meta = type(cls)
    of_library = meta is not type and meta.__module__ not in ("abc", "enum") and not is_user_class(meta)
    if of_library or not _FIELDED.isdisjoint(vars(cls)):
        node.parts.append(f"annotations {node.annotations}")
