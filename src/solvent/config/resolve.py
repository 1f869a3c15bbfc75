"""All layers of a config: defaults in code, base file, profile file, `--config`, `--set`, arguments of `run()`."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from solvent.config.layers import Node, from_code, merge_all
from solvent.errors import ConfigError

_ARGUMENT = "argument"


class Resolved(NamedTuple):
    """A config after all layers: the value that the pipeline gets, as JSON, and where each part of it came from.

    `value` is the config object, or a dict of keyword arguments. `sources` maps dotted names to "configs/base.yaml:3",
    "--set", "argument" or "default". A secret is its reference in all three.
    """

    value: Any
    as_json: dict[str, Any]
    sources: dict[str, str]


def resolve_config(
    schema: Any,
    parameters: Mapping[str, tuple[Any, Any]] | None = None,
    *,
    project_root: str | os.PathLike[str] = ".",
    base_folder: str | os.PathLike[str] = ".",
    profile: str | None = None,
    config_files: Sequence[str | os.PathLike[str]] = (),
    sets: Sequence[str] = (),
    given: Any = None,
    pipeline: str | None = None,
    config_folder: str = "configs",
    known_profiles: Collection[str] = (),
    cache_folder: str | os.PathLike[str] | None = None,
) -> Resolved:
    """Merge all layers and check them against a config class or a signature, before anything runs.

    `base_folder` is the pipeline's: the config folder is looked for there and upwards to `project_root`. A config
    object given in code is the topmost layer as a whole, so that no file matters; a mapping is a layer of single
    values. `known_profiles` are the project's, which need no file of their own.
    """
    from solvent.config.folders import ConfigFolder

    folder = ConfigFolder(os.fspath(project_root), os.fspath(base_folder), config_folder, pipeline, cache_folder)
    folder.check_profile(profile, known_profiles)
    if schema is not None and isinstance(given, schema):
        return _whole(given, config_files, sets)
    layers = folder.layers(profile) if schema is not None or parameters else []
    layers += [folder.read(os.fspath(path), os.fspath(path)) for path in config_files]
    merged = merge_all([*layers, *_typed(sets), *_arguments(schema, given)])
    try:
        value, form = _build(schema, parameters or {}, merged)
    except ConfigError as error:
        error.hint = folder.hint_for(error)
        raise
    folder.keep()
    from solvent.config.encode import sources_of

    return Resolved(value, form, sources_of(form, merged))


def rebuild(schema: Any, parameters: Mapping[str, tuple[Any, Any]] | None, recorded: Mapping[str, Any]) -> Any:
    """Give the value that a pipeline got, from the JSON that its run has on record; no file or default has a part in it."""
    return _build(schema, parameters or {}, _recorded(recorded))[0]


def _recorded(value: Any) -> Node:
    if isinstance(value, Mapping):
        return Node({key: _recorded(each) for key, each in value.items()}, "the record")
    return Node([_recorded(each) for each in value] if isinstance(value, list) else value, "the record")


def explain(resolved: Resolved) -> list[tuple[str, str, str]]:
    """Give a row for each value: its dotted name, the text that `--set` would take, and where it came from."""
    from solvent.config.layers import dotted
    from solvent.config.scalars import show

    rows = []
    todo: list[tuple[tuple[str, ...], Any]] = [((), resolved.as_json)]
    while todo:
        path, form = todo.pop()
        name = dotted(path)
        if path and name in resolved.sources:
            rows.append((name, show(form), resolved.sources[name]))
        elif isinstance(form, dict):
            todo.extend(((*path, key), form[key]) for key in reversed(form))
        elif isinstance(form, list):
            todo.extend(((*path, str(at)), form[at]) for at in reversed(range(len(form))))
    return rows


def _whole(given: Any, config_files: Sequence[Any], sets: Sequence[str]) -> Resolved:
    if config_files or sets:
        word = "a config file" if config_files else "--set"
        raise ConfigError(
            f"{word} has no effect on a config object given in code",
            hint=f"give single values as a mapping instead of a whole {type(given).__name__}, or leave the other out",
        )
    from solvent.config.encode import sources_of, to_json

    form = to_json(given)
    return Resolved(given, form, sources_of(form, Node(None, _ARGUMENT)))


def _typed(sets: Sequence[str]) -> list[Node]:
    if not sets:
        return []
    from solvent.config.overrides import read_set

    return [read_set(text) for text in sets]


def _arguments(schema: Any, given: Any) -> list[Node]:
    if given is None:
        return []
    if not isinstance(given, Mapping):
        wanted = f"a {schema.__name__} or a mapping" if schema is not None else "keyword arguments"
        raise ConfigError(f"the pipeline's config: expected {wanted}, found a {type(given).__name__}", where=_ARGUMENT)
    return [from_code(given, _ARGUMENT)]


def _build(schema: Any, parameters: Mapping[str, tuple[Any, Any]], merged: Node) -> tuple[Any, dict[str, Any]]:
    from solvent.config.encode import to_json

    if schema is None:
        value = _keywords(parameters, merged)
    else:
        _check_schema(schema)
        from solvent.config.schema import build

        value = build(schema, merged, ())
    form: dict[str, Any] = to_json(value)
    return value, form


def _keywords(parameters: Mapping[str, tuple[Any, Any]], merged: Node) -> dict[str, Any]:
    from solvent.config.fields import fields_of_signature
    from solvent.config.schema import build_fields

    fields = fields_of_signature(parameters)
    values = {name: field.make() for name, field in fields.items() if field.make is not None}
    values.update(build_fields(fields, merged, (), "the pipeline"))
    return {name: values[name] for name in fields}


def _check_schema(schema: Any) -> None:
    from solvent.config.fields import is_record

    if not is_record(schema) and not hasattr(schema, "model_validate"):
        raise ConfigError(
            f"a pipeline's config must be a dataclass, found {getattr(schema, '__name__', schema)!r}",
            hint="write @dataclass(frozen=True) above the class, or take keyword parameters with defaults",
        )
