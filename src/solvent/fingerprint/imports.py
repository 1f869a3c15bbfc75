"""Imports inside functions, which no global shows: by the names taken of a loaded module, else by its source, unrun."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from solvent.fingerprint import sources
from solvent.fingerprint.bytecode import Alias, Import, Reference, Scan
from solvent.fingerprint.ownership import is_user_module, user_file

if TYPE_CHECKING:
    from solvent.fingerprint.reach import Node, Reach

_loaded_at_first: frozenset[str] | None = None
_MISSING = object()


def loaded_before(name: str) -> bool:
    """Say whether a module counts as loaded: it was at the first fingerprint of this process, or it isn't the user's.

    What a step imports while it runs would else be followed in one run by its names and in the next by its source.
    """
    return name in sys.modules and (name in (_loaded_at_first or ()) or not is_user_module(name))


def note_loaded() -> None:
    """Remember, the first time, what is loaded."""
    global _loaded_at_first
    if _loaded_at_first is None:
        _loaded_at_first = frozenset(sys.modules)


def _is_users(name: str) -> bool:
    """Say whether a module is the user's, loaded or not."""
    if name in sys.modules:
        return is_user_module(name)
    path = sources.find_source(name)
    return path is not None and user_file(path)


def follow_import(reach: Reach, node: Node, each: Import, names: dict[str, Any]) -> None:
    """Follow an import statement of code with these globals."""
    module = sources.absolute_name(each.module, each.level, names)
    if not each.names:
        _follow_module(reach, node, module, whole=False)
    for taken in each.names:
        _follow_name(reach, node, module, taken)


def follow_alias(reach: Reach, node: Node, alias: Alias, reference: Reference, names: dict[str, Any]) -> None:
    """Follow a local variable that holds an imported module to what is used of it."""
    name = sources.absolute_name(alias.module, alias.level, names)
    if alias.attribute is not None:
        held = vars(sys.modules[name]).get(alias.attribute) if name in sys.modules else None
        if not isinstance(held, ModuleType):
            return
        name = held.__name__
    elif not alias.dotted:
        name = name.partition(".")[0]
    if loaded_before(name) and is_user_module(name):
        reach.chain(node, reference.name, sys.modules[name], reference.attributes)


def follow_importlib(reach: Reach, node: Node, module: str, reference: Reference) -> None:
    """Follow the use of `importlib.import_module` and `sys.modules`."""
    path = f"{module}.{reference.attributes[0]}"
    if path in ("importlib.import_module", "importlib.__import__"):
        follow_import_call(reach, node, path, reference.text)
    elif path == "sys.modules":
        reach.opaque(node, f"{node.name}: {path}")


def follow_import_call(reach: Reach, node: Node, what: str, text: str | None) -> None:
    """Follow a call that imports by name, if the name is written there."""
    if text is None or text.startswith("."):
        reach.opaque(node, f"{node.name}: {what}()")
    else:
        _follow_module(reach, node, text, whole=True)


def follow_source(reach: Reach, node: Node, scan: Scan, names: dict[str, Any]) -> None:
    """Follow every import of a module that is known by its source only."""
    for each in scan.imports:
        follow_import(reach, node, each, names)
        if not each.names:
            _follow_module(reach, node, sources.absolute_name(each.module, each.level, names), whole=True)
    for child in scan.children:
        follow_source(reach, node, child, names)


def _follow_module(reach: Reach, node: Node, name: str, *, whole: bool) -> None:
    label = f"import {name}"
    if loaded_before(name):
        if not is_user_module(name):
            reach.external(node, label, name, "")
        elif whole:
            node.edges.append((label, reach.module(name)))
        return
    path = sources.find_source(name)
    if path is None or not user_file(path):
        reach.external(node, label, name, "")
        return
    node.edges.append((label, reach.source(name, path)))
    parent = name.rpartition(".")[0]
    if parent and not loaded_before(parent):
        _follow_module(reach, node, parent, whole=True)  # it is run first


def _follow_name(reach: Reach, node: Node, module: str, taken: str) -> None:
    submodule = f"{module}.{taken}"
    if not _is_users(module):
        # The same words whether it is loaded yet or not: that may differ between two runs of the same code.
        reach.external(node, f"import {submodule}", module, taken)
        return
    if not loaded_before(module):
        _follow_module(reach, node, module, whole=True)
        path = sources.find_source(submodule)
        if path is not None and user_file(path):
            node.edges.append((f"import {submodule}", reach.source(submodule, path)))
        return
    label = f"import {module}.{taken}"
    value = vars(sys.modules[module]).get(taken, _MISSING)
    if taken == "*":
        node.edges.append((label, reach.module(module)))
    elif value is _MISSING or (isinstance(value, ModuleType) and not loaded_before(value.__name__)):
        _follow_module(reach, node, submodule, whole=True)
    elif not isinstance(value, ModuleType):  # of a module, the names used of it count
        reach.named(node, label, module, taken, value)
