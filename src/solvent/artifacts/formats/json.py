"""Scalars, containers, records and enums as tagged JSON; parts of other kinds are artifacts of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.artifacts.sink import Sink, Source, Unsuitable
from solvent.artifacts.tagged import PLAIN, decode, encode, tagged
from solvent.artifacts.tags import find_encoder

MOST_PICKLED = 64
"""A collection with more pickled parts than this is pickled whole."""


class _Json:
    def accepts(self, value: Any) -> bool:
        kind = type(value)
        return kind in PLAIN or kind in (list, dict) or find_encoder(kind) is not None

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        pickled = 0

        def leaf(part: Any, path: str) -> Any:
            nonlocal pickled
            if part is value:
                raise Unsuitable("no tag fits this value")
            number = sink.child(part, path)
            pickled += sink.children[number].format == "pickle"
            if pickled > MOST_PICKLED:
                raise Unsuitable(f"more than {MOST_PICKLED} of its parts can only be pickled")
            return tagged("child", number)

        sink.write(encode(value, leaf, sink.path))
        return {}

    def read(self, source: Source) -> Any:
        return decode(source.bytes(), source.child)


JSON = _Json()
