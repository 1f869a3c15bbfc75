"""Whose code is it: the user's, which is followed, or an installed distribution's, where following stops."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from os.path import abspath, dirname, realpath
from types import FunctionType, ModuleType

_OWN = dirname(dirname(abspath(__file__))) + os.sep
_OWN_STEPS = _OWN + "steps" + os.sep
_STDLIB = tuple({folder + os.sep for folder in (dirname(os.__file__), realpath(dirname(os.__file__)))})
_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))

_files: dict[str, bool] = {}


def user_file(path: str) -> bool:
    """Say whether a source file is the user's: not installed, not of the standard library, not Solvent's own.

    Ready-made steps count as the user's, so that a new release of one is noticed. A notebook cell counts, too.
    """
    known = _files.get(path)
    if known is None:
        known = _files[path] = _look(path)
    return known


def _look(path: str) -> bool:
    if path.startswith("<"):
        return path.startswith("<ipython-input-")
    path = abspath(path)
    if any(part in path for part in _INSTALLED) or path.startswith(_STDLIB):
        return False
    if path.startswith(_OWN):
        return path.startswith(_OWN_STEPS)
    return not any(path in _installed_into(folder) for folder in _folders_above(path))


def _folders_above(path: str) -> list[str]:
    return [folder for folder in map(abspath, sys.path) if path.startswith(folder + os.sep)]


@cache
def _installed_into(folder: str) -> frozenset[str]:
    """Return the files that `pip install --target` put into a folder of the import path; its records list them."""
    found: set[str] = set()
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.endswith(".dist-info"):
                found |= _recorded(folder, os.path.join(folder, name, "RECORD"))
    return frozenset(found)


def _recorded(folder: str, record: str) -> set[str]:
    try:
        with open(record, encoding="utf-8") as lines:
            return {abspath(os.path.join(folder, line.split(",")[0])) for line in lines}
    except OSError:
        return set()


def is_user_module(module: ModuleType | str) -> bool:
    """Say whether a module is the user's; one that is named and not loaded is not."""
    if isinstance(module, str):
        loaded = sys.modules.get(module)
        if loaded is None:
            return False
        module = loaded
    names = vars(module)
    file = names.get("__file__")
    if file is not None:
        return user_file(file)
    if names.get("__name__") == "__main__":
        return True
    if "__path__" in names:  # a folder without __init__.py
        return any(user_file(os.path.join(folder, "__init__.py")) for folder in names["__path__"])
    if "__builtins__" not in names:  # made by a compiled extension, no file of anybody's
        return False
    spec = names.get("__spec__")
    return spec is None and names.get("__name__", "").partition(".")[0] not in sys.stdlib_module_names


def _user_namespace(names: dict[str, object]) -> bool:
    """Say whether a function's globals are those of a user module."""
    file = names.get("__file__")
    if isinstance(file, str):
        return user_file(file)
    name = names.get("__name__")
    return name == "__main__" or (isinstance(name, str) and is_user_module(name))


def is_user_function(function: FunctionType) -> bool:
    """Say whether a function's code is the user's; for generated code its module decides."""
    file = function.__code__.co_filename
    if file.startswith("<") and not file.startswith("<ipython-input-"):
        return _user_namespace(function.__globals__)
    return user_file(file)


def is_user_class(cls: type) -> bool:
    """Say whether a class is the user's."""
    module = cls.__module__
    if module in sys.modules:
        return is_user_module(module)
    if not isinstance(module, str) or module.partition(".")[0] in sys.stdlib_module_names:
        return False
    return any(isinstance(each, FunctionType) and is_user_function(each) for each in vars(cls).values())
