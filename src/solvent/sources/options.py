"""Which options each format takes, so that a slip of the pen is named with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvent.config.words import unknown_key
from solvent.errors import ConfigError

if TYPE_CHECKING:
    from solvent.config.layers import Node

Options = dict[str, type | tuple[type, ...]]

_CSV: Options = {
    "decimal": str,
    "delimiter": str,
    "encoding": str,
    "escape": str,
    "names": list,
    "nulls": list,
    "quote": str,
    "skip_rows": int,
}
_FILES: Options = {"partitioning": str}
_WEB: Options = {"headers": dict, "timeout_seconds": (int, float)}
_OBJECTS: Options = {"storage": dict}

OPTIONS: dict[str, Options | None] = {
    "csv": {**_CSV, **_FILES},
    "jsonl": {**_FILES},
    "parquet": {**_FILES},
    "arrow": {**_FILES},
    "sql": {"password": str, "query": str, "table": str},
    "function": None,
}
"""The options of each format and their types; those of a function are its keyword arguments."""


def options_of(form: str, location: str) -> Options | None:
    """Give the options that a source of this format takes at this location."""
    own = OPTIONS[form]
    if own is None or form == "sql":
        return own
    scheme, found, _ = location.partition("://")
    if location.startswith("env:"):
        return {**own, **_WEB, **_OBJECTS}
    if not found or scheme == "file":
        return own
    return {**own, **(_WEB if scheme in ("http", "https") else _OBJECTS)}


def check_options(name: str, form: str, location: str, node: Node | None) -> None:
    """Refuse options that the format does not have, and values of another type."""
    known = options_of(form, location)
    if node is None or known is None or not isinstance(node.value, dict):
        return
    path = ("sources", name, "options")
    for key, child in node.value.items():
        if key not in known:
            raise unknown_key(key, known, child, path, f"a source of {form} here")
        kind = known[key]
        if not isinstance(child.value, kind) or (isinstance(child.value, bool) and kind is not bool):
            raise ConfigError(
                f"config value `{'.'.join((*path, key))}`: expected {_word(kind)}, found {type(child.value).__name__}",
                where=child.source,
            )


def _word(kind: type | tuple[type, ...]) -> str:
    if isinstance(kind, tuple):
        return "a number"
    return {str: "text", int: "a whole number", list: "a list", dict: "a mapping"}[kind]
