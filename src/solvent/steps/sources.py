"""The ready-made step that reads a shared source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from solvent.pipelines.step import step
from solvent.sources.handle import source

Kind = Literal["pandas", "polars", "arrow"]

_KINDS = {"pandas": "pandas.DataFrame", "polars": "polars.DataFrame", "arrow": "pyarrow.Table"}


@step
def load_source(name: str, kind: Kind = "pandas", columns: Sequence[str] | None = None) -> Any:
    """Give a source of the catalogue as a table; a later run reuses it only while the source has the same version.

    NotFoundError names the nearest source; SourceError says what can't be read, and where.
    """
    return source(name, _kind(kind), columns=columns)


def _kind(kind: str) -> Any:
    return _KINDS.get(kind, kind)
