"""Makes values of the types that the user declared, out of what the layers say.

Strict where a mistake would be silent (True is not 1, 1.5 is not an int), helpful where the meaning is plain: an int is
taken for a float, text for a path, a date, an enum's member or a secret's reference; a bare word typed on the command
line for text is the text as typed.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from solvent.config.fields import Field, fields_of, is_named_tuple, is_record, is_union, unwrap
from solvent.config.layers import MISSING, Node, dotted, points_into
from solvent.config.masking import learn
from solvent.config.secrets import Secret, is_reference
from solvent.config.words import missing_value, not_one_of, unknown_key, unsupported, wrong_type
from solvent.errors import ConfigError, SolventError

Path = tuple[str, ...]

_SEQUENCES: dict[Any, Callable[[list[Any]], Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: tuple,
    collections.abc.Iterable: tuple,
    collections.abc.Collection: tuple,
    collections.abc.MutableSequence: list,
    collections.abc.Set: frozenset,
}
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_NOTHING = Node({}, "default")


def build(annotation: Any, node: Node, path: Path, default: Any = MISSING) -> Any:
    """Make a value of the annotated type; what `default` holds and the node does not name stays as it is."""
    annotation = unwrap(annotation)
    if annotation is Any or annotation is object:
        return _anything(node, default)
    if node.value is None and default is None:
        return None
    if is_union(annotation):
        return _union(annotation, node, path, default)
    origin = get_origin(annotation)
    if origin is Literal:
        return _literal(annotation, node, path)
    return _of_class(annotation, origin or annotation, node, path, default)


def build_fields(
    fields: dict[str, Field], node: Node, path: Path, owner: str, default: Any = MISSING
) -> dict[str, Any]:
    """Make the values that the node names, and those without a default; `default` is an instance to start from."""
    for key, child in node.value.items():
        if key not in fields:
            raise unknown_key(key, fields, child, path, owner)
    values = {}
    for name, field in fields.items():
        child = node.value.get(name)
        if child is not None:
            values[name] = build(field.annotation, child, (*path, name), _default_under(field, child, default, name))
        elif default is MISSING and field.make is None:
            values[name] = _without_default(field, (*path, name), owner)
    return values


def _default_under(field: Field, child: Node, instance: Any, name: str) -> Any:
    if child.replaces:
        return MISSING
    if instance is not MISSING:
        return getattr(instance, name, MISSING)
    return MISSING if field.make is None else field.make()


def _without_default(field: Field, path: Path, owner: str) -> Any:
    """A record all of whose fields have defaults needs no default of its own."""
    kind = unwrap(field.annotation)
    if is_record(get_origin(kind) or kind):
        return build(kind, _NOTHING, path)
    raise missing_value(path, kind, owner)


def _anything(node: Node, default: Any) -> Any:
    value = node.plain()
    if isinstance(default, dict) and isinstance(value, dict) and not node.replaces:
        return {**default, **value}
    return value


def _of_class(annotation: Any, kind: Any, node: Node, path: Path, default: Any) -> Any:
    if kind is None or kind is NoneType:
        return _check(annotation, node, path, node.value is None)
    if kind in _SCALARS:
        return _SCALARS[kind](node, path)
    if kind in _SEQUENCES:
        return _sequence(annotation, kind, node, path, default)
    if kind in _MAPPINGS:
        return _mapping(annotation, node, path, default)
    if not isinstance(kind, type):
        return _from_code_only(annotation, node, path, callable(node.original))
    if hasattr(kind, "__solvent_step__"):
        return _implementation(annotation, kind, node, path, default)
    if node.original is not MISSING and isinstance(node.original, kind):
        return node.original
    return _of_user_class(annotation, kind, node, path, default)


def _of_user_class(annotation: Any, kind: type, node: Node, path: Path, default: Any) -> Any:
    if hasattr(kind, "model_validate"):
        from solvent.config.models import build_model

        return build_model(kind, node, path, default)
    if is_record(kind):
        return _record(annotation, kind, node, path, default)
    if issubclass(kind, Enum):
        return _member(kind, node, path)
    if kind is Secret:
        return _secret(node, path)
    return _from_text(kind, node, path)


def _implementation(annotation: Any, kind: Any, node: Node, path: Path, default: Any) -> Any:
    """Find the step that is named; the default says how it will be called."""
    named = node.value if node.original is MISSING else node.original
    try:
        return kind.implementing(named, None if default is MISSING else default, get_args(annotation))
    except SolventError as error:
        problem = f"config value `{dotted(path)}`: {error.problem}"
        raise ConfigError(problem, where=node.source, hint=error.hint) from error


def _check(annotation: Any, node: Node, path: Path, fits: bool, hint: str | None = None) -> Any:
    if not fits:
        raise wrong_type(annotation, node, path, hint)
    return node.value


def _text(node: Node, path: Path) -> str:
    if isinstance(node.value, str):
        return node.value
    if node.text is not None:
        return node.text
    scalar = isinstance(node.value, int | float) and node.original is MISSING
    raise wrong_type(str, node, path, "put it in quotes" if scalar else None)


def _integer(node: Node, path: Path) -> int:
    value: int = _check(int, node, path, isinstance(node.value, int) and not isinstance(node.value, bool))
    return value


def _float(node: Node, path: Path) -> float:
    value = node.value
    if isinstance(value, str) and value.lower() in (".nan", "nan", ".inf", "inf", "-.inf", "-inf"):
        return float(value.replace(".", ""))
    _check(float, node, path, isinstance(value, int | float) and not isinstance(value, bool))
    try:
        return float(value)
    except OverflowError:
        raise wrong_type(float, node, path) from None


def _truth(node: Node, path: Path) -> bool:
    value: bool = _check(bool, node, path, isinstance(node.value, bool), "write true or false")
    return value


_SCALARS: dict[Any, Callable[[Node, Path], Any]] = {str: _text, int: _integer, float: _float, bool: _truth}


def _sequence(annotation: Any, kind: Any, node: Node, path: Path, default: Any) -> Any:
    arguments = get_args(annotation)
    fixed = kind is tuple and bool(arguments) and arguments[-1] is not Ellipsis
    if isinstance(node.value, dict) and _changes(node, default):
        items = _changed(arguments, fixed, node, path, list(default))
    else:
        _check(annotation, node, path, isinstance(node.value, list))
        if fixed and len(arguments) != len(node.value):
            raise wrong_type(annotation, node, path)
        types = arguments if fixed else (arguments[:1] or (Any,)) * len(node.value)
        items = [
            build(each, item, (*path, str(at))) for at, (each, item) in enumerate(zip(types, node.value, strict=True))
        ]
    try:
        return _SEQUENCES[kind](items)
    except TypeError:
        raise wrong_type(
            annotation, node, path, "the elements of a set must be hashable: use frozen dataclasses"
        ) from None


def _changes(node: Node, default: Any) -> bool:
    return isinstance(default, list | tuple) and not node.replaces and points_into(node.value, len(default))


def _changed(arguments: tuple[Any, ...], fixed: bool, node: Node, path: Path, items: list[Any]) -> list[Any]:
    for key, child in node.value.items():
        at = int(key)
        kind = arguments[at] if fixed else (arguments or (Any,))[0]
        items[at] = build(kind, child, (*path, key), items[at])
    return items


def _mapping(annotation: Any, node: Node, path: Path, default: Any) -> dict[Any, Any]:
    _check(annotation, node, path, isinstance(node.value, dict))
    key_type, value_type = get_args(annotation) or (Any, Any)
    start = dict(default) if isinstance(default, dict) and not node.replaces else {}
    for text, child in node.value.items():
        key = text if key_type in (Any, str) else build(key_type, _key(text, node), (*path, text))
        start[key] = build(value_type, child, (*path, text), start.get(key, MISSING))
    return start


def _key(text: str, node: Node) -> Node:
    from solvent.config.overrides import read_value

    key = read_value(text, node.origin)
    key.line = node.line
    return key


def _record(annotation: Any, kind: Any, node: Node, path: Path, default: Any) -> Any:
    start = default if isinstance(default, kind) and not node.replaces else MISSING
    fields = fields_of(kind)
    if is_named_tuple(kind) and isinstance(node.value, list):
        node = _by_name(annotation, fields, node, path)
    _check(annotation, node, path, isinstance(node.value, dict))
    values = build_fields(fields, node, path, kind.__name__, start)
    try:
        return kind(**values) if start is MISSING else _replaced(start, values)
    except (ValueError, TypeError, AssertionError) as error:
        raise refused(kind.__name__, error, node, path) from error


def _by_name(annotation: Any, fields: dict[str, Field], node: Node, path: Path) -> Node:
    if len(node.value) > len(fields):
        raise wrong_type(annotation, node, path)
    return Node(dict(zip(fields, node.value, strict=False)), node.origin, node.line, replaces=True)


def _replaced(start: Any, values: dict[str, Any]) -> Any:
    if is_named_tuple(type(start)):
        return start._replace(**values)
    from dataclasses import replace

    return replace(start, **values)


def refused(owner: str, error: Exception, node: Node, path: Path) -> ConfigError:
    """Say that the user's own check refused the values."""
    name = f"config value `{dotted(path)}`" if path else "the config"
    places = dict.fromkeys(child.source for child in node.value.values())
    return ConfigError(f"{name}: {owner} refuses it: {error}", where=", ".join(places) or None)


def _union(annotation: Any, node: Node, path: Path, default: Any) -> Any:
    options = [unwrap(each) for each in get_args(annotation)]
    exact = [each for each in options if _fits(each, node, default)]
    failures = []
    for option in exact or options:
        try:
            value = build(option, node, path, default)
            if option is str and Secret in options:
                learn(value)  # written out where a reference could have stood
            return value
        except ConfigError as error:
            failures.append(error)
    if len(exact) == 1:
        raise failures[0]
    raise _closest(exact, failures) or wrong_type(annotation, node, path)


def _closest(options: list[Any], failures: list[ConfigError]) -> ConfigError | None:
    """Of several records that all refuse a mapping, the one that knows its keys says why."""
    knowing = [each for each in failures if not each.problem.startswith("unknown config key")]
    return knowing[0] if len(knowing) == 1 and all(is_record(each) for each in options) else None


def _fits(option: Any, node: Node, default: Any) -> bool:
    """Whether a value is of this type as it stands, so that nothing need be turned into anything."""
    kind, value = get_origin(option) or option, node.value
    if kind is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(option))
    if node.original is not MISSING and not isinstance(value, dict | list):
        return type(value) is kind or (kind in (None, NoneType) and value is None)
    if isinstance(value, dict):
        return (
            kind in _MAPPINGS
            or is_record(kind)
            or hasattr(kind, "model_validate")
            or _fits_changes(kind, node, default)
        )
    if isinstance(value, list):
        return kind in _SEQUENCES or is_named_tuple(kind)
    if kind is Secret:
        return is_reference(value)
    return type(value) is (NoneType if kind is None else kind)


def _fits_changes(kind: Any, node: Node, default: Any) -> bool:
    return kind in _SEQUENCES and _changes(node, default)


def _literal(annotation: Any, node: Node, path: Path) -> Any:
    choices = get_args(annotation)
    for choice in choices:
        if type(choice) is type(node.value) and choice == node.value:
            return choice
    for choice in choices:
        if isinstance(choice, Enum) and node.value == choice.name:
            return choice
        if node.text is not None and choice == node.text:
            return choice
    raise not_one_of(annotation, choices, node, path)


def _member(kind: type[Enum], node: Node, path: Path) -> Enum:
    for name in (node.value, node.text):
        if isinstance(name, str) and name in kind.__members__:
            return kind.__members__[name]
    for member in kind:
        if type(member.value) is type(node.value) and member.value == node.value:
            return member
    if isinstance(node.value, int | str) and not isinstance(node.value, bool):
        try:
            return kind(node.value if node.text is None or isinstance(node.value, int) else node.text)
        except (ValueError, TypeError):
            pass
    raise not_one_of(kind, kind.__members__, node, path)


def _secret(node: Node, path: Path) -> Secret:
    if not is_reference(node.value):
        raise wrong_type(Secret, node, path)
    return Secret(node.value)


def _from_text(kind: Any, node: Node, path: Path) -> Any:
    read = text_reader(kind)
    if read is None:
        raise unsupported(kind, node, path)
    text = node.text if node.text is not None and not isinstance(node.value, str) else node.value
    number = kind.__name__ == "Decimal" and isinstance(text, int | float) and not isinstance(text, bool)
    if not isinstance(text, str) and not number:
        raise wrong_type(kind, node, path)
    try:
        return read(str(text))
    except (ValueError, ArithmeticError):
        raise wrong_type(kind, node, path, _TEXT_HINTS.get(kind.__name__)) from None


_TEXT_HINTS = {"date": "write a date as 2013-01-31", "datetime": "write a time as 2013-01-31T08:30:00"}


def text_reader(kind: type) -> Callable[[str], Any] | None:
    """Give what makes a value of a class out of text, for the classes whose text is canonical."""
    for each in kind.__mro__:
        if each.__name__ == "PurePath" and each.__module__.startswith("pathlib"):
            return kind
    if kind.__module__ == "datetime" and hasattr(kind, "fromisoformat"):
        iso: Callable[[str], Any] = kind.fromisoformat
        return iso
    return kind if (kind.__module__, kind.__name__) in (("decimal", "Decimal"), ("uuid", "UUID")) else None


def _from_code_only(annotation: Any, node: Node, path: Path, fits: bool) -> Any:
    if node.original is not MISSING and fits:
        return node.original
    raise unsupported(annotation, node, path)
