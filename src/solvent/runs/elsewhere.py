"""Stores other than the project's own, by the words that people use for them."""

from __future__ import annotations

import os
import re
import socket

from solvent.config.project import Project, Settings
from solvent.config.secrets import is_reference
from solvent.errors import ConfigError, NotFoundError, nearest
from solvent.runs.stores import Stores

_URL = re.compile(r"[a-z][a-z0-9+.-]*://")
_PAIR = re.compile(r",(?=[a-z][a-z0-9+.-]*://|env:|file:)")


def find_project(word: str, own: Project) -> Project:
    """Find the project whose stores a word means: a profile of the own project, a folder, or "METADATA,ARTIFACTS".

    A folder is that of a project, or of a store; the two URLs may be references such as env:NAME.
    """
    if word in own.settings.profiles:
        return Project.find(own.root, profile=word)
    if _URL.match(word) or is_reference(word):
        return own._replace(settings=_settings_of(word, own.settings))
    folder = os.path.abspath(os.path.expanduser(word))
    found = Project.find(folder)
    if found.root == folder and _is_project(folder):
        return found
    home = os.path.join(folder, ".solvent") if os.path.isdir(os.path.join(folder, ".solvent")) else folder
    # The own project's name tells which runs are meant by `latest`.
    return own._replace(home=home, settings=own.settings._replace(metadata=None, artifacts=None))


def open_elsewhere(word: str | None, own: Project, *, create: bool) -> Stores:
    """Open the stores that a word means, the project's own for None; to make new ones the word must clearly be a path."""
    project = own if word is None else find_project(word, own)
    if project.settings.metadata or _has_store(project.home):
        return Stores(project, create=create)
    if create and makes_store(word, own):
        return Stores(project)
    bare = _is_bare(word)
    hint = "a folder, a profile of the project, or METADATA-URL,ARTIFACTS-URL"
    if word is None:
        raise NotFoundError("the project has no store yet", where=project.home)
    raise NotFoundError(
        f"there is no store {word!r}{nearest(word, own.settings.profiles)}",
        where=None if bare else project.home,
        hint=f"for a new folder write ./{word}" if create else hint,
    )


def makes_store(word: str | None, own: Project) -> bool:
    """Whether a word may name a store that is not there yet: a bare one may be a misspelt profile, so it may not."""
    return word in own.settings.profiles or not _is_bare(word)


def _is_bare(word: str | None) -> bool:
    return word is not None and os.path.basename(word) == word and not os.path.isdir(word)


def _has_store(home: str) -> bool:
    return os.path.exists(os.path.join(home, "metadata.sqlite"))


def _is_project(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, name)) for name in ("solvent.toml", "pyproject.toml"))


def _settings_of(word: str, settings: Settings) -> Settings:
    parts = _PAIR.split(word)
    if len(parts) != 2:
        raise ConfigError(
            "stores elsewhere have two URLs: METADATA-URL,ARTIFACTS-URL",
            hint="a password stays out of sight so: env:TEAM_METADATA,s3://bucket/folder",
        )
    return settings._replace(metadata=parts[0], artifacts=parts[1])


def store_name(stores: Stores) -> str:
    """Name the metadata store for people: where it is, without its password."""
    return stores.metadata.path if stores.metadata_url else f"{socket.gethostname()}:{stores.home}"


def are_same(first: Stores, second: Stores) -> bool:
    """Tell whether two are one and the same pair of stores."""
    return _places(first) == _places(second)


def _places(stores: Stores) -> tuple[str, str]:
    home = os.path.realpath(stores.home)
    return stores.metadata_url or home, stores.place.artifacts or home
