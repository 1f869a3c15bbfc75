"""What is known of user modules from their source: where a constant is set, and the code of a module as a whole."""

from __future__ import annotations

import os
import re
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from os.path import abspath
from types import CodeType, ModuleType
from typing import NamedTuple

from solvent.fingerprint.loading import former_source, loaded_code

_compiled: dict[tuple[str, bytes], CodeType | None] = {}


class Place(NamedTuple):
    """Where a name is set: the module, the name it has there, the file, and the line or 0."""

    module: str
    name: str
    file: str
    line: int


def module_file(name: str) -> str:
    """Return the absolute path of a loaded module's source, or its name in brackets if it has none."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return abspath(file) if file else f"<{name}>"


def module_code(name: str, path: str) -> CodeType | None:
    """Return the code of a whole module: as it was loaded if that is known, else as its file is now."""
    if name in sys.modules and (code := loaded_code(path)) is not None:
        return code
    source = read_source(path)
    if source is None:
        return None
    if (path, source) not in _compiled:
        try:
            _compiled[path, source] = compile(source, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            _compiled[path, source] = None
    return _compiled[path, source]


def read_source(path: str) -> bytes | None:
    """Return the bytes of a file, those of another time if they were put back, or None if it can't be read."""
    former = former_source(path)
    if former is not None:
        return former
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def find_place(module: str, name: str, value: object) -> Place:
    """Return where the name of a module is set, through the imports that brought it there."""
    file = module_file(module)
    text = _source_text(file)
    found = re.search(rf"^{re.escape(name)}\b[^=\n]*(?<![=!<>])=(?!=)", text, re.MULTILINE)
    if found:
        return Place(module, name, file, text.count("\n", 0, found.start()) + 1)
    for origin, original in _imports_of(text, name, module):
        held = vars(origin).get(original, _MISSING)
        if held is value and (origin.__name__, original) != (module, name):
            return find_place(origin.__name__, original, value)
    return Place(module, name, file, 0)


_MISSING = object()
_texts: dict[str, tuple[tuple[int, int], str]] = {}


def _source_text(file: str) -> str:
    """Return the text of a source file, read again when its time or size changed: it only tells people where to look."""
    try:
        found = os.stat(file)
    except OSError:
        return ""
    state = (found.st_mtime_ns, found.st_size)
    known = _texts.get(file)
    if known is None or known[0] != state:
        known = _texts[file] = (state, (read_source(file) or b"").decode("utf-8", "replace"))
    return known[1]


def _imports_of(text: str, name: str, module: str) -> list[tuple[ModuleType, str]]:
    """Return the loaded modules that `from ... import` statements may have brought this name from."""
    found = []
    for each in re.finditer(r"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]*)", text, re.MULTILINE):
        for taken in re.sub(r"#[^\n]*", "", each[2]).strip("() \t").split(","):
            original, _, alias = taken.strip().partition(" as ")
            if name == (alias.strip() or original) and original.isidentifier():
                dots = len(each[1]) - len(each[1].lstrip("."))
                loaded = sys.modules.get(absolute_name(each[1].lstrip("."), dots, vars(sys.modules[module])))
                if isinstance(loaded, ModuleType):
                    found.append((loaded, original))
    return found


def absolute_name(module: str, level: int, names: dict[str, object]) -> str:
    """Return the full name of a module that is imported with `level` leading dots by code with these globals."""
    if not level:
        return module
    package = names.get("__package__")
    if not isinstance(package, str):
        package = str(names.get("__name__", ""))
        if "__path__" not in names:
            package = package.rpartition(".")[0]
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{module}" if module and package else package or module


def find_source(name: str) -> str | None:
    """Return the file of a module that is not loaded, without running anything; None if Python would not find one."""
    search: list[str] | None = None
    done = ""
    for part in name.split("."):
        done = f"{done}.{part}" if done else part
        loaded = sys.modules.get(done)
        if loaded is not None and done != name:
            search = list(getattr(loaded, "__path__", ()))
            continue
        spec = PathFinder.find_spec(done, search)
        if spec is None:
            return None
        if done == name:
            return abspath(spec.origin) if spec.origin and isinstance(spec.loader, SourceFileLoader) else None
        search = list(spec.submodule_search_locations or ())
    return None


def class_line(file: str, qualname: str) -> int:
    """Return the line on which a class is defined, or 0."""
    name = qualname.rpartition(".")[2]
    text = _source_text(file)
    found = re.search(rf"^[ \t]*class[ \t]+{re.escape(name)}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 0
