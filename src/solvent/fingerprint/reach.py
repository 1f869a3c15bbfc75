"""What code reaches: from one function along globals, attributes of modules, closures, defaults and imports, exactly.

Each thing reached is a node. A node has parts of its own (what it is, whatever it is called) and edges to what it uses.
Nodes are numbered as they are found, in an order that depends on content alone, so two programs that do the same have
the same numbers, and a digest over parts and numbered edges tells programs apart that only swap two names.
"""

from __future__ import annotations

import builtins
import sys
from collections import deque
from functools import partial
from os.path import abspath, exists
from types import CodeType, FunctionType, ModuleType
from typing import Any

from solvent.fingerprint import sources
from solvent.fingerprint.bytecode import Alias, Reference, Scan, scan_code
from solvent.fingerprint.classes import visit_class
from solvent.fingerprint.contents import annotation_text, describe, describe_function_state, describe_namespace, is_code
from solvent.fingerprint.imports import (
    follow_alias,
    follow_import,
    follow_import_call,
    follow_importlib,
    follow_source,
    note_loaded,
)
from solvent.fingerprint.ownership import is_user_function, is_user_module
from solvent.fingerprint.structure import digest
from solvent.model import Symbol

_MISSING = object()
_COMPUTING = ("solvent.steps", "solvent.profiles")
"""What of Solvent computes results: its version is part of the key of a step that uses it."""
_DYNAMIC = frozenset({"eval", "exec", "globals"})
_OF_MODULES = frozenset({"__name__", "__file__", "__package__", "__spec__", "__loader__", "__path__", "__builtins__"})
_IMPORTERS = frozenset({"__import__", "import_module"})

ANNOTATION_READERS = frozenset(
    {
        "__annotations__",
        "get_annotations",
        "get_type_hints",
        "signature",
        "getfullargspec",
        "__dataclass_fields__",
        "fields",
    }
)


class Node:
    """One thing reached: a function, class, constant, closure variable or module."""

    __slots__ = ("annotations", "edges", "file", "kind", "line", "module", "name", "number", "parts", "value")

    def __init__(self, kind: str, name: str, module: str, value: Any, file: str, line: int) -> None:
        self.kind = kind
        self.name = name
        self.module = module
        self.value = value
        self.file = file
        self.line = line
        self.number = 0
        self.parts: list[str] = []
        self.edges: list[tuple[str, Node]] = []
        self.annotations = ""


class Reach:
    """Collects nodes from roots until nothing new is found."""

    def __init__(self) -> None:
        note_loaded()
        self.nodes: dict[Any, Node] = {}
        self.waiting: deque[Node] = deque()
        self.packages: set[str] = set()
        self.unfollowed: set[str] = set()
        self.annotations_count = False
        self.decorated: list[FunctionType] = []
        self.objects: dict[int, int] = {}

    def run(self) -> None:
        """Visit every node that waits; each visit may add others."""
        while self.waiting:
            node = self.waiting.popleft()
            if node.kind == "function":
                self._visit_function(node)
            elif node.kind == "class":
                visit_class(self, node)
            elif node.kind == "module":
                self._visit_module(node)
            elif node.kind == "source":
                self._visit_source(node)
            elif node.kind != "root":
                describe(self, node, "value", node.value)

    def symbols(self) -> tuple[Symbol, ...]:
        """Return what was reached, sorted by name; a digest covers what it is and the names of what it uses."""
        found = []
        for node in self.nodes.values():
            if node.kind == "root":
                continue
            kind = "module" if node.kind == "source" else node.kind
            uses = [text for label, target in sorted(node.edges, key=_label) for text in (label, target.name)]
            content = digest("symbol", kind, *self._parts(node), "uses", *uses)
            found.append(Symbol(node.name, kind, content, node.file, node.line))
        return tuple(sorted(set(found)))

    def digest(self) -> str:
        """Return the digest of all that was reached; names of modules and functions are no part of it."""
        parts = []
        for node in self.nodes.values():
            edges = [text for label, target in sorted(node.edges, key=_label) for text in (label, str(target.number))]
            parts.append(digest("node", node.kind, *self._parts(node), "edges", *edges))
        return digest("reach", *parts)

    def files(self) -> tuple[str, ...]:
        """Return the user's source files that the nodes come from."""
        files = {node.file for node in self.nodes.values() if not node.file.startswith("<")}
        return tuple(sorted(file for file in files if exists(file)))

    def _parts(self, node: Node) -> list[str]:
        parts = sorted(node.parts)
        return [*parts, node.annotations] if self.annotations_count else parts

    # Nodes

    def _add(self, key: Any, node: Node) -> Node:
        node.number = len(self.nodes)
        self.nodes[key] = node
        self.waiting.append(node)
        return node

    def function(self, function: FunctionType, bound: str | None = None) -> Node:
        """Return the node of a function; `bound` is the "module.NAME" it was found under."""
        node = self.nodes.get(id(function))
        if node is None:
            code = function.__code__
            module = function.__globals__.get("__name__") or function.__module__ or "?"
            name = f"{module}.{code.co_qualname}"
            if bound and "<" in code.co_qualname:
                holder, _, held = bound.rpartition(".")
                place = sources.find_place(holder, held, function)
                name = f"{place.module}.{place.name}"
            node = Node("function", name, module, function, source_path(code.co_filename), code.co_firstlineno)
            self._add(id(function), node)
        return node

    def root(self) -> Node:
        """Return the node that stands for being asked; it is no symbol."""
        return self.nodes.get("root") or self._add("root", Node("root", "", "", None, "<root>", 0))

    def cls(self, cls: type) -> Node:
        """Return the node of a class."""
        node = self.nodes.get(id(cls))
        if node is None:
            name = f"{cls.__module__}.{cls.__qualname__}"
            file, line = _place_of_class(cls)
            node = self._add(id(cls), Node("class", name, cls.__module__, cls, file, line))
        return node

    def constant(self, module: str, name: str, value: Any) -> Node:
        """Return the node of a value that a module holds under a name."""
        key = (module, name)
        node = self.nodes.get(key)
        if node is not None:
            return node
        place = sources.find_place(module, name, value)
        key = (place.module, place.name)
        node = self.nodes.get(key)
        if node is None:
            node = Node("constant", f"{place.module}.{place.name}", place.module, value, place.file, place.line)
            self._add(key, node)
        return node

    def closure(self, owner: Node, variable: str, value: Any) -> Node:
        """Return the node of a variable that a function took from where it was made."""
        key = (id(owner.value), variable)
        node = self.nodes.get(key)
        if node is None:
            name = f"{owner.name}.{variable}"
            node = self._add(key, Node("closure", name, owner.module, value, owner.file, owner.line))
        return node

    def module(self, name: str) -> Node:
        """Return the node of a loaded user module as a whole."""
        node = self.nodes.get(("module", name))
        if node is None:
            made = Node("module", name, name, sys.modules.get(name), sources.module_file(name), 0)
            node = self._add(("module", name), made)
        return node

    def source(self, name: str, path: str) -> Node:
        """Return the node of a user module that is not loaded, as a whole."""
        node = self.nodes.get(("source", path))
        if node is None:
            node = self._add(("source", path), Node("source", name, name, path, path, 0))
        return node

    def opaque(self, node: Node, what: str) -> None:
        """Cover what can't be followed by all of the module it is in, and say so."""
        self.unfollowed.add(what)
        if node.kind != "module" and is_user_module(node.module):
            node.edges.append(("whole module", self.module(node.module)))

    def package(self, module: str | None) -> None:
        """Note that an installed distribution is used, by the top-level name it is imported by."""
        root = (module or "").partition(".")[0]
        if root == "solvent" and not (module or "").startswith(_COMPUTING):
            return
        if root and root not in sys.stdlib_module_names and root != "__main__":
            self.packages.add(root)

    # Functions

    def _visit_function(self, node: Node) -> None:
        function: FunctionType = node.value
        scan = scan_code(function.__code__)
        node.parts.append(scan.digest)
        if not is_user_function(function):
            self.package(function.__module__)
            return
        node.annotations = annotation_text(function)
        cells: dict[str, Any] = {}
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                cells[variable] = cell.cell_contents
            except ValueError:
                node.parts.append(f"{variable} is empty")
        self.code(node, scan, function.__globals__, cells)
        for variable, value in cells.items():
            if is_code(value):
                describe(self, node, variable, value)
            elif not isinstance(value, ModuleType):
                node.edges.append((variable, self.closure(node, variable, value)))
        describe_function_state(self, node, function)
        maker = maker_of(function)
        if maker is not None:
            describe(self, node, "made by", maker)

    def code(
        self,
        node: Node,
        scan: Scan,
        names: dict[str, Any],
        cells: dict[str, Any],
        aliases: dict[str, set[Alias]] | None = None,
    ) -> None:
        """Follow what a code object, and code nested in it, refers to."""
        self.annotations_count = self.annotations_count or not ANNOTATION_READERS.isdisjoint(scan.names)
        inherited = {name: held for name, held in (aliases or {}).items() if name in scan.code.co_freevars}
        aliases = {**inherited, **scan.aliases} if inherited else scan.aliases
        for reference in scan.references:
            if reference.root == "global":
                self._global(node, reference, names)
            elif reference.name in aliases:
                for alias in sorted(aliases[reference.name], key=repr):
                    follow_alias(self, node, alias, reference, names)
            elif isinstance(cells.get(reference.name), ModuleType):
                self.chain(node, reference.name, cells[reference.name], reference.attributes)
        for each in scan.imports:
            follow_import(self, node, each, names)
        for child in scan.children:
            self.code(node, child, names, cells, aliases)

    def _global(self, node: Node, reference: Reference, names: dict[str, Any]) -> None:
        name = reference.name
        value = names.get(name, _MISSING)
        if name in _OF_MODULES:
            return
        if value is _MISSING:
            if name in _DYNAMIC:
                self.opaque(node, f"{node.name}: {name}()")
            elif name in _IMPORTERS:
                follow_import_call(self, node, name, reference.text)
            elif not hasattr(builtins, name):
                node.parts.append(f"{name} is missing")
            return
        module = names.get("__name__") or node.module
        if isinstance(value, ModuleType):
            self.chain(node, name, value, reference.attributes)
            if value.__name__ in ("importlib", "sys") and reference.attributes:
                follow_importlib(self, node, value.__name__, reference)
        elif name == "import_module" and getattr(value, "__module__", "") == "importlib":
            follow_import_call(self, node, name, reference.text)
        else:
            self.named(node, name, module, name, value)

    def chain(self, node: Node, label: str, value: Any, attributes: tuple[str, ...]) -> None:
        """Follow attributes from a module to the thing reached; a user module that is left over counts as a whole."""
        module = value
        for at, attribute in enumerate(attributes):
            if not is_user_module(module):
                return self._outside(node, label, module, attributes[at:])
            label = f"{label}.{attribute}"
            reached = _held(module, attribute)
            if not isinstance(reached, ModuleType):
                return self._attribute(node, label, module, attribute, reached)
            module = reached
        if is_user_module(module):
            node.edges.append((label, self.module(module.__name__)))
        else:
            self.external(node, label, module.__name__, "")

    def _attribute(self, node: Node, label: str, module: ModuleType, name: str, reached: Any) -> None:
        if reached is not _MISSING:
            self.named(node, label, module.__name__, name, reached)
        elif "__getattr__" in vars(module):
            self.opaque(node, f"{module.__name__}.{name}")
            node.edges.append((label, self.module(module.__name__)))
        else:
            node.parts.append(f"{label} is missing")

    def _outside(self, node: Node, label: str, module: ModuleType, attributes: tuple[str, ...]) -> None:
        """Note what is used of an installed module, in the same words whether its own modules are loaded yet or not."""
        self.external(node, ".".join((label, *attributes)), module.__name__, ".".join(attributes))
        for at, attribute in enumerate(attributes, 1):
            reached = _held(module, attribute)
            if isinstance(reached, FunctionType) and is_user_function(reached):
                node.edges.append((label, self.function(reached)))
            if not isinstance(reached, ModuleType):
                return
            if is_user_module(reached):
                return self.chain(node, label, reached, attributes[at:])
            self.package(reached.__name__)
            module = reached

    def named(self, node: Node, label: str, module: str, name: str, value: Any) -> None:
        """Follow what a user module holds under a name: code by itself, any other value as a constant of the module."""
        if is_code(value) and type(value) is not partial:
            describe(self, node, label, value, f"{module}.{name}")
        elif module in sys.modules and is_user_module(module):
            node.edges.append((label, self.constant(module, name, value)))
        else:
            describe(self, node, label, value)

    def external(self, node: Node, label: str, module: str, name: str) -> None:
        """Note the use of something that is not followed: its name is all that counts, besides the version."""
        self.package(module)
        node.parts.append(f"{label} = {module}:{name}")

    # Modules as a whole

    def _visit_module(self, node: Node) -> None:
        code = sources.module_code(node.name, node.file)
        if code is not None:
            node.parts.append(scan_code(code).digest)
        elif (binary := sources.read_source(node.file)) is not None:
            node.parts.append(digest("file", binary))
        if node.value is not None:
            describe_namespace(self, node, node.value, tolerant=code is not None)

    def _visit_source(self, node: Node) -> None:
        code = sources.module_code(node.name, node.value)
        if code is None:
            node.parts.append(digest("file", sources.read_source(node.value) or b""))
            return
        scan = scan_code(code)
        node.parts.append(scan.digest)
        package = node.name if node.value.endswith("__init__.py") else node.name.rpartition(".")[0]
        follow_source(self, node, scan, {"__name__": node.name, "__package__": package})


def _held(module: ModuleType, name: str) -> Any:
    """Return what a module holds under a name, or its submodule, if it is loaded."""
    found = vars(module).get(name, _MISSING)
    return sys.modules.get(f"{module.__name__}.{name}", _MISSING) if found is _MISSING else found


def _label(edge: tuple[str, Node]) -> tuple[str, int]:
    return edge[0], edge[1].number


def source_path(file: str) -> str:
    """Return the absolute path of a code object's file; names in angle brackets stay."""
    return file if file.startswith("<") else abspath(file)


def maker_of(function: FunctionType) -> FunctionType | None:
    """Return the top-level function in which a function was made, if it is still the one that made it."""
    outer, inside, _ = function.__code__.co_qualname.partition(".<locals>")
    if not inside:
        return None
    value: Any = function.__globals__.get(outer.partition(".")[0])
    for name in outer.split(".")[1:]:
        value = vars(value).get(name) if isinstance(value, type) else None
    while value is not None and not isinstance(value, FunctionType):
        value = getattr(value, "__wrapped__", None) or getattr(value, "__func__", None)
    while isinstance(value, FunctionType):
        if _makes(value.__code__, function.__code__):
            return value
        value = getattr(value, "__wrapped__", None)
    return None


def _makes(outer: CodeType, code: CodeType) -> bool:
    inner = (each for each in outer.co_consts if type(each) is CodeType)
    return any(each is code or each == code or _makes(each, code) for each in inner)


def _place_of_class(cls: type) -> tuple[str, int]:
    for each in vars(cls).values():
        each = getattr(each, "__func__", None) or getattr(each, "fget", None) or each
        if isinstance(each, FunctionType) and is_user_function(each) and not each.__code__.co_filename.startswith("<"):
            place = sources.class_line(each.__code__.co_filename, cls.__qualname__)
            return source_path(each.__code__.co_filename), place or each.__code__.co_firstlineno
    file = sources.module_file(cls.__module__)
    return file, sources.class_line(file, cls.__qualname__)
