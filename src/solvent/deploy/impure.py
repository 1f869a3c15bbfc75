"""What the code of a live step says of the clock and of chance: neither is part of a request."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from solvent.deploy.proof import module_of
from solvent.fingerprint.sources import read_source
from solvent.model import CodeFingerprint

_CLOCKS = frozenset(
    {
        *("datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow", "datetime.date.today"),
        *("pandas.Timestamp.now", "pandas.Timestamp.today", "pandas.Timestamp.utcnow"),
    }
)
"""Times of day. What measures durations (`time.perf_counter`) is left to the checks that run the step."""
_CHANCE = frozenset({"uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getrandom"})
_SEEDS = frozenset({"solvent.pipelines.context.rng", "solvent.pipelines.context.seed"})
_UNSEEDED = frozenset({"numpy.random.default_rng", "numpy.random.RandomState", "random.Random"})
"""Sound with a constant seed, random without one."""
_SOUND = frozenset({"numpy.random.SeedSequence", "numpy.random.Generator", "random.seed", "numpy.random.seed"})


class Impurity(NamedTuple):
    """A call that gives something else each time: `kind` is clock, chance or seed, `place` its file and line."""

    kind: str
    name: str
    place: str


def find_impurities(code: CodeFingerprint) -> Iterator[Impurity]:
    """Find where the user's functions that a step reaches read the time of day or draw random numbers without a seed."""
    for symbol in code.symbols:
        if symbol.kind not in ("function", "class", "method") or symbol.name.startswith("solvent."):
            continue
        function = _defined(symbol.file).get(symbol.line)
        if function is not None:
            names = _names_in(function, module_of(symbol.name))
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and (kind := _kind(node, names)):
                    where = f"{os.path.basename(symbol.file)}:{node.lineno}"
                    yield Impurity(kind, ast.unparse(node.func), where)


def _kind(call: ast.Call, names: dict[str, str]) -> str:
    name = _resolved(call.func, names)
    if name in _CLOCKS:
        return "clock"
    if name in _UNSEEDED:
        return "" if call.args or call.keywords else "chance"
    if name in _SEEDS:
        return "seed"
    if name in _CHANCE or name.startswith("secrets."):
        return "chance"
    drawn = name.startswith(("random.", "numpy.random."))
    return "chance" if drawn and name not in _SOUND and name.rpartition(".")[2].islower() else ""


def _resolved(called: ast.AST, names: dict[str, str]) -> str:
    """Give the dotted name that an expression has in the library that it comes from, or nothing."""
    parts: list[str] = []
    while isinstance(called, ast.Attribute):
        parts.append(called.attr)
        called = called.value
    if not isinstance(called, ast.Name) or called.id not in names:
        return ""
    return ".".join([names[called.id], *reversed(parts)])


def _names_in(function: ast.AST, module: str) -> dict[str, str]:
    """Give what the names of a module, and those that a function imports itself, are called at home."""
    names = {name: _home(value) for name, value in vars(sys.modules[module]).items()} if module in sys.modules else {}
    for node in ast.walk(function):
        if isinstance(node, ast.Import):
            names |= {each.asname or each.name.partition(".")[0]: _imported(each) for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return names


def _imported(alias: ast.alias) -> str:
    return alias.name if alias.asname else alias.name.partition(".")[0]


_ALIASES = {
    "pandas._libs.tslibs.timestamps": "pandas",
    "numpy.random.mtrand": "numpy.random",
    "numpy.random._generator": "numpy.random",
    "posix": "os",
    "nt": "os",
}


def _home(value: Any) -> str:
    """Give the dotted name under which people know an object of a library."""
    if type(value) is type(sys):
        return str(value.__name__)
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
    """Give what a file defines by the line of its `def`, and by that of its first decorator."""
    data = read_source(file)
    try:
        tree = ast.parse(data or b"")
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for line in (node.lineno, *(each.lineno for each in node.decorator_list)):
                found[line] = node
    return found
