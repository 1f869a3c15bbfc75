"""Refs inside lists, tuples, dicts, sets, NamedTuples and dataclasses: found by path, and replaced by values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from solvent.errors import AuthoringError
from solvent.pipelines.places import user_line
from solvent.pipelines.ref import Ref

Change = Callable[[Any], Any]
LEAVES = frozenset({int, float, str, bytes, bool, complex, type(None)})


def find_refs(arguments: dict[str, Any]) -> list[tuple[str, Ref]]:
    """Give every Ref in the arguments with its path, such as "models[2]" or "config.source"."""
    found: list[tuple[str, Ref]] = []
    for name, given in arguments.items():
        if type(given) not in LEAVES:
            try:
                found.extend(_walk(given, name))
            except RecursionError:
                raise AuthoringError(f"argument {name!r} holds itself", where=user_line()) from None
    return found


def replace_refs(given: Any, put: Callable[[Ref], Any]) -> Any:
    """Give a copy with each Ref replaced by what `put` makes of it; without a Ref inside, the very same object."""
    return replace(given, _is_ref, put)


def replace(given: Any, chosen: Callable[[Any], bool], put: Callable[[Any], Any]) -> Any:
    """Give a copy with everything that is `chosen` replaced by what `put` makes of it, or the very same object."""
    kind = type(given)
    if kind in LEAVES:
        return given
    if chosen(given):
        return put(given)
    if isinstance(given, (list, tuple, set, frozenset)):
        return _replace_items(given, kind, lambda item: replace(item, chosen, put))
    if isinstance(given, dict):
        return _replace_entries(given, kind, lambda item: replace(item, chosen, put))
    if hasattr(kind, "__dataclass_fields__"):
        return _replace_fields(given, lambda item: replace(item, chosen, put))
    return given


def _walk(given: Any, path: str) -> Iterator[tuple[str, Ref]]:
    if type(given) is Ref:
        yield path, given
    elif isinstance(given, (list, tuple, set, frozenset)):
        if not _only_leaves(given):
            names = getattr(given, "_fields", None)
            for place, item in enumerate(given):
                yield from _walk(item, f"{path}.{names[place]}" if names else f"{path}[{place}]")
    elif isinstance(given, dict):
        for key, item in given.items():
            if type(key) is Ref:
                raise AuthoringError(
                    f"{path} has the result of step {key._call.step.spec.name!r} as a key",
                    where=user_line(),
                    hint="use value(...) for the key, or a list of pairs",
                )
            if type(item) not in LEAVES:
                yield from _walk(item, f"{path}[{key!r}]")
    elif hasattr(type(given), "__dataclass_fields__"):
        for name in _field_names(given):
            yield from _walk(getattr(given, name), f"{path}.{name}")


def _is_ref(given: Any) -> bool:
    return type(given) is Ref


def _only_leaves(items: Iterable[Any]) -> bool:
    return LEAVES.issuperset(map(type, items))


def _field_names(given: Any) -> list[str]:
    if isinstance(given, type):
        return []
    return [name for name in type(given).__dataclass_fields__ if hasattr(given, name)]


def _replace_items(given: Any, kind: type, change: Change) -> Any:
    if _only_leaves(given):
        return given
    items = list(given)
    made = [change(item) for item in items]
    if all(new is old for new, old in zip(made, items, strict=True)):
        return given
    if hasattr(kind, "_make"):
        return kind._make(made)
    if kind in (list, tuple, set, frozenset):
        return kind(made)
    if isinstance(given, list):
        copied = _copy(given)
        copied[:] = made
        return copied
    return kind(made)


def _replace_entries(given: dict[Any, Any], kind: type, change: Change) -> Any:
    made = {key: change(item) for key, item in given.items()}
    changed = {key: new for key, new in made.items() if new is not given[key]}
    if not changed:
        return given
    if kind is dict:
        return made
    copied = _copy(given)
    for key, new in changed.items():
        copied[key] = new
    return copied


def _replace_fields(given: Any, change: Change) -> Any:
    made = {name: change(getattr(given, name)) for name in _field_names(given)}
    changed = {name: new for name, new in made.items() if new is not getattr(given, name)}
    if not changed:
        return given
    # A copy and not a new construction: __post_init__ has run once already, on the Refs.
    copied = _copy(given)
    for name, new in changed.items():
        object.__setattr__(copied, name, new)
    return copied


def _copy(given: Any) -> Any:
    import copy

    return copy.copy(given)
