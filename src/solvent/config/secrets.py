"""Secrets by reference: what is written down, stored, shown and hashed is where the value is, never the value."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Any

from solvent.config.masking import learn, learn_urls, unquoted
from solvent.errors import ConfigError

_FORM = "write env:NAME for an environment variable or file:PATH for a file"


_LARGEST_BYTES = 1 << 16
_SECRET_OPTIONS = ("key", "secret", "token", "pass", "sig", "credential", "connection_string")


def _at_once(read: Callable[[], Any]) -> Any:
    return read()


apart: Callable[[Callable[[], Any]], Any] = _at_once
"""How a secret is read: a run puts that here which keeps the file from counting as one that the step read."""

announce: Callable[[str], object] = len
"""Gets each reference that a secret is made of; a worker tells its runner."""


class Secret:
    """A reference to a secret: `env:NAME` or `file:PATH`; its value is given by `reveal()` alone and stored nowhere.

    Where this process records or shows a text, the value is replaced by `***`.
    """

    __slots__ = ("_reference",)

    _reference: str

    def __init__(self, reference: str) -> None:
        if not is_reference(reference):
            raise ConfigError("a secret is given by reference, found something else (not shown)", hint=_FORM)
        object.__setattr__(self, "_reference", reference)
        know(reference)
        announce(reference)

    @property
    def reference(self) -> str:
        return self._reference

    def reveal(self) -> str:
        """Read the value now; a file loses the line break at its end."""
        value = _read(self._reference)
        learn(value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Secret can't be changed ({name})")

    def __repr__(self) -> str:
        return f"Secret({self._reference!r})"

    def __str__(self) -> str:
        return self._reference

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._reference == self._reference

    def __hash__(self) -> int:
        return hash((Secret, self._reference))

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (self._reference,)


def read_url(reference: str) -> str:
    """Read a URL by its reference: its secrets are masked from now on; host and path may be shown, as errors must."""
    value = _read(reference)
    _, _, rest = value.partition("://")
    if not rest:
        learn(value)
        return value
    learn_urls(value)
    user, at, _ = rest.partition("@")
    if at and ":" in user:
        learn(f"{user}@")
    for option in rest.partition("?")[2].split("&"):
        name, _, given = option.partition("=")
        if any(word in name.lower() for word in _SECRET_OPTIONS):
            learn(given)
            learn(unquoted(given))
    return value


def know(reference: str) -> None:
    """Mask what a reference leads to from now on, if that can be read without a trace; a pipe would be read empty."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        learn(os.environ.get(name, ""))
        return
    try:
        state = os.stat(os.path.expanduser(name))
        if stat.S_ISREG(state.st_mode) and state.st_size <= _LARGEST_BYTES:
            learn(apart(lambda: _from_file(name)))
    except (OSError, ValueError, ConfigError):
        return


def is_reference(text: object) -> bool:
    """Whether a text names a place where a secret may be."""
    if not isinstance(text, str):
        return False
    kind, _, name = text.partition(":")
    return kind in ("env", "file") and bool(name.strip())


def _read(reference: str) -> str:
    kind, _, name = reference.partition(":")
    if kind == "env":
        return _from_environment(name)
    value: str = apart(lambda: _from_file(name))
    return value


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigError(
            f"the environment variable {name} of a secret is not set", hint=f"set {name} before the run starts"
        )
    return value


def _from_file(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return file.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(
            f"the file {path} of a secret can't be read: {reason}", hint="check the path after file:"
        ) from None
