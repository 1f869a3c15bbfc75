"""Pydantic models as config, without importing pydantic: the user's class does the checking, we say where and what."""

from __future__ import annotations

from typing import Any, get_args

from solvent.config.fields import is_union
from solvent.config.layers import MISSING, Node, dotted
from solvent.config.words import found_text, unknown_key
from solvent.errors import ConfigError

Path = tuple[str, ...]


def build_model(kind: Any, node: Node, path: Path, default: Any) -> Any:
    """Make a pydantic model; what a default instance holds and the node does not name stays as it is."""
    if not isinstance(node.value, dict):
        raise ConfigError(
            f"config value `{dotted(path)}`: expected {kind.__name__}, found {found_text(node)}", where=node.source
        )
    _check_keys(kind, node, path)
    values = _with_defaults(kind, node, default)
    try:
        return kind.model_validate(values)
    except ValueError as error:
        if not hasattr(error, "errors"):
            raise
        problems = _details(error)
    if _as_typed(values, node, problems):
        return _again(kind, values, node, path)
    raise _refused(kind, problems, node, path)


def _again(kind: Any, values: dict[str, Any], node: Node, path: Path) -> Any:
    try:
        return kind.model_validate(values)
    except ValueError as error:
        raise _refused(kind, _details(error), node, path) from None


def _details(error: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = error.errors(include_url=False, include_input=False, include_context=False)
    return found


def _names(kind: Any) -> dict[str, Any]:
    """The keys that a model reads: a field's alias, or its name where there is none or both are allowed."""
    both = kind.model_config.get("populate_by_name") or kind.model_config.get("validate_by_name")
    names = {}
    for name, field in kind.model_fields.items():
        alias = field.validation_alias if isinstance(field.validation_alias, str) else field.alias
        if alias:
            names[alias] = field
        if both or not alias:
            names[name] = field
    return names


def _check_keys(kind: Any, node: Node, path: Path) -> None:
    """A model may ignore unknown keys; a config may not."""
    names = _names(kind)
    for key, child in node.value.items():
        if key in names:
            _check_inside(names[key].annotation, child, (*path, key))
        elif kind.model_config.get("extra") != "allow":
            raise unknown_key(key, names, child, path, kind.__name__)


def _check_inside(annotation: Any, node: Node, path: Path) -> None:
    """Check the models that a field is or holds; of several that are possible, pydantic chooses."""
    model, held = _model_in(annotation), [each for each in map(_model_in, get_args(annotation)) if each is not None]
    if isinstance(node.value, dict) and model is not None:
        _check_keys(model, node, path)
    elif isinstance(node.value, dict | list) and len(held) == 1 and model is None:
        children = node.value.items() if isinstance(node.value, dict) else enumerate(node.value)
        for key, child in children:
            if isinstance(child.value, dict):
                _check_keys(held[0], child, (*path, str(key)))


def _model_in(annotation: Any) -> Any:
    """The one model that a type is, alone or beside None."""
    options = get_args(annotation) if is_union(annotation) else (annotation,)
    models = [each for each in options if hasattr(each, "model_validate") and isinstance(each, type)]
    return models[0] if len(models) == 1 else None


def _with_defaults(kind: Any, node: Node, default: Any) -> dict[str, Any]:
    """What the node says, laid over the instances that are defaults."""
    start: dict[str, Any] = {}
    if default is not MISSING and isinstance(default, kind) and not node.replaces:
        start = {name: getattr(default, name) for name in default.model_fields_set}
    values: dict[str, Any] = {}
    for key, child in node.value.items():
        field = _names(kind).get(key)
        inner = None if field is None else _model_in(field.annotation)
        if inner is None or not isinstance(child.value, dict):
            values[key] = child.plain()
        else:
            values[key] = _with_defaults(inner, child, start[key] if key in start else _default_of(field))
    return {**start, **values}


def _default_of(field: Any) -> Any:
    if field.default_factory is None:
        return field.default
    return MISSING if getattr(field, "default_factory_takes_validated_data", False) else field.default_factory()


def _as_typed(values: dict[str, Any], node: Node, problems: list[dict[str, Any]]) -> bool:
    """A bare word typed for a text field is the text as typed, even if it looks like a number."""
    changed = False
    for problem in problems:
        at, child = _locate(node, problem["loc"])
        if problem["type"] != "string_type" or child.text is None or len(at) != len(problem["loc"]) or not at:
            continue
        holder: Any = values
        for key in at[:-1]:
            holder = holder[key]
        holder[at[-1]] = child.text
        changed = True
    return changed


def _locate(node: Node, place: tuple[Any, ...]) -> tuple[tuple[Any, ...], Node]:
    """Walk as far as the layers go; pydantic adds parts of its own for unions."""
    walked: tuple[Any, ...] = ()
    for key in place:
        child = node.child(key)
        if child is None:
            break
        node, walked = child, (*walked, key)
    return walked, node


def _refused(kind: Any, problems: list[dict[str, Any]], node: Node, path: Path) -> ConfigError:
    first = problems[0]
    at, child = _locate(node, first["loc"])
    missing = first["type"] == "missing"
    name = dotted((*path, *(str(key) for key in (first["loc"] if missing else at))))
    subject = f"config value `{name}`" if name else "the config"
    if missing:
        return ConfigError(
            f"{subject} is missing: {kind.__name__} gives it no default",
            hint=f"give it in a config file or with --set {name}=...",
        )
    problem = first["msg"][:1].lower() + first["msg"][1:]
    scalar = at and not isinstance(child.value, dict | list) and not _is_hidden(kind, at)
    return ConfigError(f"{subject}: {problem}{', found ' + found_text(child) if scalar else ''}", where=child.source)


def _is_hidden(kind: Any, place: tuple[Any, ...]) -> bool:
    """Whether a place is a secret's, by the name of its type."""
    for key in place:
        field = _names(kind).get(key) if kind is not None else None
        if field is None or "Secret" in repr(field.annotation):
            return field is not None
        kind = _model_in(field.annotation)
    return False
