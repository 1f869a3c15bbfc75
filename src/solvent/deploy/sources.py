"""The code of a slice: of each module of the user only the statements that the live steps need.

A pipeline's file often imports plotting, training and much else at its top. What serves needs the functions that are live,
what they reach, and nothing more. Needed names are followed from statement to statement and from module to module; a
statement that binds no name (`np.seterr(...)`, `TABLE["x"] = f`) stays if what it begins with stays. That this is enough
is not believed but shown: the steps, loaded from here, must have the recorded fingerprints (`solvent.deploy.proof`).
"""

from __future__ import annotations

import ast
import importlib.util
import io
import symtable
import sys
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import suppress

from solvent.errors import BundleError
from solvent.fingerprint.ownership import user_file
from solvent.fingerprint.sources import read_source

WHOLE = "*"
"""Stands for all names of a module."""

_IMPORTS = (ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

Wanted = tuple[str, str]
"""A module, and a name at its top level."""


def reduce_sources(wanted: Iterable[Wanted]) -> dict[str, bytes]:
    """Give the text of each module that is needed for these names, by its path below the folder of the code.

    BundleError if the source of a module is not there.
    """
    modules: dict[str, _Module] = {}
    waiting = list(wanted)
    while waiting:
        name, attribute = waiting.pop()
        for package in [*_packages_of(name), name]:
            if package not in modules and _is_users(package):
                modules[package] = _Module(package)
        if name in modules:
            waiting += modules[name].want(attribute)
    return {module.path: module.text() for module in modules.values() if module.path}


def _packages_of(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _is_users(name: str) -> bool:
    file = _file_of(name)
    return file is not None and user_file(file) and not name.startswith("solvent.")


def _file_of(name: str) -> str | None:
    loaded = sys.modules.get(name)
    if loaded is not None:
        return getattr(loaded, "__file__", None)
    with suppress(ImportError, ValueError, AttributeError):
        found = importlib.util.find_spec(name)
        return found.origin if found is not None else None
    return None


class _Module:
    """One module of the user: its statements, and which of them are kept."""

    def __init__(self, name: str) -> None:
        file = _file_of(name) or ""
        self.name = name
        self.is_package = file.endswith("__init__.py")
        self.path = name.replace(".", "/") + ("/__init__.py" if self.is_package else ".py")
        data = read_source(file)
        if data is None:
            raise BundleError(f"the source of module {name} is not there: {file}")
        self._lines, self._tree = _parse(data, file)
        self._statements = [each for each in self._tree.body if not _is_left_out(each)]
        self._kept: set[int] = set()
        self._aliases: dict[int, set[str]] = {}
        self._names: set[str] = set()
        self._lazy = any(isinstance(each, ast.ImportFrom) and each.module == "__future__" for each in self._statements)
        self._keep([at for at, each in enumerate(self._statements) if _is_future(each)])

    def want(self, name: str) -> list[Wanted]:
        """Keep what a name needs, and give what that needs of other modules."""
        if name in self._names:
            return []
        found: list[Wanted] = []
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one in self._names:
                continue
            self._names.add(one)
            for at in self._binding(one):
                waiting += self._keep_for(at, one, found)
            waiting += [more for at in self._following() for more in self._keep_for(at, WHOLE, found)]
        return found

    def text(self) -> bytes:
        """Give the kept statements, as they are written."""
        parts = [self._written(at) for at in sorted(self._kept)]
        return "\n\n".join(["", *parts])[2:].encode() + (b"\n" if parts else b"")

    def _keep(self, places: Iterable[int]) -> None:
        self._kept.update(places)

    def _binding(self, name: str) -> list[int]:
        if name == WHOLE:
            return list(range(len(self._statements)))
        return [at for at, each in enumerate(self._statements) if name in _bound(each) or _imports_all(each)]

    def _following(self) -> list[int]:
        """Find statements without a name that begin with one that is kept, and functions that one of ours decorates."""
        kept = [self._statements[at] for at in self._kept]
        own = {name for each in kept for name in _bound(each)} & self._names
        # A decorator of a library registers nothing of ours: `@step(...)` keeps no step that is not live.
        registries = {name for each in kept if not isinstance(each, _IMPORTS) for name in _bound(each)} & own
        return [
            at
            for at, each in enumerate(self._statements)
            if at not in self._kept and _roots(each) & (registries if isinstance(each, _DEFINITIONS) else own)
        ]

    def _keep_for(self, at: int, name: str, found: list[Wanted]) -> list[str]:
        """Keep a statement for a name; give the names of this module that it uses."""
        statement = self._statements[at]
        new = at not in self._kept
        self._keep([at])
        if isinstance(statement, _IMPORTS):
            before = self._aliases.setdefault(at, set())
            aliases = _bound(statement) if name == WHOLE else {name} & _bound(statement)
            for alias in statement.names:
                if (alias.asname or alias.name.partition(".")[0]) in aliases - before or alias.name == "*":
                    found += self._targets(statement, alias)
            before |= aliases
            return []
        if not new:
            return []
        for node in ast.walk(statement):
            if isinstance(node, _IMPORTS):
                for alias in node.names:
                    found += self._targets(node, alias)
        return list(_used(statement, self._lazy))

    def _targets(self, statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> Iterator[Wanted]:
        """Give what an import needs of modules of the user."""
        if isinstance(statement, ast.Import):
            yield alias.name, WHOLE
            return
        origin = self._absolute(statement)
        if alias.name != "*" and _is_users(f"{origin}.{alias.name}"):
            yield f"{origin}.{alias.name}", WHOLE
        yield origin, alias.name

    def _absolute(self, statement: ast.ImportFrom) -> str:
        if not statement.level:
            return statement.module or ""
        parts = self.name.split(".")
        above = parts[: len(parts) - statement.level + self.is_package]
        return ".".join([*above, *([statement.module] if statement.module else [])])

    def _written(self, at: int) -> str:
        statement = self._statements[at]
        if isinstance(statement, _IMPORTS) and at in self._aliases:
            statement.names = [
                each
                for each in statement.names
                if each.name == "*" or (each.asname or each.name.partition(".")[0]) in self._aliases[at]
            ]
            return ast.unparse(statement)
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
        alone = sum(
            each.lineno <= (statement.end_lineno or 0) and (each.end_lineno or 0) >= first for each in self._tree.body
        )
        if alone > 1:
            return ast.unparse(statement)
        return "\n".join(self._lines[first - 1 : statement.end_lineno])


def _parse(data: bytes, file: str) -> tuple[list[str], ast.Module]:
    encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    text = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n"), ast.parse(text, file)


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _is_left_out(statement: ast.stmt) -> bool:
    """Whether a statement serves no running step: a docstring, what only type checkers or the main program see."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return True
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    names = {each.id for each in ast.walk(statement.test) if isinstance(each, ast.Name)}
    attributes = {each.attr for each in ast.walk(statement.test) if isinstance(each, ast.Attribute)}
    return "TYPE_CHECKING" in names | attributes or "__name__" in names


def _imports_all(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"


def _bound(statement: ast.stmt) -> set[str]:
    """Give the names that a statement binds at the top level of its module, also inside `if`, `try` and `with`."""
    if isinstance(statement, _DEFINITIONS):
        return {statement.name}
    if isinstance(statement, ast.Import):
        return {each.asname or each.name.partition(".")[0] for each in statement.names}
    if isinstance(statement, ast.ImportFrom):
        return {each.asname or each.name for each in statement.names}
    found: set[str] = set()
    for node in _outer(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif node is not statement and isinstance(node, (*_DEFINITIONS, *_IMPORTS)):
            found |= _bound(node)
    return found


def _outer(statement: ast.AST) -> Iterator[ast.AST]:
    """Go through a statement, but not into functions and classes."""
    yield statement
    if not isinstance(statement, (*_DEFINITIONS, ast.Lambda)):
        for child in ast.iter_child_nodes(statement):
            yield from _outer(child)


def _roots(statement: ast.stmt) -> set[str]:
    """Give the names that decide whether a statement without a name of its own stays: what it calls or changes."""
    if isinstance(statement, _DEFINITIONS):
        return {
            root
            for each in statement.decorator_list
            if (root := _root(each)) and isinstance(each, ast.Call | ast.Attribute)
        }
    if isinstance(statement, ast.Expr):
        root = _root(statement.value)
        return {root} if root else set()
    if inner := list(_blocks(statement)):
        return set().union(*map(_roots, inner))
    targets = (
        statement.targets if isinstance(statement, ast.Assign | ast.Delete) else [getattr(statement, "target", None)]
    )
    return {root for each in targets if isinstance(each, ast.Attribute | ast.Subscript) and (root := _root(each))}


def _blocks(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Give the statements inside `if`, `for`, `while`, `with`, `try` and `match`."""
    for name in ("body", "orelse", "finalbody"):
        yield from getattr(statement, name, ())
    for case in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield from case.body


def _root(node: ast.AST | None) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _used(statement: ast.stmt, lazy: bool) -> set[str]:
    """Give the names of the module that a statement looks up: those that are no parameters or variables of its functions.

    Annotations of functions count unless they stay texts; those of fields always, for dataclasses and their like read them.
    """
    text = "from __future__ import annotations\n" if lazy else ""
    tables = [symtable.symtable(text + ast.unparse(statement), "<statement>", "exec")]
    found: set[str] = set()
    while tables:
        table = tables.pop()
        inner = table.get_type() == "function"
        found |= {
            each.get_name() for each in table.get_symbols() if (each.is_global() if inner else each.is_referenced())
        }
        tables += table.get_children()
    fields = [node.annotation for node in ast.walk(statement) if isinstance(node, ast.AnnAssign)]
    return found | {node.id for field in fields for node in ast.walk(field) if isinstance(node, ast.Name)}
