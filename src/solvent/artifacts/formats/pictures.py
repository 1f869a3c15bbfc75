"""Matplotlib figures as SVG, or PNG when that is much smaller; images of Pillow with their pixels as PNG.

A figure is made to be looked at: it comes back as a `Picture`, the only value that changes its type.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from solvent.artifacts.sink import Sink, Source, Unsuitable
from solvent.artifacts.tagged import Decoder, Encoder, refuse
from solvent.artifacts.tags import find_class
from solvent.errors import FormatError
from solvent.fingerprint.figures import draw

MOST_SVG_BYTES = 1 << 20
"""A figure with so many points that its SVG is larger is kept as PNG."""

_PNG_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16")


class Picture(NamedTuple):
    """A stored figure: its bytes and their media type. Notebooks show it."""

    data: bytes
    media_type: str

    def _repr_svg_(self) -> str | None:
        return self.data.decode() if self.media_type == "image/svg+xml" else None

    def _repr_png_(self) -> bytes | None:
        return self.data if self.media_type == "image/png" else None


class _Figure:
    def accepts(self, value: Any) -> bool:
        return any(base.__module__ == "matplotlib.figure" and base.__name__ == "Figure" for base in type(value).__mro__)

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        media_type, data = "image/svg+xml", draw(value, "svg")
        if len(data) > MOST_SVG_BYTES:
            media_type, data = "image/png", draw(value, "png")
        sink.write(data)
        return {"media_type": media_type}

    def read(self, source: Source) -> Any:
        return Picture(source.bytes(), source.meta["media_type"])


class _Image:
    def accepts(self, value: Any) -> bool:
        return (
            type(value).__module__.partition(".")[0] == "PIL" and hasattr(value, "tobytes") and hasattr(value, "mode")
        )

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        kind = type(value)
        # Pillow's own state: info, mode, size, palette, pixels, then what a subclass adds.
        state = list(value.__getstate__())
        pixels, state[4] = state[4], None
        try:
            tree = Encoder(refuse, sink.path).tree(state)
        except FormatError as error:
            raise Unsuitable(f"it holds what has no safe format: {error.problem}") from error
        png = value.mode in _PNG_MODES and all(value.size)
        sink.write(_encode_png(value) if png else pixels)
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "state": tree, "png": png}

    def read(self, source: Source) -> Any:
        from PIL import Image

        data = source.bytes()
        state = Decoder().value(source.meta["state"])
        state[4] = Image.open(io.BytesIO(data)).tobytes() if source.meta["png"] else data
        kind = find_class(source.meta["class"])
        value = kind.__new__(kind)
        value.__setstate__(state)
        return value


def _encode_png(value: Any) -> bytes:
    """Write the pixels alone: a comment, a profile or a resolution goes into the notes."""
    bare = value.copy()
    bare.info = {}
    out = io.BytesIO()
    bare.save(out, format="png")
    return out.getvalue()


FIGURE = _Figure()
IMAGE = _Image()
