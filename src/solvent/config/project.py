"""Where a project is, where its store is, and its settings, from the project file and the environment."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from solvent.config.layers import Node, merge_all
from solvent.errors import ConfigError

_PREFIX = "SOLVENT_"
_FILES = ("solvent.toml", "pyproject.toml")
_LEAST = {"workers": 1, "memory_mb": 0, "gpus": 0, "retries": 0, "cpus": 0, "timeout_seconds": 0, "cache_gb": 0}


class StepSettings(NamedTuple):
    """Where and how the runs of a step run; what is None is left to the step and the engine."""

    cpus: float | None = None
    memory_mb: int | None = None
    gpus: int | None = None
    retries: int | None = None
    timeout_seconds: float | None = None


class Settings(NamedTuple):
    """The settings of a project, each of which the environment variable SOLVENT_<NAME> overrides."""

    engine: str | None = None
    workers: int | None = None
    home: str | None = None
    config_folder: str = "configs"
    profile: str | None = None
    seed: int = 0
    allow_pickle: bool = True
    metadata: str | None = None
    artifacts: str | None = None
    cache_gb: float = 10.0
    project: str | None = None
    statistics: bool = True
    sensitive_columns: tuple[str, ...] = ()
    openlineage: str | None = None
    steps: dict[str, StepSettings] = {}  # noqa: RUF012
    profiles: dict[str, dict[str, Any]] = {}  # noqa: RUF012

    def step(self, name: str) -> StepSettings:
        """Give the settings of one step: its own, above those for all steps, which are named "*"."""
        every, own = self.steps.get("*", StepSettings()), self.steps.get(name, StepSettings())
        return every._replace(**{field: value for field, value in own._asdict().items() if value is not None})


class Project(NamedTuple):
    """The folder that holds a project, the folder that holds its store, and its settings."""

    root: str
    home: str
    settings: Settings = Settings()

    @classmethod
    def find(cls, start: str | os.PathLike[str] | None = None, *, profile: str | None = None) -> Project:
        """Find the project around a folder: the nearest one above with a project file, else the folder itself.

        `profile` names a group of settings that lies over the others; one that the project does not know changes
        nothing here, since it may be that of a config file.
        """
        try:
            folder = os.path.abspath(os.fspath(start) if start is not None else os.getcwd())
        except FileNotFoundError:
            raise ConfigError("the working directory is gone", hint="go to a folder that is there: `cd`") from None
        root = _root_above(folder) or folder
        return _settle(root, _project_file(root), profile)

    @property
    def name(self) -> str:
        """The name that tells the projects of one store apart; read anew from pyproject.toml if it is not set."""
        from solvent.config.naming import name_of

        return name_of(self.root, self.settings.project)

    @property
    def config_cache(self) -> str:
        """The folder where parsed config files are kept."""
        return os.path.join(self.home, "cache", "config")


def _root_above(folder: str) -> str | None:
    while True:
        if any(os.path.isfile(os.path.join(folder, name)) for name in _FILES):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _settle(root: str, file: Node | None, profile: str | None) -> Project:
    environment = _environment()
    if file is None and environment is None:
        return Project(root, os.path.join(root, ".solvent"), Settings(profile=profile))
    merged = _merged(file, environment)
    settings = _settings(merged)
    over = _profile(merged, profile or settings.profile)
    if over is not None:
        merged = _merged(file, over, environment)
        settings = _settings(merged)
    if profile:
        settings = settings._replace(profile=profile)
    return Project(root, _home(root, settings.home, merged.child("home")), settings)


def _merged(*layers: Node | None) -> Node:
    return merge_all([layer for layer in layers if layer is not None])


def _home(root: str, home: str | None, written: Node | None) -> str:
    """A path in the project file starts at the project, one in the environment at the working directory."""
    if home is None or written is None:
        return os.path.join(root, ".solvent")
    start = os.getcwd() if written.origin.startswith(_PREFIX) else root
    return os.path.normpath(os.path.join(start, os.path.expanduser(home)))


def _profile(merged: Node, name: str | None) -> Node | None:
    profiles = merged.child("profiles")
    return profiles.child(name) if profiles is not None and name is not None else None


def _settings(node: Node) -> Settings:
    settings = _built(node, ())
    profiles = node.child("profiles")
    for name, profile in profiles.value.items() if profiles is not None else ():
        _built(profile, ("profiles", name))
    return settings


def _built(node: Node, path: tuple[str, ...]) -> Settings:
    from solvent.config.schema import build

    try:
        settings: Settings = build(Settings, node, path)
    except ConfigError as error:
        problem = error.problem.replace("config value", "setting", 1).replace("config key", "setting", 1)
        raise ConfigError(problem, where=error.where, hint=error.hint) from None
    _check_least(node, path)
    return settings


def _check_least(node: Node, path: tuple[str, ...]) -> None:
    steps = node.child("steps")
    for name, child in node.value.items():
        if name in _LEAST and child.value is not None and child.value < _LEAST[name]:
            raise ConfigError(
                f"setting `{'.'.join((*path, name))}`: expected at least {_LEAST[name]}, found {child.value}",
                where=child.source,
            )
    for name, step in steps.value.items() if steps is not None else ():
        _check_least(step, (*path, "steps", name))


def _environment() -> Node | None:
    found = {name: _variable(_PREFIX + name.upper()) for name in Settings._fields}
    given = {name: node for name, node in found.items() if node is not None}
    return Node(given, "environment") if given else None


def _variable(name: str) -> Node | None:
    text = os.environ.get(name, "")
    if not text.strip():
        return None
    from solvent.config.overrides import read_value

    node = read_value(text, name)
    if name == "SOLVENT_ALLOW_PICKLE" and text in ("0", "1"):
        node.value = text == "1"
    return node


def _project_file(root: str) -> Node | None:
    own, shared = (_text(os.path.join(root, name)) for name in _FILES)
    in_shared = shared is not None and "tool.solvent" in shared
    if not in_shared and own is None:
        return None
    from solvent.config.toml import read_toml

    table = read_toml(shared, _FILES[1], ("tool", "solvent")) if in_shared and shared is not None else None
    if own is None:
        return table
    if table is not None:
        raise ConfigError(
            "the project's settings stand in two files: solvent.toml and [tool.solvent] of pyproject.toml",
            where=table.source,
            hint="keep them in one of the two",
        )
    return read_toml(own, _FILES[0], ())


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{os.path.basename(path)} can't be read: {error}", where=path, hint="the file must be UTF-8 text"
        ) from None
