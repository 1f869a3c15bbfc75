"""Readers that open files outside Python: pyarrow, polars and DuckDB are wrapped, so that what they read is noticed.

Like the witness it is taken along by child processes, so it stands on the standard library alone.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from . import arrivals, witness

_PATHS = ("source", "path", "paths", "where", "file", "input_file", "dataset", "path_or_dataset", "sources", "database")


class Kind:
    """How the functions of a library name files: in which arguments, and whether they read, write, open or ask."""

    def __init__(self, names: tuple[str, ...], *, verb: str = "read", prefixes: tuple[str, ...] = ()) -> None:
        self.names = names
        self.verb = verb
        self.prefixes = prefixes


_READERS = {
    "pyarrow": Kind(("memory_map", "input_stream")),
    "pyarrow.csv": Kind(("read_csv", "open_csv")),
    "pyarrow.json": Kind(("read_json", "open_json")),
    "pyarrow.feather": Kind(("read_table", "read_feather")),
    "pyarrow.orc": Kind(("read_table",)),
    "pyarrow.dataset": Kind(("dataset",)),
    "pyarrow.parquet": Kind(("read_table", "read_metadata", "read_schema", "read_pandas")),
    "polars": Kind((), prefixes=("read_", "scan_")),
    "duckdb": Kind(("read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet")),
}
_WRITERS = {
    "pyarrow.csv": Kind(("write_csv",), verb="write"),
    "pyarrow.feather": Kind(("write_feather",), verb="write"),
    "pyarrow.parquet": Kind(("write_table",), verb="write"),
}
_OPENERS = {"duckdb": Kind(("connect",), verb="open")}
_ASKERS = {"duckdb": Kind(("sql", "query", "execute", "from_query"), verb="ask")}
_METHODS: dict[str, dict[str, tuple[Kind, ...]]] = {
    "pyarrow.parquet": {
        "ParquetFile": (Kind(("__init__",)),),
        "ParquetDataset": (Kind(("__init__",)),),
        "ParquetWriter": (Kind(("__init__",), verb="write"),),
    },
    "polars": {
        "DataFrame": (Kind((), verb="write", prefixes=("write_",)),),
        "LazyFrame": (Kind((), verb="write", prefixes=("sink_",)),),
    },
    "duckdb": {
        "DuckDBPyConnection": (
            Kind(("read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet")),
            Kind(("sql", "query", "execute", "from_query"), verb="ask"),
        ),
    },
}
_KNOWN = tuple({*_READERS, *_WRITERS, *_OPENERS, *_ASKERS, *_METHODS})
_wrapped: set[str] = set()


def wrap_loaded() -> None:
    """Wrap the readers of those libraries that are loaded, and of the others when they will be."""
    if _wrapped:
        return
    for name in _KNOWN:
        _wrapped.add(name)
        arrivals.on_arrival(name, _wrap_module)
        if name in sys.modules:
            _wrap_module(sys.modules[name])


def load_needed(packages: Iterable[str]) -> None:
    """Import the libraries of native readers and generators that a step will import itself, so they can be watched."""
    for name in packages:
        if name in ("polars", "pyarrow", "duckdb", "numpy", "torch") and name not in sys.modules:
            try:
                __import__(name)
            except ImportError:  # the step finds out itself, and may be prepared for it
                continue


def _wrap_module(module: ModuleType) -> None:
    name = module.__name__
    replaced: dict[int, tuple[Any, Any]] = {}
    for kinds in (_READERS, _WRITERS, _OPENERS, _ASKERS):
        if name in kinds:
            _wrap_members(module, kinds[name], 0, replaced)
    for each, kinds_of in _METHODS.get(name, {}).items():
        for kind in kinds_of if isinstance(getattr(module, each, None), type) else ():
            _wrap_members(getattr(module, each), kind, 1, {})
    _replace_taken(replaced)


def _wrap_members(owner: Any, kind: Kind, first: int, replaced: dict[int, tuple[Any, Any]]) -> None:
    names = [*kind.names, *(name for name in (dir(owner) if kind.prefixes else ()) if name.startswith(kind.prefixes))]
    for name in names:
        function = getattr(owner, name, None)
        if callable(function) and not isinstance(function, type):
            noted = _noting(function, kind.verb, first)
            try:
                setattr(owner, name, noted)
            except TypeError:  # a class that can't be changed
                continue
            replaced[id(function)] = function, noted


def _replace_taken(replaced: dict[int, tuple[Any, Any]]) -> None:
    """Replace functions that modules of the user took by name before they were wrapped."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if module.__class__ is not ModuleType or (file and witness.is_of_system(file)):
            continue
        for name, value in list(vars(module).items()):
            found = replaced.get(id(value))
            if found is not None and found[0] is value:
                setattr(module, name, found[1])


def _noting(function: Callable[..., Any], verb: str, first: int) -> Callable[..., Any]:
    """Wrap a function whose argument number `first` names what it reads, writes, opens or asks for."""

    @functools.wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        if witness.watchers and not witness.is_quiet():
            given = args[first : first + 1] or [kwargs[name] for name in _PATHS if name in kwargs]
            _note_all(given if verb != "ask" else (*args[first:], *kwargs.values()), verb)
        return function(*args, **kwargs)

    return noted


def _note_all(given: Iterable[Any], verb: str) -> None:
    find = _quoted if verb == "ask" else _paths
    for path in (path for each in given for path in find(each)):
        if verb == "write" or (verb == "open" and not os.path.exists(path)):
            witness.quietly(functools.partial(_note_written, path))
        else:
            note(path)


def note(path: str) -> None:
    """Note a path that a native reader is told to read: a file, a folder with all in it, or a pattern."""
    import glob

    def look() -> None:
        watchers = witness.watching()
        for each in glob.glob(path, recursive=True) if glob.has_magic(path) else [path]:
            for watcher in watchers:
                _note_tree(os.path.abspath(each), watcher)
        if glob.has_magic(path):
            for watcher in watchers:
                watcher.saw_folder(os.path.abspath(_folder_before(path)))

    witness.quietly(look)


def _folder_before(pattern: str) -> str:
    """Return the folder in which a pattern begins: a file that is new in it may match."""
    import glob

    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder or "."


def _note_tree(path: str, watcher: witness.Watcher) -> None:
    if not os.path.isdir(path):
        watcher.saw_file(path)
        return
    for folder, _, files in os.walk(path):
        watcher.saw_folder(folder)
        for name in files:
            watcher.saw_file(os.path.join(folder, name))


def _note_written(path: str) -> None:
    if not os.path.isdir(path):
        for watcher in witness.watching():
            watcher.makes(os.path.abspath(path))


def _paths(given: Any) -> Iterator[str]:
    """Give the local paths in an argument: a path, or a list of them."""
    if isinstance(given, list | tuple):
        for each in given:
            yield from _paths(each)
    elif isinstance(given, str | os.PathLike):
        path = os.fsdecode(given).removeprefix("file://")
        if path and len(path) < 4096 and not any(sign in path for sign in ("://", "\0", "\n", ":memory:")):
            yield path


def _quoted(given: Any) -> Iterator[str]:
    """Give the quoted names in a query that are files, folders or patterns."""
    if not isinstance(given, str) or len(given) > 1_000_000:
        return
    for quote in ("'", '"'):
        for name in given.split(quote)[1::2]:
            if "\n" not in name and (os.path.exists(name) or "*" in name):
                yield from _paths(name)
