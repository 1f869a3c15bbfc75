"""What is typed on the command line: `--set a.b=1` and `--sweep a.b=1,2,3`.

A value is a bare word, a quoted string, a list `[a, b]` or a mapping `{a: 1}`; all JSON is valid too.
"""

from __future__ import annotations

from itertools import product

from solvent.config.layers import Node
from solvent.config.scalars import read_scalar
from solvent.errors import ConfigError

_FORM = "write name=value, for example --set model.depth=3"


class _Unreadable(ValueError):
    pass


def read_set(text: str, origin: str = "--set") -> Node:
    """Make a layer of one `name=value`."""
    path, value = _split(text, origin)
    node = read_value(value, origin)
    for key in reversed(path):
        node = Node({key: node}, origin)
    return node


def read_value(text: str, origin: str) -> Node:
    """Read a typed value; what only looks like a list or mapping stays text, with the reason kept."""
    text = text.strip()
    if text[:1] not in ("[", "{", '"', "'"):
        return Node(read_scalar(text), origin, text=text)
    try:
        reader = _Reader(text, origin)
        node = reader.value("")
        reader.expect_end()
    except _Unreadable as problem:
        return Node(text, origin, text=text, broken=str(problem))
    if not isinstance(node.value, str):
        node.text = text
    return node


def expand_sweeps(sweeps: list[str]) -> list[list[str]]:
    """Give the `--set` lists of all combinations, the first sweep changing slowest."""
    choices = []
    seen: set[tuple[str, ...]] = set()
    for sweep in sweeps:
        path, values = _split(sweep, "--sweep")
        if path in seen:
            raise ConfigError(
                f"--sweep names `{'.'.join(path)}` twice",
                where=f"--sweep {sweep}",
                hint="give all its values in one --sweep",
            )
        seen.add(path)
        name = sweep[: len(sweep) - len(values) - 1]
        choices.append([f"{name}={value}" for value in _split_values(values, sweep)])
    return [list(combination) for combination in product(*choices)]


def _split(text: str, origin: str) -> tuple[tuple[str, ...], str]:
    path: list[str] = []
    position = 0
    while True:
        key, position = _read_key(text, position, origin)
        path.append(key)
        if position >= len(text) or text[position] not in ".=":
            raise ConfigError(f"{origin} {_start(text)}: expected name=value", hint=_form(origin))
        if text[position] == "=":
            return tuple(path), text[position + 1 :]
        position += 1


def _read_key(text: str, position: int, origin: str) -> tuple[str, int]:
    if text[position : position + 1] in ('"', "'"):
        reader = _Reader(text, origin, position)
        try:
            return reader.quoted(), reader.position
        except _Unreadable as problem:
            raise ConfigError(f"{origin} {_start(text)}: {problem}", hint=_form(origin)) from None
    end = position
    while end < len(text) and text[end] not in ".=":
        end += 1
    key = text[position:end].strip()
    if not key:
        raise ConfigError(f"{origin} {_start(text)}: a name is empty", hint=_form(origin))
    return key, end


def _start(text: str) -> str:
    """The name alone: the value may be a secret typed by mistake."""
    return text.partition("=")[0] or repr(text)


def _form(origin: str) -> str:
    return _FORM if origin == "--set" else "write name=value,value, for example --sweep model.depth=3,5,8"


def _split_values(text: str, sweep: str) -> list[str]:
    reader = _Reader(text, "--sweep")
    values = []
    try:
        while True:
            start = reader.position
            reader.value(",")
            values.append(text[start : reader.position].strip())
            if not reader.take(","):
                break
        reader.expect_end()
    except _Unreadable as problem:
        raise ConfigError(f"--sweep {_start(sweep)}: {problem}", hint=_form("--sweep")) from None
    if not all(values):
        raise ConfigError(f"--sweep {_start(sweep)}: a value is empty", hint=_form("--sweep"))
    return values


class _Reader:
    """Reads one value from left to right."""

    def __init__(self, text: str, origin: str, position: int = 0) -> None:
        self.text = text
        self.origin = origin
        self.position = position

    def value(self, stops: str) -> Node:
        """Read a value that ends before one of `stops`, or at the end of the text."""
        self.skip_space()
        letter = self.text[self.position : self.position + 1]
        if letter == "[":
            return self.sequence()
        if letter == "{":
            return self.mapping()
        if letter and letter in "\"'":
            return Node(self.quoted(), self.origin)
        word = self.word(stops)
        return Node(read_scalar(word), self.origin, text=word)

    def sequence(self) -> Node:
        self.position += 1
        items: list[Node] = []
        while not self.take("]"):
            items.append(self.element(",]"))
            if not self.take(",") and not self.at("]"):
                raise _Unreadable(f"a list must end with ] (column {self.position + 1})")
        return Node(items, self.origin)

    def mapping(self) -> Node:
        self.position += 1
        items: dict[str, Node] = {}
        while not self.take("}"):
            key = self.key()
            if key in items:
                raise _Unreadable(f"the key {key!r} is there twice")
            items[key] = self.element(",}")
            if not self.take(",") and not self.at("}"):
                raise _Unreadable(f"a mapping must end with }} (column {self.position + 1})")
        return Node(items, self.origin)

    def element(self, stops: str) -> Node:
        start = self.position
        node = self.value(stops)
        if self.text[start : self.position].strip() == "":
            raise _Unreadable(f"a value is missing (column {start + 1})")
        return node

    def key(self) -> str:
        self.skip_space()
        key = self.quoted() if self.text[self.position : self.position + 1] in ('"', "'") else self.word(":,}")
        if not self.take(":"):
            raise _Unreadable(f"a key must be followed by a colon (column {self.position + 1})")
        return key

    def word(self, stops: str) -> str:
        start = self.position
        while self.position < len(self.text) and self.text[self.position] not in stops:
            self.position += 1
        return self.text[start : self.position].strip()

    def quoted(self) -> str:
        if self.text[self.position] == "'":
            return self.single_quoted()
        import json

        try:
            value, self.position = json.JSONDecoder().raw_decode(self.text, self.position)
        except json.JSONDecodeError:
            raise _Unreadable(f"a quote is not closed (column {self.position + 1})") from None
        return str(value)

    def single_quoted(self) -> str:
        parts, start = [], self.position
        while True:
            end = self.text.find("'", self.position + 1)
            if end < 0:
                raise _Unreadable(f"a quote is not closed (column {start + 1})")
            parts.append(self.text[self.position + 1 : end])
            self.position = end + 1
            if self.text[end + 1 : end + 2] != "'":
                return "'".join(parts)
            self.position = end + 1

    def take(self, letter: str) -> bool:
        found = self.at(letter)
        self.position += found
        return found

    def at(self, letter: str) -> bool:
        self.skip_space()
        return self.text.startswith(letter, self.position)

    def skip_space(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1

    def expect_end(self) -> None:
        self.skip_space()
        if self.position < len(self.text):
            raise _Unreadable(f"nothing may follow the value (column {self.position + 1})")
