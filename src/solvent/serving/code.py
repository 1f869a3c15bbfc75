"""The code of a bundle as private modules: two bundles with modules of one name live in one process.

Every module of a bundle has an `__import__` of its own, which finds the bundle's modules in a table that nobody else sees.
`sys.modules` shows them only while the bundle loads, because dataclasses, formats and trusted types look there.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import resolve_name
from threading import RLock
from types import CodeType, ModuleType
from typing import Any
from weakref import WeakSet

from solvent.errors import BundleError

_turn = RLock()
_all: WeakSet[ModuleType] = WeakSet()


def private_modules() -> list[ModuleType]:
    """Give the modules of all bundles of this process: `sys.modules` does not list them."""
    return list(_all)


def find_step(function: str) -> Any:
    """Find "module:qualname" among what can be imported here; BundleError if it can't be loaded."""
    module, _, path = function.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise BundleError(f"the step {function} can't be loaded from the bundle: {error}") from error
    return found


class Code:
    """The modules below one folder, compiled from source when they are first imported.

    `modules` maps names to those that were imported. Inside `with code.loading():` their names mean them for everybody,
    outside for themselves alone; whatever had these names before has them again.
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(folder)
        self.modules: dict[str, ModuleType] = {}
        self._roots = frozenset(_roots(self.folder))
        self._finder = _Finder(self)
        self._importlib = _Importlib(self)
        self._depth = 0

    def owns(self, name: str) -> bool:
        """Whether a module of this name is the bundle's."""
        return name.partition(".")[0] in self._roots

    def find(self, function: str) -> Any:
        """Find "module:qualname" in the bundle, or else among what is installed; BundleError if it can't be loaded."""
        with self.loading():
            return find_step(function)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Let `sys.modules` show the modules of this bundle; one bundle of the process at a time."""
        with _turn:
            outer = self._show() if not self._depth else {}
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if not self._depth:
                    self._hide(outer)

    def _show(self) -> dict[str, ModuleType]:
        # A copy, for other threads import as well.
        outer = {name: module for name, module in sys.modules.copy().items() if self.owns(name)}
        for name in outer:
            del sys.modules[name]
        sys.modules.update(self.modules)
        sys.meta_path.insert(0, self._finder)
        return outer

    def _hide(self, outer: dict[str, ModuleType]) -> None:
        sys.meta_path.remove(self._finder)
        self.modules = {name: module for name, module in sys.modules.copy().items() if self.owns(name)}
        _all.update(self.modules.values())
        for name in self.modules:
            del sys.modules[name]
        sys.modules.update(outer)

    def builtins_of(self) -> dict[str, Any]:
        """Make the builtins of one module: those of Python, but for the way to import."""
        return {**vars(builtins), "__import__": self._import}

    def _import(
        self,
        name: str,
        globals: Any = None,
        locals: Any = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        """Import as the statement does; what is imported already costs two look-ups and no lock."""
        whole = resolve_name("." * level + name, (globals or {}).get("__package__")) if level else name
        if not self.owns(whole):
            if whole == "importlib":
                return self._importlib
            return builtins.__import__(name, globals, locals, fromlist, level)
        known = self.modules.get(whole)
        if known is not None and all(hasattr(known, each) for each in fromlist or () if each != "*"):
            return known if fromlist else self.modules[whole.partition(".")[0]]
        with self.loading():
            return builtins.__import__(name, globals, locals, fromlist, level)


class _Importlib(ModuleType):
    """`importlib` as the modules of a bundle see it: `import_module` finds the bundle's."""

    def __init__(self, code: Code) -> None:
        super().__init__("importlib", importlib.__doc__)
        self._code = code

    def import_module(self, name: str, package: str | None = None) -> ModuleType:
        whole = resolve_name(name, package)
        if not self._code.owns(whole):
            return importlib.import_module(whole)
        known = self._code.modules.get(whole)
        if known is not None:
            return known
        with self._code.loading():
            return importlib.import_module(whole)

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib, name)


class _Finder(MetaPathFinder):
    """Finds the modules of one bundle in its folder and nowhere else."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if not self._code.owns(fullname):
            return None
        found: ModuleSpec | None = None
        loader: Any = self._loader
        for folder in path or (self._code.folder,):
            spec = FileFinder(folder, (loader, list(SOURCE_SUFFIXES))).find_spec(fullname)
            if spec is not None and spec.loader is not None:
                return spec
            found = found or spec
        return found

    def _loader(self, name: str, path: str) -> SourceFileLoader:
        return _Loader(self._code, name, path)


class _Loader(SourceFileLoader):
    """Compiles a module from its source, whatever compiled files lie about, and gives it the bundle's builtins."""

    def __init__(self, code: Code, name: str, path: str) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        compiled: CodeType = self.source_to_code(self.get_data(path), path)
        return compiled

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self._code.builtins_of()
        super().exec_module(module)


def _roots(folder: str) -> Iterator[str]:
    """Give the names of the modules and packages at the top of a folder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        stem, suffix = os.path.splitext(name)
        if suffix in SOURCE_SUFFIXES or os.path.isdir(os.path.join(folder, name)):
            yield stem
