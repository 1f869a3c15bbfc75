"""Digests of files by their state, remembered in the metadata store."""

from __future__ import annotations

import threading
from typing import Any

from solvent.metadata.store import MetadataStore


class StoreMemo:
    """A FileMemo over one metadata connection; new digests wait here until the writer stores them."""

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata
        self._known: dict[tuple[Any, ...], str | None] = {}
        self._new: list[tuple[tuple[Any, ...], str]] = []
        self._lock = threading.Lock()

    def get(self, state: tuple[Any, ...]) -> str | None:
        if state not in self._known:
            self._known[state] = self._metadata.recall_file(state)
        return self._known[state]

    def put(self, state: tuple[Any, ...], digest: str) -> None:
        with self._lock:
            self._known[state] = digest
            self._new.append((state, digest))

    def take_new(self) -> list[tuple[tuple[Any, ...], str]]:
        """Give what is not stored yet, and forget that it was not."""
        if not self._new:
            return []
        with self._lock:
            new, self._new = self._new, []
        return new
