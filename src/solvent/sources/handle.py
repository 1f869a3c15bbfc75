"""`source` reads a table of the catalogue by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from solvent.errors import AuthoringError, SourceError
from solvent.pipelines.context import context, tracer
from solvent.sources import session
from solvent.sources.catalogue import Catalogue
from solvent.sources.records import Opened, Reader
from solvent.sources.session import Reading, Sources, Watched, open_sources

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


@overload
def source(name: str, *, columns: Sequence[str] | None = None, where: Any = None) -> pd.DataFrame: ...


@overload
def source(name: str, kind: type[T], *, columns: Sequence[str] | None = None, where: Any = None) -> T: ...


def source(name: str, kind: Any = None, *, columns: Sequence[str] | None = None, where: Any = None) -> Any:
    """Read a source of the catalogue as pandas, or as `kind`: a frame of polars, a LazyFrame, an Arrow table, a DuckDB
    relation, or `Batches` for what is larger than memory.

    In a step the version that was read is on record, and a later run reuses the step only while the source still has it.
    `where` keeps rows: [("month", "==", 3)] or an expression of pyarrow. NotFoundError names the nearest source;
    SourceError says what can't be read, and where.
    """
    if tracer.get() is not None:
        raise AuthoringError(
            f"source({name!r}) is read in the body of a pipeline, where nothing is recorded",
            hint=f"read it in a step, or use the ready-made one: load_source({name!r}) of solvent.steps",
        )
    reading = session.now() or _outside()
    reader = reading.sources.reader(name)

    def read() -> Any:
        return _read(reading, reader, name, kind, columns, where)

    # What a function of the project reads counts as read by the step.
    return read() if reader.kind == "function" else session.apart(read)


def _outside() -> Reading:
    """Give what reads for nobody's record: a notebook, a script, a step that is called as a plain function."""
    if context.get() is not None:
        return Reading(Sources(Catalogue({}, "configs/sources.yaml", there=False), ""), None)
    from solvent.config.project import Project

    return Reading(open_sources(Project.find()), None)


def _read(reading: Reading, reader: Reader, name: str, kind: Any, columns: Any, where: Any) -> Any:
    from solvent.sources.delivery import deliver, require_pyarrow

    require_pyarrow(name)
    opened = reader.open()
    reading.note(name, reading.sources.token_of(name, reader, opened.version))
    found, lazy = deliver(opened.data, kind, columns, where, name)
    if lazy:
        reading.watched.append(Watched(name, opened))
    else:
        check_unchanged(name, opened)
    return found


def read_source(sources: Sources, name: str, kind: Any) -> Any:
    """Read a source for nobody's record."""
    return _read(Reading(sources, None), sources.reader(name), name, kind, None, None)


def check_unchanged(name: str, opened: Opened) -> None:
    """Refuse what was read of a source that is another one now: no version would be true of it."""
    if not opened.unchanged():
        raise SourceError(
            f"source `{name}` changed while it was read", hint="run again when whoever writes it has finished"
        )
