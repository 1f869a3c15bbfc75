"""Code of another time: modules are imported as a snapshot has them, under the names and paths that they had.

The files themselves are neither written nor needed, so `__file__`, tracebacks and fingerprints are what they were.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from os.path import abspath, join
from types import ModuleType

from solvent.fingerprint.loading import SourceLoader, compile_user_modules_from_source, former_source, put_back


def use_former(sources: Mapping[str, bytes]) -> None:
    """Import these files, by absolute path, with the text given here from now on; modules loaded before stay."""
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    sources = {path: source for path, source in sources.items() if path not in loaded}
    put_back(sources)
    compile_user_modules_from_source()
    for path, source in sources.items():
        text = source.decode("utf-8", "replace")
        # Without a time the entry is not checked against the file.
        linecache.cache[path] = (len(source), None, text.splitlines(keepends=True), path)
    sys.meta_path.insert(0, _Former(frozenset(folder for path in sources for folder in _folders_above(path))))


def _folders_above(path: str) -> list[str]:
    found = []
    while (folder := os.path.dirname(path)) != path:
        found.append(folder)
        path = folder
    return found


class _Former:
    """Finds modules among the sources that were put back, in the order of the import path."""

    def __init__(self, folders: frozenset[str]) -> None:
        self._folders = folders

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        last = name.rpartition(".")[2]
        for folder in map(abspath, sys.path if path is None else path):
            place = join(folder, last)
            init, module = join(place, "__init__.py"), f"{place}.py"
            if former_source(init) is not None:
                return spec_from_file_location(
                    name, init, loader=SourceLoader(name, init), submodule_search_locations=[place]
                )
            if former_source(module) is not None:
                return spec_from_file_location(name, module, loader=SourceLoader(name, module))
            if os.path.exists(module) or os.path.exists(init):
                return None
            if place in self._folders and not os.path.isdir(place):
                spec = ModuleSpec(name, None, is_package=True)
                spec.submodule_search_locations = [place]
                return spec
        return None
