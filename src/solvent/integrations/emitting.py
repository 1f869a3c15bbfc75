"""Sending the events of a run while it goes on: to a file, one JSON object a line, or to an OpenLineage server."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from solvent.config.masking import masked
from solvent.integrations.openlineage import RunEvents
from solvent.model import RunRecord
from solvent.runs.stores import Stores

TIMEOUT_SECONDS = 5.0
_API_KEY = "OPENLINEAGE_API_KEY"
"""The variable from which every OpenLineage client takes its key."""


class Emitter:
    """Sends in a thread of its own, in order, so that no run waits for a server; what goes wrong is told once.

    `target` is a URL (`http` or `https`; without a path it is that of the standard API) or the path of a file.
    """

    def __init__(self, target: str, stores: Stores, notice: Callable[[str], None]) -> None:
        self._send = _Server(target) if target.startswith(("http://", "https://")) else _Lines(target, stores)
        self._stores = stores
        self._notice = notice
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="solvent-openlineage", daemon=True)
        self._thread.start()

    def begin(self, record: RunRecord) -> None:
        """Tell that a run has begun."""
        self._events.put(RunEvents(record, self._stores).begin())

    def end(self, record: RunRecord) -> None:
        """Tell what a run did, and how it ended."""
        for event in RunEvents(record, self._stores).end():
            self._events.put(event)

    def close(self) -> None:
        """Return when what was told is sent or given up."""
        self._events.put(None)
        self._thread.join()

    def _work(self) -> None:
        failed = False
        while (event := self._events.get()) is not None:
            if failed:
                continue
            try:
                self._send(event)
            except (OSError, ValueError) as error:
                failed = True
                self._notice(masked(f"OpenLineage events could not be sent: {error}; the run itself is recorded"))


class _Lines:
    def __init__(self, path: str, stores: Stores) -> None:
        self._path = os.path.join(stores.project.root, os.path.expanduser(path.removeprefix("file://")))

    def __call__(self, event: dict[str, Any]) -> None:
        os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")


class _Server:
    def __init__(self, url: str) -> None:
        from urllib.parse import urlsplit

        self._url = url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/api/v1/lineage"

    def __call__(self, event: dict[str, Any]) -> None:
        from urllib.request import Request, urlopen

        headers = {"Content-Type": "application/json"}
        if os.environ.get(_API_KEY):
            headers["Authorization"] = f"Bearer {os.environ[_API_KEY]}"
        body = json.dumps(event).encode()
        with urlopen(Request(self._url, body, headers, method="POST"), timeout=TIMEOUT_SECONDS):
            pass
