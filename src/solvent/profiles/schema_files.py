"""Schemas as YAML that people read and edit: what is as it mostly is, is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from solvent.config.files import read_config_file
from solvent.config.layers import Node
from solvent.errors import ConfigError, nearest
from solvent.profiles.schema import ENVIRONMENTS, Expected, Schema

_KINDS = ("number", "time", "text", "boolean", "other")
_HEAD = """\
# What is expected of {name}. To take an edited file:
# solvent schema {name} --import FILE
#   nullable, null_share  values may be missing; so large a share is usual
#   domain                the values that it may have
#   range                 the least and the most seen, null for no end;
#                         with `exact: true` nothing may be beyond
#   unique                no value occurs twice
#   required: false       the column may be absent; absent: [serving], only then
#   watched: false        its drift is told on pages, and never after a run
"""


def schema_to_yaml(schema: Schema, name: str) -> str:
    """Write a schema as YAML, with a head that says what the words mean."""
    import yaml

    columns = {each.name: _written(each) for each in schema.columns}
    body = yaml.safe_dump(
        {"rows": schema.rows, "columns": columns},
        sort_keys=False,
        allow_unicode=True,
        width=78,
        default_flow_style=None,
    )
    return _HEAD.format(name=name) + str(body)


def _written(expected: Expected) -> dict[str, Any]:
    found: dict[str, Any] = {"type": expected.type, "kind": expected.kind}
    usual = Expected("", "", "")
    for name in ("required", "nullable", "null_share", "exact", "unique", "watched"):
        value = getattr(expected, name)
        if value != getattr(usual, name):
            found[name] = round(value, 6) if name == "null_share" else value
    if expected.domain is not None:
        found["domain"] = list(expected.domain)
    if expected.least is not None or expected.most is not None:
        found["range"] = [expected.least, expected.most]
    if expected.absent:
        found["absent"] = list(expected.absent)
    return found


def read_schema_file(path: str) -> Schema:
    """Read a schema; ConfigError with file, line and the nearest word says what is wrong in it."""
    node = read_config_file(path, path).node
    _refuse_unknown(node, ("rows", "columns"))
    columns = node.child("columns")
    if columns is None or not isinstance(columns.value, dict):
        raise _wrong(columns or node, "a schema has `columns:`, each with its type", "write one with --export")
    rows = node.child("rows")
    found = tuple(_read_column(name, each) for name, each in columns.value.items())
    return Schema(found, _whole(rows) if rows is not None else 0)


def _read_column(name: str, node: Node) -> Expected:
    if not isinstance(node.value, dict):
        raise _wrong(node, f"column {name}: expected words like `type: int64`", "write one with --export")
    _refuse_unknown(node, (*_READERS, "range"))
    given: dict[str, Node] = node.value
    for needed in ("type", "kind"):
        if needed not in given:
            raise _wrong(node, f"column {name} has no {needed}", "write one with --export")
    kind = _text(given["kind"])
    if kind not in _KINDS:
        raise _wrong(given["kind"], f"no kind {kind!r}{nearest(kind, _KINDS)}", f"kinds: {', '.join(_KINDS)}")
    values = {word: _READERS[word](each) for word, each in given.items() if word in _READERS}
    least, most = _ends(given["range"]) if "range" in given else (None, None)
    return Expected(name, least=least, most=most, **values)


def _refuse_unknown(node: Node, known: tuple[str, ...]) -> None:
    for word, each in node.value.items():
        if word not in known:
            raise _wrong(each, f"no word {word!r} here{nearest(word, known)}", f"words: {', '.join(known)}")


def _wrong(node: Node, problem: str, hint: str) -> ConfigError:
    return ConfigError(problem, where=node.source, hint=hint)


def _truth(node: Node) -> bool:
    if not isinstance(node.value, bool):
        raise _wrong(node, f"expected true or false, found {node.plain()!r}", "write true or false")
    return node.value


def _share(node: Node) -> float:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _wrong(node, f"expected a share from 0 to 1, found {node.plain()!r}", "0.02 is two in a hundred")
    return float(value)


def _whole(node: Node) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int) or node.value < 0:
        raise _wrong(node, f"expected a number of rows, found {node.plain()!r}", "write a whole number")
    return node.value


def _text(node: Node) -> str:
    if isinstance(node.value, bool | list | dict) or node.value is None:
        raise _wrong(node, f"expected a text, found {node.plain()!r}", "put it in quotes")
    return str(node.value)


def _texts(node: Node) -> tuple[str, ...]:
    if not isinstance(node.value, list):
        raise _wrong(node, f"expected a list, found {node.plain()!r}", "write [a, b]")
    return tuple(_text(each) for each in node.value)


def _environments(node: Node) -> tuple[str, ...]:
    found = _texts(node)
    for word in found:
        if word not in ENVIRONMENTS:
            hint = f"environments: {', '.join(ENVIRONMENTS)}"
            raise _wrong(node, f"no environment {word!r}{nearest(word, ENVIRONMENTS)}", hint)
    return found


def _ends(node: Node) -> tuple[Any, Any]:
    if not isinstance(node.value, list) or len(node.value) != 2:
        raise _wrong(node, f"expected two ends, found {node.plain()!r}", "write [0, 24]; null for no end")
    for each in node.value:
        if isinstance(each.value, bool | list | dict):
            raise _wrong(node, f"{each.plain()!r} is no end of a range", "write numbers, times, or null for no end")
    return node.value[0].value, node.value[1].value


_READERS: dict[str, Callable[[Node], Any]] = {
    "type": _text,
    "kind": _text,
    "required": _truth,
    "nullable": _truth,
    "null_share": _share,
    "domain": _texts,
    "exact": _truth,
    "unique": _truth,
    "absent": _environments,
    "watched": _truth,
}
