"""The sources of one run: the catalogue as it was when the run began, and the versions that are known so far."""

from __future__ import annotations

import json
import pickle
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.config.masking import masked
from solvent.errors import SolventError
from solvent.fingerprint.structure import digest
from solvent.sources.catalogue import Catalogue, read_catalogue
from solvent.sources.places import reader_of
from solvent.sources.records import UNVERSIONED, Opened, Reader

if TYPE_CHECKING:
    from solvent.config.project import Project
    from solvent.model import FileMemo, StepContext

_LONGEST = 80


class Watched(NamedTuple):
    """A lazy reading that may still go on: whether its source is what it was is looked at when the step ends."""

    name: str
    opened: Opened


class Sources:
    """Names, versions and readers of the sources of one run.

    Each version is asked for once, so that a thousand steps cost one question.
    """

    def __init__(self, catalogue: Catalogue, root: str, memo: FileMemo | None = None, nonce: str = "") -> None:
        self.catalogue = catalogue
        self.root = root
        self.memo = memo
        self._nonce = nonce or secrets.token_hex(8)
        self._tokens: dict[str, str] = {}
        self._lock = threading.RLock()

    def token(self, name: str) -> str:
        """Give the version of a source, asked for at the first call; SourceError if it can't be told."""
        with self._lock:
            if name not in self._tokens:
                reader = self.reader(name)
                self._tokens[name] = self.token_of(name, reader, apart(reader.version))
            return self._tokens[name]

    def token_or_none(self, name: str) -> str | None:
        """Give the version of a source, or None if it is gone or can't be reached."""
        try:
            return self.token(name)
        except SolventError:
            return None

    def reader(self, name: str) -> Reader:
        """Give what reads a source; NotFoundError names the nearest one."""
        return reader_of(self.catalogue.find(name), self.root, self.memo)

    def token_of(self, name: str, reader: Reader, version: str) -> str:
        """Give the token of a version: with it, how the source is read, and where it is unless the content tells."""
        entry = self.catalogue.find(name)
        told = masked(version)
        if len(told) > _LONGEST:
            told = f"{told[:_LONGEST]}... {digest('version', version)[:16]}"
        if version == UNVERSIONED:
            return f"{UNVERSIONED} {self._nonce}"
        written = json.dumps([entry.format, dict(entry.options), dict(entry.columns)], sort_keys=True, default=str)
        return f"{told} {digest('source', written, reader.place)[:16]}"

    def dumped(self) -> bytes:
        """Give what a worker needs to read the same."""
        return pickle.dumps((self.catalogue, self.root, self._nonce))


def loaded(dumped: bytes) -> Sources:
    """Make in a worker what `dumped` gave in the runner."""
    from solvent.fingerprint.files import process_memo

    catalogue, root, nonce = pickle.loads(dumped)
    return Sources(catalogue, root, process_memo, nonce)


def open_sources(project: Project, profile: str | None = None, memo: FileMemo | None = None) -> Sources:
    """Read the catalogue of a project."""
    settings = project.settings
    profile = profile or settings.profile
    return Sources(
        read_catalogue(project.root, settings.config_folder, profile, project.config_cache), project.root, memo
    )


class Reading:
    """One execution of a step: what of the sources it reads is noted in its context."""

    def __init__(self, sources: Sources, context: StepContext | None) -> None:
        self.sources = sources
        self.context = context
        self.watched: list[Watched] = []

    def note(self, name: str, token: str) -> None:
        if self.context is not None:
            self.context.observe("source", name, token)


current: ContextVar[Reading | None] = ContextVar("solvent_sources", default=None)
_running: list[Reading] = []


def _at_once(work: Callable[[], Any]) -> Any:
    return work()


apart: Callable[[Callable[[], Any]], Any] = _at_once
"""How a source's files are read: a run puts that here which keeps them from counting as files that the step read."""


def now() -> Reading | None:
    """Give the execution that reads: of this thread, else the only one that this process is at."""
    found = current.get()
    if found is None and len(_running) == 1:
        return _running[0]
    return found


def _check_watched(here: Reading) -> None:
    from solvent.sources.handle import check_unchanged

    def check() -> None:
        for name, opened in here.watched:
            check_unchanged(name, opened)

    apart(check)


@contextmanager
def reading(sources: Sources, context: StepContext | None) -> Iterator[Reading]:
    """Let what the block reads of sources be that of a run, noted in the context of the step."""
    here = Reading(sources, context)
    token = current.set(here)
    _running.append(here)
    try:
        yield here
        _check_watched(here)
    finally:
        _running.remove(here)
        current.reset(token)
