"""What a server does before it has workers, and how it tells what happens."""

from __future__ import annotations

import json
import os
import socket
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from solvent.serving.control import read_control
from solvent.serving.folder import ANNOTATIONS
from solvent.serving.sockets import bind, bind_file, url_of

Tell = Callable[[Mapping[str, Any]], None]


def listen(options: Namespace) -> socket.socket:
    """Bind what the options name; BundleError says why that can't be had."""
    return bind_file(options.socket) if options.socket else bind(options.host, options.port)


def measured(control: str) -> Mapping[str, Any]:
    """Read how the first model is best served, as its verification found; empty if that is not known."""
    folder = read_control(control).live[0].folder
    try:
        with open(os.path.join(folder, ANNOTATIONS), encoding="utf-8") as file:
            found = json.load(file)["serving"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def count_workers(control: str) -> int:
    """Give the number of processes that was measured to be best for the first model, at most one for each processor."""
    found = measured(control).get("workers")
    return max(1, min(found, os.cpu_count() or 1)) if isinstance(found, int) else 1


def printer(listening: socket.socket, as_json: bool) -> Tell:
    """Make what tells events to people, a line each, or to programs, a JSON object each."""
    url, told = url_of(listening), Told()

    def tell(event: Mapping[str, Any]) -> None:
        for each in told.take(event):
            text = json.dumps({**each, "url": url}, ensure_ascii=False) if as_json else words_of(each, url)
            print(text, file=sys.stderr if not as_json and each["event"] in BAD else sys.stdout, flush=True)

    return tell


BAD = frozenset({"refused", "died", "gave up"})


class Told:
    """What several workers tell, once each: one is ready, all serve the same models, one refuses a model."""

    def __init__(self) -> None:
        self._serving: dict[int, Any] = {}
        self._ready = False
        self._shown: Any = None
        self._refused: set[tuple[str, str, str]] = set()

    def take(self, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take an event of a worker; give what is new by it."""
        kind, pid = event["event"], event.get("pid", 0)
        if kind == "serving":
            self._serving[pid] = event["models"]
            return self._news("serving") if self._ready else []
        if kind == "ready":
            first, self._ready = not self._ready, True
            return self._news("ready") if first else []
        if kind == "refused":
            known = (event["name"], event["version"], event["error"])
            if known in self._refused:
                return []
            self._refused.add(known)
        if kind == "died":
            self._serving.pop(pid, None)
            return [dict(event), *self._news("serving")]
        return [dict(event)]

    def _news(self, kind: str) -> list[dict[str, Any]]:
        """Tell which models are served when all workers have the same, and others than were told."""
        served = list(self._serving.values())
        if not served or any(each != served[0] for each in served) or served[0] == self._shown:
            return []
        self._shown = served[0]
        self._refused.clear()
        return [{"event": kind, "models": served[0]}]


def words_of(event: Mapping[str, Any], url: str) -> str:
    """Tell an event in a line."""
    kind = event["event"]
    if kind in ("ready", "serving"):
        models = " and ".join(map(_model, event["models"]))
        return f"serving {models} at {url}" if kind == "ready" else f"now serving {models}"
    if kind == "refused":
        name = " ".join(each for each in (event["name"], event["version"]) if each)
        return f"solvent: {name} is not served, and what was before is kept: {event['error']}"
    if kind == "died":
        return f"solvent: worker {event['pid']} ended with {_ending(event['code'])}"
    if kind == "gave up":
        return f"solvent: {event['after']} workers in a row ended before they were ready: giving up"
    return "stopped" if kind == "stopped" else str(event.get("text", kind))


def _model(each: Mapping[str, Any]) -> str:
    version = f" {each['version']}" if each["version"] else ""
    share = f" to {each['percent']:g} %" if each["percent"] else ""
    return f"{each['name']}{version} (bundle {each['digest'][:12]}){share}"


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
