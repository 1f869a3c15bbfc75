"""What a dataclass, a named tuple or a signature wants: names, types and defaults."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin

from solvent.config.layers import MISSING
from solvent.errors import ConfigError


class Field(NamedTuple):
    """One value that may be set; `make` gives the default, and is None when there is none."""

    annotation: Any
    make: Callable[[], Any] | None


def is_record(kind: Any) -> bool:
    """Whether a class is made from named fields: a dataclass or a NamedTuple."""
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or is_named_tuple(kind))


def is_named_tuple(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def fields_of(kind: Any) -> dict[str, Field]:
    """Give the fields of a dataclass or NamedTuple that its constructor takes, in order."""
    if is_named_tuple(kind):
        written = {name: getattr(kind, "__annotations__", {}).get(name, Any) for name in kind._fields}
        defaults = {name: _constant(kind._field_defaults.get(name, MISSING)) for name in kind._fields}
    else:
        fields = [field for field in dataclasses.fields(kind) if field.init]
        written = {field.name: field.type for field in fields}
        defaults = {field.name: _default_of(field) for field in fields}
    hints = _hints(kind, written)
    return {name: Field(hints.get(name, Any), make) for name, make in defaults.items()}


def fields_of_signature(parameters: Mapping[str, tuple[Any, Any]]) -> dict[str, Field]:
    """Give the fields of a function's parameters, each an annotation and a default."""
    return {
        name: Field(_annotated(annotation), _constant(default)) for name, (annotation, default) in parameters.items()
    }


def unwrap(annotation: Any) -> Any:
    """Take off what does not change the values: Annotated, Final, NewType, aliases, type variables."""
    while True:
        origin = get_origin(annotation)
        if origin in (typing.Annotated, typing.Final, typing.ClassVar):
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif isinstance(annotation, typing.TypeVar):
            annotation = Any
        elif isinstance(annotation, str):
            annotation = _evaluate(annotation)
        else:
            return annotation


def is_union(annotation: Any) -> bool:
    return get_origin(annotation) is typing.Union or isinstance(annotation, UnionType)


def _annotated(annotation: Any) -> Any:
    """None stands for a parameter without a type, or with one that can't be resolved."""
    return Any if annotation is None else _given(annotation, Any)


def _default_of(field: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return _constant(field.default)


def _constant(default: Any) -> Callable[[], Any] | None:
    return None if _given(default, MISSING) is MISSING else lambda: default


def _given(value: Any, otherwise: Any) -> Any:
    """Both `inspect` and `dataclasses` have a mark for "nothing was written"; neither is a value."""
    inspect = sys.modules.get("inspect")
    empty = inspect is not None and value is inspect.Parameter.empty
    return otherwise if empty or value is dataclasses.MISSING else value


def _hints(kind: type, written: dict[str, Any]) -> dict[str, Any]:
    """Resolve the types of fields; one that can't be resolved stays text, and matters only if it is set."""
    try:
        return typing.get_type_hints(kind, localns={kind.__name__: kind})
    except (NameError, AttributeError, TypeError, SyntaxError):
        return {name: _hint(kind, annotation) for name, annotation in written.items()}


def _hint(kind: type, annotation: Any) -> Any:
    for owner in kind.__mro__:
        lone = type("lone", (), {"__annotations__": {"field": annotation}, "__module__": owner.__module__})
        try:
            return typing.get_type_hints(lone, localns={kind.__name__: kind})["field"]
        except (NameError, AttributeError, TypeError, SyntaxError):
            continue
    return annotation


def _evaluate(text: str) -> Any:
    try:
        return eval(text, {**vars(typing)})
    except Exception as error:
        raise ConfigError(
            f"the type {text!r} of a config value can't be resolved: {error}",
            hint="define or import the name at the top of the module, not in a function and not under TYPE_CHECKING",
        ) from None
