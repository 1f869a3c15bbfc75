"""Strings, bytes and notebook markup as the raw bytes they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.artifacts.sink import Sink, Source
from solvent.artifacts.tags import find_class


class _Text:
    def accepts(self, value: Any) -> bool:
        return type(value) is str

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        # Lone surrogates are legal in Python strings and must come back.
        sink.write(value.encode("utf-8", "surrogatepass"))
        return {}

    def read(self, source: Source) -> Any:
        return source.bytes().decode("utf-8", "surrogatepass")


class _Bytes:
    def accepts(self, value: Any) -> bool:
        return type(value) in (bytes, bytearray)

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        sink.write(bytes(value))
        return {"mutable": True} if type(value) is bytearray else {}

    def read(self, source: Source) -> Any:
        data = source.bytes()
        return bytearray(data) if source.meta.get("mutable") else data


_MARKUP = {"HTML": "text/html", "Markdown": "text/markdown"}


class _Markup:
    """HTML and Markdown objects of IPython that hold their text themselves."""

    def accepts(self, value: Any) -> bool:
        kind = type(value)
        return (
            kind.__module__ == "IPython.core.display"
            and kind.__name__ in _MARKUP
            and isinstance(value.data, str)
            and not value.metadata
        )

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        sink.write(value.data.encode("utf-8", "surrogatepass"))
        return {"class": type(value).__name__, "media_type": _MARKUP[type(value).__name__]}

    def read(self, source: Source) -> Any:
        kind = find_class(f"IPython.core.display:{source.meta['class']}")
        return kind(source.bytes().decode("utf-8", "surrogatepass"))


TEXT = _Text()
BYTES = _Bytes()
MARKUP = _Markup()
