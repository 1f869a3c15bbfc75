"""The identity of Matplotlib figures: what they look like, since their objects change whenever one looks at them."""

from __future__ import annotations

import io
from typing import Any

from solvent.fingerprint.walk import Walk
from solvent.model import Identity


def identify_figure(walk: Walk, value: Any) -> Identity:
    """Return the identity of a figure: figures that are drawn alike are equal."""
    return walk.make("figure", value, draw(value, "svg"))


def draw(figure: Any, kind: str) -> bytes:
    """Draw as "svg" or "png" without date and random ids: equal figures give equal bytes."""
    import matplotlib

    out = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with matplotlib.rc_context({"svg.hashsalt": "solvent"}):
        figure.savefig(out, format=kind, metadata=metadata)
    return out.getvalue()
