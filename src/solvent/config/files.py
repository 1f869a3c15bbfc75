"""Config files: YAML read into nodes that know their lines, and kept by content so that PyYAML is needed once for each.

What a file says is never executed: only mappings, lists, text, numbers, true, false and null are read.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from solvent.config.layers import Node
from solvent.config.masking import masked, without_passwords
from solvent.config.private import make_folder
from solvent.config.scalars import float_text, read_scalar
from solvent.errors import ConfigError

_FORMAT = b"solvent config nodes 1\n"
_MOST_NODES = 200_000


class ConfigFile(NamedTuple):
    """One file that was read; `kept` says whether its nodes came from the cache."""

    node: Node
    digest: str
    kept: bool


def read_config_file(path: str, label: str, cache_folder: str | None = None) -> ConfigFile:
    """Read one YAML file; `label` is how errors and sources name it."""
    data = _read_bytes(path, label)
    import hashlib

    digest = hashlib.sha256(_FORMAT + data).hexdigest()
    node = _recall(cache_folder, digest, label)
    return ConfigFile(_parse(data, label), digest, False) if node is None else ConfigFile(node, digest, True)


def keep_config_file(file: ConfigFile, cache_folder: str | None) -> None:
    """Keep what was read for next time, unless there is a password in it. Called once the values have passed their checks,
    so that a secret written out in full by mistake is refused and not copied."""
    if cache_folder is None or file.kept:
        return
    import json

    text = json.dumps(_pack(file.node), separators=(",", ":"))
    if masked(without_passwords(text)) != text:
        return
    target = os.path.join(cache_folder, f"{file.digest}.json")
    passing = f"{target}.{os.getpid()}"
    try:
        make_folder(cache_folder)
        with open(passing, "w", encoding="utf-8") as out:
            out.write(f"{_checksum(text)}\n{text}")
        os.replace(passing, target)
    except OSError:
        return  # it only saves time: a store that can't be written says so itself


def _checksum(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def _read_bytes(path: str, label: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(
            f"the config file {label} can't be read: {error.strerror}{_nearest_file(path)}",
            hint="give the path of a YAML file",
        ) from None


def _nearest_file(path: str) -> str:
    from solvent.errors import nearest

    try:
        names = [name for name in os.listdir(os.path.dirname(path) or ".") if name.endswith((".yaml", ".yml", ".json"))]
    except OSError:
        return ""
    return nearest(os.path.basename(path), names)


def _recall(cache_folder: str | None, digest: str, label: str) -> Node | None:
    if cache_folder is None:
        return None
    import json

    try:
        with open(os.path.join(cache_folder, f"{digest}.json"), encoding="utf-8") as file:
            checksum, _, text = file.read().partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return _unpack(json.loads(text), label) if checksum == _checksum(text) else None


def _pack(node: Node) -> list[Any]:
    """[line, scalar], [line, [nodes]] or [line, {key: node}]; a float that JSON can't hold has a mark behind it."""
    if isinstance(node.value, dict):
        return [node.line, {key: _pack(item) for key, item in node.value.items()}]
    if isinstance(node.value, list):
        return [node.line, [_pack(item) for item in node.value]]
    if isinstance(node.value, float) and isinstance(float_text(node.value), str):
        return [node.line, float_text(node.value), "float"]
    return [node.line, node.value]


def _unpack(packed: Any, label: str) -> Node:
    line, value = packed[0], packed[1]
    if isinstance(value, dict):
        return Node({key: _unpack(item, label) for key, item in value.items()}, label, line)
    if isinstance(value, list):
        return Node([_unpack(item, label) for item in value], label, line)
    return Node(read_scalar(value) if len(packed) > 2 else value, label, line)


def _parse(data: bytes, label: str) -> Node:
    import yaml

    try:
        tree = yaml.compose(_decode(data, label), Loader=_loader(yaml))
    except yaml.MarkedYAMLError as error:
        raise _broken(label, error.problem_mark or error.context_mark, error.problem or "it can't be parsed") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"broken YAML: {str(error).splitlines()[0]}", where=label, hint="correct the file") from None
    if tree is None:
        return Node({}, label)
    node = _Composer(label).node(tree, 1)
    if not isinstance(node.value, dict):
        if node.value is None:
            return Node({}, label)
        raise ConfigError(
            "a config file holds names and values, found something else",
            where=f"{label}:{node.line}",
            hint="write `name: value`, one a line",
        )
    return node


def _decode(data: bytes, label: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "a config file must be UTF-8 text", where=f"{label}:{line}", hint="save the file as UTF-8"
        ) from None


def _broken(label: str, mark: Any, problem: str) -> ConfigError:
    line = f":{mark.line + 1}" if mark is not None else ""
    return ConfigError(f"broken YAML: {problem}", where=f"{label}{line}", hint="correct the line, or the one above it")


def _loader(yaml: Any) -> Any:
    """PyYAML's parser without its ideas of what a bare word means; the tag "plain" is for what has no tag."""
    parent = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return type("Loader", (parent,), {"yaml_implicit_resolvers": {}, "DEFAULT_SCALAR_TAG": "plain"})


class _Composer:
    """Makes our nodes from PyYAML's."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.count = 0
        self.open: set[int] = set()

    def node(self, tree: Any, line: int) -> Node:
        self.count += 1
        if self.count > _MOST_NODES:
            raise self.error(
                "more than 200,000 values: aliases multiply", line, "write the values out, or keep data in a data file"
            )
        if tree.id == "scalar":
            return Node(self.scalar(tree, line), self.label, line)
        self.check_tag(tree, line)
        if id(tree) in self.open:
            raise self.error("an alias stands inside its own anchor", line, "write the value out")
        self.open.add(id(tree))
        value = self.sequence(tree) if tree.id == "sequence" else self.mapping(tree)
        self.open.discard(id(tree))
        return Node(value, self.label, line)

    def scalar(self, tree: Any, line: int) -> Any:
        self.check_tag(tree, line)
        if tree.tag != "plain" or tree.style in ("'", '"', "|", ">"):
            return tree.value
        return read_scalar(tree.value)

    def check_tag(self, tree: Any, line: int) -> None:
        name = tree.tag.removeprefix("tag:yaml.org,2002:")
        if tree.tag != "plain" and name not in ("str", "seq", "map"):
            shown = tree.tag if name == tree.tag else f"!!{name}"
            raise self.error(f"the tag {shown} is not supported", line, "write the plain value")

    def sequence(self, tree: Any) -> list[Node]:
        return [self.node(item, item.start_mark.line + 1) for item in tree.value]

    def mapping(self, tree: Any) -> dict[str, Node]:
        items: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key_tree, value_tree in tree.value:
            line = key_tree.start_mark.line + 1
            if key_tree.id != "scalar":
                raise self.error("a key must be a word", line, "write `name: value`")
            key = key_tree.value
            if key == "<<" and key_tree.tag == "plain":
                merged.update(self.merged(value_tree, line))
                continue
            if key in items:
                raise self.error(
                    f"the key `{key}` is there twice, first on line {items[key].line}", line, "keep one of the two"
                )
            items[key] = self.node(value_tree, line)
        return {**merged, **items}

    def merged(self, tree: Any, line: int) -> dict[str, Node]:
        if tree.id == "sequence":
            found: dict[str, Node] = {}
            for item in reversed(tree.value):
                found.update(self.merged(item, line))
            return found
        node = self.node(tree, line)
        if not isinstance(node.value, dict):
            raise self.error("`<<` wants a mapping", line, "name an anchored mapping: <<: *name")
        return node.value

    def error(self, problem: str, line: int, hint: str) -> ConfigError:
        return ConfigError(problem, where=f"{self.label}:{line}", hint=hint)
