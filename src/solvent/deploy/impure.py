"""What the code of a live step says of the clock, chance, environment and network: none is part of a request."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from solvent.deploy.proof import module_of
from solvent.fingerprint.sources import read_source
from solvent.model import CodeFingerprint, Symbol

_CLOCKS = frozenset(
    {
        *("datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow", "datetime.date.today"),
        *("pandas.Timestamp.now", "pandas.Timestamp.today", "pandas.Timestamp.utcnow", "time.time", "time.time_ns"),
    }
)
"""Times of day. What measures durations (`time.perf_counter`, `time.monotonic`) tells no time."""
_CLOCKS_ALONE = {"time.localtime": 0, "time.gmtime": 0, "time.ctime": 0, "time.asctime": 0, "time.strftime": 1}
"""Tell the time of day if they are called with no more arguments than these."""
_NOW = frozenset({"pandas.to_datetime", "pandas.Timestamp", "numpy.datetime64"})
_CHANCE = frozenset({"uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getrandom", "random.SystemRandom"})
_DRAWN = ("random.", "numpy.random.", "secrets.")
_STEP_SEED = frozenset({"solvent.pipelines.context.rng", "solvent.pipelines.context.seed"})
_UNSEEDED = frozenset({"numpy.random.default_rng", "numpy.random.RandomState", "random.Random"})
"""Sound with a seed, random without one."""
_SEEDING = frozenset({"random.seed", "numpy.random.seed", "torch.manual_seed"})
"""Called with a constant, these make the generators that all share give the same each time."""
_SOUND = frozenset(
    {*_SEEDING, "numpy.random.get_state", "numpy.random.set_state", "random.getstate", "random.setstate"}
)
_ENVIRONMENT = frozenset({"os.environ", "os.getenv", "os.getenvb", "os.environb"})
_NETWORK = ("requests.", "httpx.", "urllib.request.", "urllib3.", "http.client.", "socket.", "aiohttp.", "subprocess.")
_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__"})


class Impurity(NamedTuple):
    """A name whose use gives something else each time: `kind` is clock, chance, seed, environment or network.

    `name` is as it is written, and `place` its file and line.
    """

    kind: str
    name: str
    place: str


def find_impurities(code: CodeFingerprint, step: str) -> Iterator[Impurity]:
    """Find where the user's code that a step runs reads what is no part of a request; `step` is its "module.qualname".

    Of a class only the methods count whose names that code uses: how a model was fitted is no part of its prediction.
    """
    used = [
        (symbol, node, name)
        for symbol, piece in _Followed(code, step).pieces()
        for node, name in _used(piece, _names_in(piece, module_of(symbol.name)))
    ]
    seeded = {name.rpartition(".")[0] for _, node, name in used if name in _SEEDING and _is_given(node)}
    for symbol, node, name in used:
        kind = _kind(node, name)
        if kind and not (kind == "chance" and name.rpartition(".")[0] in seeded and name not in _UNSEEDED):
            shown = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            yield Impurity(kind, shown, _place(symbol, node))


def _is_given(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and bool(node.args or node.keywords)


def _place(symbol: Symbol, node: ast.expr) -> str:
    return f"{os.path.basename(symbol.file)}:{node.lineno}"


def _kind(node: ast.expr, name: str) -> str:
    """Say what the use of a name of a library reads; nothing for a sound one."""
    call = node if isinstance(node, ast.Call) else None
    if name in _CLOCKS or (call and name in _NOW and _says_now(call)):
        return "clock"
    if name in _CLOCKS_ALONE:
        return "clock" if call and len(call.args) + len(call.keywords) <= _CLOCKS_ALONE[name] else ""
    if name in _UNSEEDED:
        return "chance" if call and not _has_seed(call) else ""
    if name in _STEP_SEED:
        return "seed"
    if name in _CHANCE:
        return "chance"
    if name in _ENVIRONMENT or name.startswith("os.environ."):
        return "environment"
    if name.startswith(_NETWORK):
        return "network"
    drawn = name.startswith(_DRAWN) and name not in _SOUND
    return "chance" if drawn and name.rpartition(".")[2].islower() else ""


def _says_now(call: ast.Call) -> bool:
    return any(isinstance(each, ast.Constant) and each.value in ("now", "today") for each in call.args)


def _has_seed(call: ast.Call) -> bool:
    given = [*call.args, *(each.value for each in call.keywords)]
    return any(not (isinstance(each, ast.Constant) and each.value is None) for each in given)


class _Followed:
    """The pieces of code that a step runs: its function, and from there by the names that are used."""

    def __init__(self, code: CodeFingerprint, step: str) -> None:
        self._by_name: dict[str, list[tuple[Symbol, ast.AST]]] = {}
        self._first: list[tuple[Symbol, ast.AST]] = []
        for symbol in code.symbols:
            found = None if symbol.name.startswith("solvent.") else _defined(symbol.file).get(symbol.line)
            if found is None:
                continue
            name = symbol.name.rpartition(".")[2]
            if symbol.name == step or "<" in name or code.unfollowed:
                self._first.append((symbol, found))
            elif isinstance(found, ast.ClassDef):
                self._add_class(symbol, found)
            else:
                self._by_name.setdefault(name, []).append((symbol, found))

    def pieces(self) -> Iterator[tuple[Symbol, ast.AST]]:
        seen: set[int] = set()
        waiting = list(self._first)
        while waiting:
            symbol, piece = waiting.pop()
            if id(piece) in seen:
                continue
            seen.add(id(piece))
            yield symbol, piece
            for name in _mentioned(piece):
                waiting += self._by_name.get(name, ())

    def _add_class(self, symbol: Symbol, found: ast.ClassDef) -> None:
        """Methods are used by their names, constructors by that of the class, and other special methods by anybody."""
        for part in found.body:
            name = getattr(part, "name", "")
            if not name or name in _CONSTRUCTORS:
                self._by_name.setdefault(found.name, []).append((symbol, part))
            elif name.startswith("__") and name.endswith("__"):
                self._first.append((symbol, part))
            else:
                self._by_name.setdefault(name, []).append((symbol, part))


def _mentioned(piece: ast.AST) -> Iterator[str]:
    """Give the names and attributes that a piece of code uses; the types that it is annotated with do not run."""
    waiting = [piece]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name | ast.Attribute):
            yield node.id if isinstance(node, ast.Name) else node.attr
        waiting += [
            each
            for field, value in ast.iter_fields(node)
            if field not in ("annotation", "returns")
            for each in (value if isinstance(value, list) else [value])
            if isinstance(each, ast.AST)
        ]


def _used(piece: ast.AST, names: dict[str, str]) -> Iterator[tuple[ast.expr, str]]:
    """Give what of libraries a piece of code uses: calls, and names that are only mentioned; not what it assigns to."""
    own = _bound(piece)
    inside: set[int] = set()
    for node in ast.walk(piece):
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            inside.add(id(node.value))
        elif isinstance(node, ast.Call | ast.Attribute | ast.Name) and id(node) not in inside:
            root = node.func if isinstance(node, ast.Call) else node
            if name := _resolved(root, names, own):
                inside |= {id(part) for part in ast.walk(root)}
                yield node, name


def _bound(piece: ast.AST) -> set[str]:
    """Give the names that a function binds itself, as parameters or variables: they hide those of the module."""
    if not isinstance(piece, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return set()
    given = {node.arg for node in ast.walk(piece) if isinstance(node, ast.arg)}
    return given | {
        node.id for node in ast.walk(piece) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _resolved(used: ast.AST, names: dict[str, str], own: set[str]) -> str:
    """Give the dotted name that an expression has in the library that it comes from, or nothing."""
    parts: list[str] = []
    while isinstance(used, ast.Attribute):
        parts.append(used.attr)
        used = used.value
    if not isinstance(used, ast.Name) or used.id not in names or used.id in own:
        return ""
    return ".".join([names[used.id], *reversed(parts)])


def _names_in(piece: ast.AST, module: str) -> dict[str, str]:
    """Give what the names of a module, and those that a function imports itself, are called at home."""
    names = {name: _home(value) for name, value in vars(sys.modules[module]).items()} if module in sys.modules else {}
    for node in ast.walk(piece):
        if isinstance(node, ast.Import):
            names |= {each.asname or each.name.partition(".")[0]: _imported(each) for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {each.asname or each.name: _imported_from(node.module, each.name) for each in node.names}
    return {name: home for name, home in names.items() if home}


def _imported(alias: ast.alias) -> str:
    return alias.name if alias.asname else alias.name.partition(".")[0]


def _imported_from(module: str, name: str) -> str:
    found = getattr(sys.modules.get(module), name, None)
    return _home(found) or f"{module}.{name}"


_ALIASES = {
    "pandas._libs.tslibs.timestamps": "pandas",
    "pandas.core.tools.datetimes": "pandas",
    "numpy.random.mtrand": "numpy.random",
    "numpy.random._generator": "numpy.random",
    "requests.api": "requests",
    "posix": "os",
    "nt": "os",
}


def _home(value: Any) -> str:
    """Give the dotted name under which people know an object of a library."""
    if type(value) is type(sys):
        return str(value.__name__)
    if value is os.environ:
        return "os.environ"
    owner, name = getattr(value, "__self__", None), getattr(value, "__name__", None)
    if not isinstance(name, str):
        return ""
    if owner is not None and type(owner).__name__ in ("Random", "RandomState"):
        # `random.choice` and `numpy.random.rand` are methods of a hidden generator.
        return f"{'random' if type(owner).__module__ == 'random' else 'numpy.random'}.{name}"
    module = getattr(value, "__module__", None)
    return f"{_ALIASES.get(module, module)}.{name}" if isinstance(module, str) else ""


@lru_cache(maxsize=64)
def _defined(file: str) -> dict[int, ast.AST]:
    """Give what a file defines by the line of its `def`, by that of its first decorator, and its constants by theirs."""
    data = read_source(file)
    try:
        tree = ast.parse(data or b"")
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, ast.AST] = {}
    found.update({each.lineno: each for each in tree.body if isinstance(each, ast.Assign | ast.AnnAssign)})
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for line in (node.lineno, *(each.lineno for each in node.decorator_list)):
                found[line] = node
    return found
