"""`source` reads a table of the catalogue inside a step; a `Source` names one, for arguments and config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from solvent.errors import AuthoringError, SourceError
from solvent.pipelines.context import context, tracer
from solvent.sources.session import Opened, Reading, Sources, Watched, apart, now, open_sources

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_MODULE = __name__
