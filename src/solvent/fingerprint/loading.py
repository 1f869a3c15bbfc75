"""The user's modules are always compiled from their source.

Python trusts a bytecode cache when size and time of the source are as they were, so an edit of the same size within the
same second would run the old code. Installed packages and the standard library keep their caches.
"""

from __future__ import annotations

import sys
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from os.path import abspath, isdir, isfile
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from solvent.fingerprint.ownership import user_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.abc import PathEntryFinder

_loaded: dict[str, CodeType] = {}
_former: dict[str, bytes] = {}


class SourceLoader(SourceFileLoader):
    """Loads a module from its source alone; no bytecode is read or written."""

    def get_data(self, path: str) -> bytes:
        former = former_source(path) if _former else None
        return super().get_data(path) if former is None else former

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        code = self.get_code(module.__name__)
        if code is None:
            raise ImportError(f"no source for {module.__name__}", name=module.__name__, path=self.path)
        _loaded[abspath(self.path)] = code
        exec(code, module.__dict__)


def compile_user_modules_from_source() -> None:
    """Make every user module imported from now on come from its source; calling it again does nothing."""
    if _find_in_user_folder in sys.path_hooks:
        return
    sys.path_hooks.insert(0, _find_in_user_folder)
    for folder in list(sys.path_importer_cache):
        if _is_user_folder(folder):
            sys.path_importer_cache.pop(folder, None)
    for finder in list(sys.meta_path):
        if "editable" in (getattr(finder, "__module__", None) or ""):
            sys.meta_path.insert(sys.meta_path.index(finder), _EditableSources(finder))


class _EditableSources:
    """Finds what the finder of an editable install finds; modules of the user are loaded from source."""

    def __init__(self, finder: Any) -> None:
        self.finder = finder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec: ModuleSpec | None = self.finder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader and user_file(spec.loader.path):
            spec.loader = SourceLoader(spec.name, spec.loader.path)
        return spec


def loaded_code(path: str) -> CodeType | None:
    """Return the code that a module of this file was made from, if it was loaded by us."""
    return _loaded.get(path)


def put_back(sources: Mapping[str, bytes]) -> None:
    """Give files, by absolute path, the text of another time: for imports and fingerprints of this process alone."""
    _former.update(sources)


def former_source(path: str) -> bytes | None:
    """Return the text of another time that was put back for a file, if one was."""
    return _former.get(abspath(path))


def has_source(path: str) -> bool:
    """Say whether a module can be loaded from this file, that of another time included."""
    return isfile(path) or former_source(path) is not None


def _is_user_folder(folder: str) -> bool:
    return isdir(folder or ".") and user_file(abspath(folder or ".") + "/module.py")


_finder = FileFinder.path_hook((ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceLoader, SOURCE_SUFFIXES))


def _find_in_user_folder(folder: str) -> PathEntryFinder:
    if not _is_user_folder(folder):
        raise ImportError("not a folder of the user's code", path=folder)
    return _finder(folder)
