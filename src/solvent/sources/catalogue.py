"""The catalogue of shared sources: `sources.yaml` of the config folder, with what the profile's file lays over it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.errors import ConfigError, NotFoundError, nearest
from solvent.sources.options import OPTIONS, check_options

if TYPE_CHECKING:
    from solvent.config.layers import Node

_FORMATS = tuple(OPTIONS)
_ENDINGS = {
    "csv": "csv",
    "tsv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
    "pq": "parquet",
    "arrow": "arrow",
    "feather": "arrow",
    "ipc": "arrow",
}
_PACKED = ("gz", "bz2", "zst", "lz4")
_DATABASES = (
    "sqlite",
    "postgresql",
    "postgres",
    "mysql",
    "mariadb",
    "mssql",
    "oracle",
    "duckdb",
    "snowflake",
    "bigquery",
)
_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_VERSIONS = ("content", "etag", "none")
_ASKED = ("query", "function")


class Entry(NamedTuple):
    """One source as it is declared; `where` is the file and line, `location` may be a reference to a secret.

    `version` says how its version is told: "content", "etag", "none", "query" or "function" with the query or function in
    `asked`, or None for what the kind of source does by itself. `columns` maps the columns that must be there to types.
    """

    name: str
    location: str
    format: str | None
    options: Mapping[str, Any]
    columns: Mapping[str, str]
    key: tuple[str, ...]
    version: str | None
    asked: str
    owner: str
    description: str
    where: str


class Catalogue(NamedTuple):
    """All sources that a project shares, as one profile sees them; `file` is where they are declared."""

    entries: Mapping[str, Entry]
    file: str
    there: bool = True

    def find(self, name: str) -> Entry:
        """Give the entry of a source, or say which name is nearest."""
        entry = self.entries.get(name)
        if entry is not None:
            return entry
        if not self.there:
            raise NotFoundError(
                f"there is no source {name!r}: {self.file} does not exist",
                hint=f"write it: sources: {{{name}: {{location: data/{name}.csv}}}}",
            )
        known = ", ".join(sorted(self.entries)[:12]) or "none"
        raise NotFoundError(
            f"there is no source {name!r}{nearest(name, self.entries)}",
            where=self.file,
            hint=f"the catalogue has: {known}",
        )


@dataclass(frozen=True)
class _Written:
    """An entry as it stands in the file."""

    location: str
    format: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    key: str | tuple[str, ...] = ()
    version: str | dict[str, str] | None = None
    owner: str = ""
    description: str = ""


@dataclass(frozen=True)
class _File:
    """The whole file."""

    sources: dict[str, _Written] = field(default_factory=dict)


def catalogue_path(root: str, folder: str) -> str | None:
    """Give the path of the catalogue, if there is one: that costs a look."""
    for ending in (".yaml", ".yml"):
        path = os.path.join(root, folder, f"sources{ending}")
        if os.path.isfile(path):
            return path
    return None


def read_catalogue(root: str, folder: str, profile: str | None = None, cache_folder: str | None = None) -> Catalogue:
    """Read the catalogue of a project; ConfigError names file, line and the nearest name."""
    path = catalogue_path(root, folder)
    if path is None:
        return Catalogue({}, f"{folder}/sources.yaml", there=False)
    from solvent.config.files import keep_config_file, read_config_file
    from solvent.config.layers import merge_all

    stem, ending = os.path.splitext(path)
    over = f"{stem}.{profile}{ending}" if profile else ""
    paths = [path, *([over] if over and os.path.isfile(over) else [])]
    files = [read_config_file(each, _label(each, root), cache_folder) for each in paths]
    catalogue = _catalogue(merge_all([file.node for file in files]), _label(path, root))
    for file in files:
        keep_config_file(file, cache_folder)
    return catalogue


def guess_format(location: str) -> str | None:
    """Tell the format by the location's scheme or ending, or None where neither says it."""
    scheme, found, _ = location.partition("://")
    if found and scheme.partition("+")[0] in _DATABASES:
        return "sql"
    if is_function(location):
        return "function"
    parts = location.partition("?")[0].rstrip("/").rpartition("/")[2].lower().split(".")
    while len(parts) > 1 and parts[-1] in _PACKED:
        parts.pop()
    return _ENDINGS.get(parts[-1]) if len(parts) > 1 else None


def is_function(location: str) -> bool:
    """Whether a location is a function, written as "package.module:function"."""
    return _FUNCTION.fullmatch(location) is not None and not location.startswith(("env:", "file:"))


def _label(path: str, root: str) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


def _catalogue(node: Node, label: str) -> Catalogue:
    from solvent.config.schema import build

    written: _File = build(_File, node, ())
    nodes = node.child("sources")
    entries = {}
    for name, each in written.sources.items():
        assert nodes is not None
        entries[name] = _entry(name, each, nodes.value[name])
    return Catalogue(entries, label)


def _entry(name: str, written: _Written, node: Node) -> Entry:
    form = written.format or guess_format(written.location)
    if form is not None and form not in _FORMATS:
        child = node.child("format") or node
        raise ConfigError(
            f"config value `sources.{name}.format`: there is no format {form!r}{nearest(form, _FORMATS)}",
            where=child.source,
            hint=f"formats: {', '.join(_FORMATS)}",
        )
    if form is not None:
        check_options(name, form, written.location, node.child("options"))
    version, asked = _version(name, written.version, form, node.child("version") or node)
    return Entry(
        name,
        written.location,
        form,
        written.options,
        written.columns,
        (written.key,) if isinstance(written.key, str) else tuple(written.key),
        version,
        asked,
        written.owner,
        written.description,
        node.source,
    )


def _version(name: str, given: str | dict[str, str] | None, form: str | None, node: Node) -> tuple[str | None, str]:
    if given is None:
        return None, ""
    problem = ""
    if isinstance(given, str):
        if given in _VERSIONS:
            return given, ""
        problem = f"there is no {given!r}{nearest(given, (*_VERSIONS, *_ASKED))}"
    elif len(given) != 1 or next(iter(given)) not in _ASKED:
        problem = f"found {', '.join(given) or 'nothing'}{nearest(next(iter(given), ''), _ASKED)}"
    else:
        how, asked = next(iter(given.items()))
        if how == "query" and form not in (None, "sql"):
            problem = f"a query tells the version of a database, and this is {form}"
        else:
            return how, asked
    raise ConfigError(
        f"config value `sources.{name}.version`: {problem}",
        where=node.source,
        hint="write content, etag, none, {query: SELECT ...} or {function: package.module:name}",
    )
