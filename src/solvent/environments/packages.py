"""Reading installed distributions from their metadata files: name, version, import names and where each came from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple


class Distribution(NamedTuple):
    """One installed distribution; `origin` is the parsed direct_url.json of one that came from no index, else None."""

    name: str
    version: str
    modules: tuple[str, ...]
    origin: dict[str, Any] | None = None


def read_distributions(state: list[Any]) -> list[Distribution]:
    """Read all distributions, sorted by name; of two of one name the first on the path counts, as for imports."""
    found: dict[str, Distribution] = {}
    for folder, entries in state:
        for entry in entries:
            one = _read_one(os.path.join(folder, entry[0]))
            if one:
                found.setdefault(normal_name(one.name), one)
    return [found[name] for name in sorted(found)]


def normal_name(name: str) -> str:
    """Give the one spelling under which an index knows a distribution."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


def _read_one(metadata: str) -> Distribution | None:
    headers = dict(_headers(metadata))
    if "name" not in headers:
        return None
    folder = os.path.dirname(metadata) if os.path.basename(metadata) in ("METADATA", "PKG-INFO") else ""
    modules = _import_names(folder) if folder else ()
    fallback = headers["name"].replace("-", "_")
    return Distribution(
        headers["name"],
        headers.get("version", ""),
        modules or (fallback,),
        _origin(folder) if folder else None,
    )


def _headers(path: str) -> Iterator[tuple[str, str]]:
    """The header lines of a metadata file; the description after the empty line is not read."""
    for line in _text(path).splitlines():
        if not line:
            return
        name, colon, content = line.partition(":")
        if colon and name.lower() in ("name", "version"):
            yield name.lower(), content.strip()


def _import_names(folder: str) -> tuple[str, ...]:
    declared = _text(os.path.join(folder, "top_level.txt")).split()
    if declared:
        return tuple(sorted(set(declared)))
    names = (_import_name(line) for line in _text(os.path.join(folder, "RECORD")).splitlines())
    return tuple(sorted({name for name in names if name}))


def _import_name(line: str) -> str:
    """The top-level import name that a line of RECORD stands for, or nothing."""
    top, slash, rest = line.partition("/")
    if slash:
        code = rest.partition(",")[0].endswith((".py", ".so", ".pyd"))
        return top if code and top.isidentifier() else ""
    file = top.partition(",")[0].strip('"')
    stem = file.partition(".")[0]
    return stem if file.endswith((".py", ".so", ".pyd")) and stem.isidentifier() else ""


def _origin(folder: str) -> dict[str, Any] | None:
    try:
        origin = json.loads(_text(os.path.join(folder, "direct_url.json")) or "null")
    except ValueError:
        return None
    return origin if isinstance(origin, dict) and "url" in origin else None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
