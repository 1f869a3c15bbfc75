"""The sources of the run that this process is at, opened only where a project has a catalogue."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from solvent.config.project import Project
from solvent.model import FileMemo, StepContext
from solvent.runs import witness

if TYPE_CHECKING:
    from solvent.sources.session import Sources

_open: dict[str, Sources | None] = {}
_loaded: tuple[bytes, Sources | None] = (b"", None)


def begin(project: Project, profile: str | None, memo: FileMemo | None) -> None:
    """Read the catalogue for a new run, if there is one; each source's version is asked for once from here on."""
    folder = os.path.join(project.root, project.settings.config_folder)
    there = any(os.path.isfile(os.path.join(folder, f"sources{ending}")) for ending in (".yaml", ".yml"))
    _open[str(project.root)] = _session().open_sources(project, profile, memo) if there else None


def known(root: str) -> Sources | None:
    """Give the sources of the run that is under way in a project."""
    if root not in _open:
        begin(Project.find(root), None, None)
    return _open[root]


def dumped(root: str) -> bytes:
    """Give what a worker needs to read the same sources."""
    sources = known(root)
    return sources.dumped() if sources is not None else b""


def loaded(given: bytes) -> Sources | None:
    """Make the sources of a ticket, once for all tickets of a run."""
    global _loaded
    if _loaded[0] != given:
        _loaded = given, _session().loaded(given) if given else None
    return _loaded[1]


def reading(sources: Sources | None, context: StepContext) -> AbstractContextManager[Any]:
    """Let the sources that a step reads be noted in its context."""
    return nullcontext() if sources is None else _session().reading(sources, context)


def token_now(name: str, root: str) -> str:
    """Give the version that a source has now, or "" if it is gone or out of reach."""
    sources = known(root)
    return (sources.token_or_none(name) if sources is not None else None) or ""


def _session() -> Any:
    from solvent.sources import session

    session.apart = witness.quietly
    return session
