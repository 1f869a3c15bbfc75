"""Readers that open files outside Python: pyarrow, polars and DuckDB are wrapped, so that what they read is noticed."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from solvent.runs import witness

_FUNCTIONS = {
    "pyarrow": ("memory_map", "input_stream"),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.json": ("read_json", "open_json"),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.orc": ("read_table",),
    "pyarrow.dataset": ("dataset",),
    "pyarrow.parquet": ("read_table", "read_metadata", "read_schema", "read_pandas"),
    "duckdb": (
        "read_csv",
        "read_parquet",
        "read_json",
        "from_csv_auto",
        "from_parquet",
        "sql",
        "query",
        "execute",
        "connect",
    ),
}
_CLASSES = {"pyarrow.parquet": ("ParquetFile", "ParquetDataset")}
_PREFIXED = {"polars": ("read_", "scan_")}
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
_wrapped: set[str] = set()


def wrap_loaded() -> None:
    """Wrap the readers of those libraries that are loaded and were not wrapped yet."""
    for name in _KNOWN:
        if name not in _wrapped and name in sys.modules:
            _wrapped.add(name)
            _wrap_module(sys.modules[name], name)


_KNOWN = tuple({*_FUNCTIONS, *_CLASSES, *_PREFIXED})


def load_needed(packages: Iterable[str]) -> None:
    """Import the libraries of native readers and generators that a step will import itself, so that they can be watched."""
    for name in packages:
        if name in ("polars", "pyarrow", "duckdb", "numpy", "torch") and name not in sys.modules:
            try:
                __import__(name)
            except ImportError:  # the step finds out itself, and may be prepared for it
                continue


def _wrap_module(module: Any, name: str) -> None:
    prefixes = _PREFIXED.get(name, ())
    names = [*_FUNCTIONS.get(name, ()), *(n for n in (vars(module) if prefixes else ()) if n.startswith(prefixes))]
    for each in names:
        function = getattr(module, each, None)
        if callable(function) and not isinstance(function, type):
            setattr(module, each, _noting(function))
    for each in _CLASSES.get(name, ()):
        kind = getattr(module, each, None)
        if isinstance(kind, type):
            kind.__init__ = _noting(kind.__init__)  # type: ignore[misc]


def _noting(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        if witness.watchers:
            for given in (*args[:2], *kwargs.values()):
                for path in _paths(given):
                    note(path)
        return function(*args, **kwargs)

    return noted


def note(path: str) -> None:
    """Note a path that a native reader is told to read: a file, a folder with all in it, or a pattern."""
    import glob

    def look() -> None:
        found = glob.glob(path, recursive=True) if glob.has_magic(path) else [path]
        for each in map(os.path.abspath, found):
            for watcher in _watching():
                _note_tree(each, watcher)

    witness.quietly(look)


def _note_tree(path: str, watcher: witness.Watcher) -> None:
    if not os.path.isdir(path):
        watcher.saw_file(path)
        return
    for folder, _, files in os.walk(path):
        watcher.saw_folder(folder)
        for name in files:
            watcher.saw_file(os.path.join(folder, name))


def _watching() -> list[witness.Watcher]:
    return witness.watching()


def _paths(given: Any) -> Iterator[str]:
    """Give the paths in an argument: a path, a list of them, or the quoted names in a query that are files."""
    if isinstance(given, list | tuple):
        for each in given:
            yield from _paths(each)
    elif isinstance(given, os.PathLike):
        path = os.fspath(given)
        yield os.fsdecode(path)
    elif isinstance(given, str) and len(given) < 100_000 and "\0" not in given:
        if "'" in given or '"' in given:
            yield from (a or b for a, b in _QUOTED.findall(given) if os.path.exists(a or b) or "*" in (a or b))
        elif "://" not in given and "\n" not in given and (os.path.exists(given) or "*" in given):
            yield given
