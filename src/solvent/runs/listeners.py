"""Those who are told when a run begins and how it ended; they are other floors' business and found by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from solvent.config.masking import learn_urls
from solvent.config.secrets import is_reference, read_url
from solvent.errors import ConfigError
from solvent.model import RunRecord
from solvent.plugins.registry import Plugin, Registry
from solvent.runs.stores import Stores

LISTENERS = Registry("solvent.listeners", {"openlineage": Plugin("solvent.integrations.emitting:Emitter")}, ConfigError)


class Listener(Protocol):
    """Is told of one run on the thread of the run; what it has open it gives back at `close`."""

    def begin(self, record: RunRecord) -> None: ...

    def end(self, record: RunRecord) -> None: ...

    def close(self) -> None: ...


class Listeners:
    """Those whom the project's settings name. What goes wrong with one of them is told and fails no run."""

    def __init__(self, stores: Stores, notice: Callable[[str], None]) -> None:
        self._notice = notice
        target = stores.project.settings.openlineage
        self._all: list[Listener] = []
        if target:
            if is_reference(target) and not target.startswith("file://"):
                target = read_url(target)
            learn_urls(target)
            self._all.append(LISTENERS.load("openlineage")(target, stores, notice))

    def begin(self, record: RunRecord) -> None:
        """Tell that a run has begun."""
        self._tell(lambda listener: listener.begin(record))

    def end(self, record: RunRecord) -> None:
        """Tell how a run ended, once all of it is in the store."""
        self._tell(lambda listener: listener.end(record))

    def close(self) -> None:
        self._tell(lambda listener: listener.close())

    def _tell(self, word: Callable[[Listener], None]) -> None:
        for listener in self._all:
            try:
                word(listener)
            except Exception as error:
                self._notice(f"{type(listener).__name__}: {type(error).__name__}: {error}; the run itself is recorded")
