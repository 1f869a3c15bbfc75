"""Which config files a pipeline has: the nearest config folder, its base file, the profile's file."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from solvent.config.layers import Node
from solvent.errors import ConfigError, nearest

if TYPE_CHECKING:
    from solvent.config.files import ConfigFile

_ENDINGS = (".yaml", ".yml")


class ConfigFolder:
    """The config folder of a pipeline: the nearest one from the pipeline's file upwards to the project's root.

    If it has a folder with the pipeline's name, that one is used, so that pipelines in one folder may differ.
    """

    def __init__(
        self, root: str, start: str, name: str, pipeline: str | None, cache_folder: str | os.PathLike[str] | None
    ) -> None:
        self.root = os.path.abspath(root)
        self.cache_folder = None if cache_folder is None else os.fspath(cache_folder)
        self.path = _find(self.root, os.path.abspath(start), name, pipeline)
        self.name = name
        self._files: list[ConfigFile] = []

    def check_profile(self, profile: str | None, known_profiles: Collection[str]) -> None:
        """Refuse a profile that has no file here and is not one of the project's settings either."""
        if profile is None or profile == "base" or profile in known_profiles or self._has_file(profile):
            return
        names = sorted({*self.profiles(), *known_profiles})
        folder = self.name if self.path is None else self._label(self.path)
        wanted = f"make {folder.replace(os.sep, '/')}/{profile}.yaml"
        raise ConfigError(
            f"there is no profile `{profile}`{nearest(profile, names)}",
            hint=f"{wanted}, or choose one of: {', '.join(names)}" if names else wanted,
        )

    def layers(self, profile: str | None) -> list[Node]:
        """Read the base file and the profile's file, as far as they exist."""
        names = ["base"] if profile is None or profile == "base" else ["base", profile]
        found = [self._file(name) for name in names]
        return [self.read(path, self._label(path)) for path in found if path is not None]

    def read(self, path: str, label: str) -> Node:
        """Read one file as a layer."""
        from solvent.config.files import read_config_file

        file = read_config_file(path, label.replace(os.sep, "/"), self.cache_folder)
        self._files.append(file)
        return file.node

    def keep(self) -> None:
        """Keep what was read for the next time; called when the values are known to be good."""
        if self._files:
            from solvent.config.files import keep_config_file

            for file in self._files:
                keep_config_file(file, self.cache_folder)

    def hint_for(self, error: ConfigError) -> str | None:
        """Give the way out of an error; a strange key in a shared file may be another pipeline's."""
        shared = self.path is not None and str(error.where).startswith(self._label(self.path))
        if not shared or not error.problem.startswith("unknown config key") or "did you mean" in error.problem:
            return error.hint
        return (
            f"{error.hint}; what only another pipeline takes goes to {self._label(str(self.path))}/ITS_NAME/base.yaml"
        )

    def profiles(self) -> list[str]:
        """Give the names of the profiles that have a file."""
        if self.path is None:
            return []
        names = {os.path.splitext(name)[0] for name in os.listdir(self.path) if name.endswith(_ENDINGS)}
        return sorted({name.removeprefix("sources.") for name in names} - {"base", "sources"})

    def _has_file(self, profile: str) -> bool:
        """Whether a profile has a file here, of values or of sources; the catalogue itself is no profile."""
        return profile != "sources" and any(self._file(name) is not None for name in (profile, f"sources.{profile}"))

    def _file(self, name: str) -> str | None:
        if self.path is None or os.path.basename(name) != name:
            return None
        found = [path for ending in _ENDINGS if os.path.isfile(path := os.path.join(self.path, name + ending))]
        if len(found) > 1:
            raise ConfigError(
                f"there are two files for {name}", where=self._label(found[1]), hint="keep the one that ends in .yaml"
            )
        return found[0] if found else None

    def _label(self, path: str) -> str:
        relative = os.path.relpath(path, self.root)
        return path if relative.startswith("..") else relative


def _find(root: str, start: str, name: str, pipeline: str | None) -> str | None:
    folder = start
    while True:
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            own = os.path.join(path, pipeline) if pipeline else path
            return own if os.path.isdir(own) else path
        parent = os.path.dirname(folder)
        if folder == root or parent == folder or not _inside(folder, root):
            return None
        folder = parent


def _inside(folder: str, root: str) -> bool:
    return folder.startswith(root if root.endswith(os.sep) else root + os.sep)
