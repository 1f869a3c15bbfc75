"""Annotations at run time: what a function gives back, and the declared fields of that type."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

Fields = dict[str, Any]


def annotations_of(function: Callable[..., Any], names: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the annotations of a function, each resolved on its own; one that can't be resolved is None."""
    return {name: _resolve(hint, function, names) for name, hint in _written(function).items()}


def returned(function: Callable[..., Any], names: Mapping[str, Any] | None = None) -> Any:
    """Give the resolved return annotation, or None. `names` are the local names where the function is written."""
    return _resolve(_written(function).get("return"), function, names)


def class_of(annotation: Any) -> type | None:
    """Give the class that an annotation names, without its parameters; None for a union and the like."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    found = get_origin(annotation) or annotation
    return found if isinstance(found, type) and found is not UnionType else None


def fields_of(annotation: Any) -> Fields | None:
    """Give the fields of a NamedTuple, dataclass or fixed-length tuple (named "0", "1", ...); None for other types."""
    kind = class_of(annotation)
    if kind is tuple:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        arguments = get_args(annotation)
        fixed = arguments and arguments[-1] is not ...
        return {str(place): hint for place, hint in enumerate(arguments)} if fixed else None
    return _class_fields(kind) if kind else None


def unpacks(annotation: Any) -> bool:
    """Tell whether a value of this type can be unpacked into its declared fields."""
    kind = class_of(annotation)
    return kind is not None and issubclass(kind, tuple) and fields_of(annotation) is not None


def element_of(annotation: Any) -> Any:
    """Give the type of the elements of `list[T]`, `Sequence[T]`, `tuple[T, ...]`; None if it isn't written."""
    arguments = [hint for hint in get_args(annotation) if hint is not ...]
    return arguments[0] if len(arguments) == 1 else None


def _class_fields(kind: Any) -> Fields | None:
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses

        names = [field.name for field in dataclasses.fields(kind)]
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        names = list(getattr(kind, "_fields", ()))
    else:
        return None
    hints = _class_hints(kind)
    return {name: hints.get(name) for name in names}


def _class_hints(kind: type) -> dict[str, Any]:
    from typing import get_type_hints

    try:
        return get_type_hints(kind)
    except Exception:  # a name that only type checkers see: that field still exists, only its type is unknown
        hints: dict[str, Any] = {}
        for parent in reversed(kind.__mro__):
            names = vars(sys.modules.get(parent.__module__, sys))
            hints.update({name: _evaluate(hint, names, {}) for name, hint in _written(parent).items()})
        return hints


def _written(thing: Any) -> dict[str, Any]:
    try:
        return dict(getattr(thing, "__annotations__", None) or {})
    except Exception:  # from Python 3.14 on annotations are evaluated here, and may name what only checkers see
        import annotationlib  # type: ignore[import-not-found, unused-ignore]

        found = annotationlib.get_annotations(thing, format=annotationlib.Format.FORWARDREF)
        return {name: hint for name, hint in found.items() if not isinstance(hint, annotationlib.ForwardRef)}


def _resolve(hint: Any, function: Callable[..., Any], names: Mapping[str, Any] | None) -> Any:
    if not isinstance(hint, str):
        return hint
    cells = getattr(function, "__closure__", None) or ()
    local = dict(names or {})
    for name, cell in zip(getattr(function, "__code__", _NO_CODE).co_freevars, cells, strict=False):
        try:
            local[name] = cell.cell_contents
        except ValueError:  # the name has no value yet
            continue
    return _evaluate(hint, getattr(function, "__globals__", {}), local)


def _evaluate(hint: Any, names: dict[str, Any], local: dict[str, Any]) -> Any:
    text = getattr(hint, "__forward_arg__", hint)
    if not isinstance(text, str):
        return hint
    try:
        return eval(text, names, local)
    except Exception:  # the annotation is for checkers only
        return None


_NO_CODE = (lambda: None).__code__
