"""Stored tables as Arrow tables, large ones a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from solvent.artifacts.saving import load_pieces
from solvent.runs.stores import Stores
from solvent.runs.views import Artifact

if TYPE_CHECKING:
    import pyarrow

_PIECE_ROWS = 1 << 17


def read_tables(artifact: Artifact, stores: Stores, *, loose: bool = False) -> Iterator[pyarrow.Table] | None:
    """Give a stored table or array as Arrow tables, in order and at least one; None for anything else.

    A large one is never in memory as a whole. Bytes that are missing are made again first. A column that has no value in
    one piece may be of another type there. Cells that Arrow can't hold come as text if `loose`; else FormatError names them.
    """
    from solvent.profiles.rows import as_arrow
    from solvent.runs.mend import with_bytes

    reference = with_bytes(artifact.ref, stores)
    pieces = load_pieces(reference, stores.blobs, _PIECE_ROWS)
    if pieces is None:
        whole = as_arrow(artifact.value(), loose=loose)
        return None if whole is None else iter((whole,))
    return _arrow(pieces, loose)


def _arrow(pieces: Iterator[Any], loose: bool) -> Iterator[pyarrow.Table]:
    from solvent.profiles.rows import as_arrow

    for piece in pieces:
        table = as_arrow(piece, loose=loose)
        if table is not None:
            yield table
