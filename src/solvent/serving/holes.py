"""What stands in a stored argument for a value that is known only when a request is served."""

from __future__ import annotations

from dataclasses import dataclass

REQUEST, CALL, FROZEN = "request", "call", "frozen"


@dataclass(frozen=True, slots=True)
class Hole:
    """The place of a value: `kind` is request, call (what call `index` of the program gave) or frozen (artifact `index`).

    `path` is the way inside it: declared fields by name, elements by number.
    """

    kind: str
    index: int = 0
    path: tuple[str | int, ...] = ()
