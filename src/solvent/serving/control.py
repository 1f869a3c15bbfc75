"""The control file: what the workers of a server are to serve, replaced as a whole whenever that changes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from solvent.errors import BundleError

HEADER = "header:"
"""`header:NAME` as a key means a header of the request, any other name a column."""


@dataclass(frozen=True, slots=True)
class Place:
    """One model in a server: `name` is what it is there for (its alias), `percent` its share of the keys.

    `folder` is that of its bundle and `digest` the bundle's; the first place of a control takes what the others leave.
    """

    name: str
    folder: str
    digest: str
    version: str = ""
    percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Control:
    """What to serve. `live` answer, `shadow` is asked too and answers nobody; `key` says what requests are split by.

    `former` is what was served before: a worker that can't load a place goes on with, or starts with, its former one.
    """

    live: tuple[Place, ...]
    shadow: Place | None = None
    key: str = ""
    former: tuple[Place, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        return self.live if self.shadow is None else (*self.live, self.shadow)

    def former_of(self, name: str) -> Place | None:
        return next((each for each in self.former if each.name == name), None)

    def settled(self) -> Control:
        """Give the same without what was before."""
        return replace(self, former=())


def write_control(path: str, control: Control) -> None:
    """Replace the file: whoever reads it sees the former one or this, and never a part."""
    part = f"{path}.{os.getpid()}.part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(asdict(control), file)
    os.replace(part, path)


def read_control(path: str) -> Control:
    """Read what `write_control` wrote; BundleError if it is not that."""
    try:
        with open(path, encoding="utf-8") as file:
            tree = json.load(file)
        live = tuple(map(_place, tree["live"]))
        shadow = None if tree.get("shadow") is None else _place(tree["shadow"])
        former = tuple(map(_place, tree.get("former", ())))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"the control file can't be read: {error}", where=path) from error
    if not live:
        raise BundleError("the control file names no model", where=path)
    return Control(live, shadow, tree.get("key", ""), former)


def state_of(path: str) -> tuple[int, int, int] | None:
    """Give what changes whenever the file is replaced; None while there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _place(tree: Mapping[str, Any]) -> Place:
    return Place(**tree)
