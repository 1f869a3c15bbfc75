"""Digests of files by their state, remembered in the metadata store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from solvent.fingerprint.files import process_memo
from solvent.metadata.store import MetadataStore


class StoreMemo:
    """A FileMemo over one metadata connection; new digests wait here until the writer stores them.

    What it knows the process knows too: a file that a step gives back was often among its inputs.
    """

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata
        self._known: dict[tuple[Any, ...], str | None] = {}
        self._new: list[tuple[tuple[Any, ...], str]] = []
        self._lock = threading.Lock()

    def get(self, state: tuple[Any, ...]) -> str | None:
        return self.get_many([state]).get(state)

    def get_many(self, states: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
        unknown = [state for state in states if state not in self._known]
        if unknown:
            found = self._metadata.recall_files(unknown)
            for state in unknown:
                self._learn(state, found.get(state))
        return {state: digest for state in states if (digest := self._known[state]) is not None}

    def put(self, state: tuple[Any, ...], digest: str) -> None:
        with self._lock:
            self._learn(state, digest)
            self._new.append((state, digest))

    def _learn(self, state: tuple[Any, ...], digest: str | None) -> None:
        self._known[state] = digest
        if digest is not None:
            process_memo.note(state, digest)

    def take_new(self) -> list[tuple[tuple[Any, ...], str]]:
        """Give what is not stored yet, and forget that it was not."""
        if not self._new:
            return []
        with self._lock:
            new, self._new = self._new, []
        return new
