"""Project files: TOML read into nodes that know their lines."""

from __future__ import annotations

from typing import Any

from solvent.config.layers import Node
from solvent.errors import ConfigError


def read_toml(text: str, label: str, table: tuple[str, ...]) -> Node | None:
    """Read one table of a TOML file, or None if the file has no such table."""
    import tomllib

    try:
        data: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken(str(error), label) from None
    for name in table:
        data = data.get(name) if isinstance(data, dict) else None
    return None if data is None else _node(data, label, table, _lines(text))


def _node(value: Any, label: str, path: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> Node:
    line = lines.get(path, 0)
    if isinstance(value, dict):
        return Node({key: _node(item, label, (*path, key), lines) for key, item in value.items()}, label, line)
    if isinstance(value, list):
        return Node([_node(item, label, path, lines) for item in value], label, line)
    return Node(value, label, line)


def _broken(problem: str, label: str) -> ConfigError:
    """tomllib says the place in its message: "... (at line 3, column 5)"."""
    reason, _, place = problem.partition(" (at line ")
    line = place.partition(",")[0]
    return ConfigError(
        f"broken TOML: {reason}", where=f"{label}:{line}" if line.isdecimal() else label, hint="correct the line"
    )


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of each name that starts a line; enough to point at a setting."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            table = _names(line.strip("[] \t").partition("]")[0])
            path = table
        elif "=" in line and not line.startswith("#"):
            path = (*table, *_names(line.partition("=")[0]))
        else:
            continue
        for length in range(1, len(path) + 1):
            found.setdefault(path[:length], number)
    return found


def _names(text: str) -> tuple[str, ...]:
    names, word, quote = [], "", ""
    for letter in text:
        if quote:
            word, quote = (word, "") if letter == quote else (word + letter, quote)
        elif letter in "\"'":
            quote = letter
        elif letter == ".":
            names.append(word.strip())
            word = ""
        else:
            word += letter
    return (*names, word.strip())
