"""What a server does before it has workers, and how it tells what happens."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from solvent.serving.control import Control, read_control, write_control
from solvent.serving.folder import ANNOTATIONS
from solvent.serving.keys import read_keys, require_keys
from solvent.serving.options import settings_of
from solvent.serving.sockets import bind, bind_file, url_of
from solvent.serving.supervisor import Order, Supervisor

Tell = Callable[[Mapping[str, Any]], None]


class ControlFile:
    """A control file of our own. Whoever cleans folders of temporary files may take it away: then it is written again."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.control: Control | None = None

    def write(self, control: Control) -> None:
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        write_control(self.path, control)
        self.control = control

    def keep(self) -> None:
        """Write it again if it is gone."""
        if self.control is not None and not os.path.exists(self.path):
            self.write(self.control)


def serve(
    given: Namespace,
    control: str,
    *,
    prepare: Callable[[], None] = lambda: None,
    hear: Tell = lambda event: None,
    single: bool = False,
) -> int:
    """Serve what a control file says as the options ask for, until stopped; give the exit code.

    `hear` is given all events too, and `prepare` is called before a process starts. With `single`, one worker is this very
    process.
    """
    settings, keys = settings_of(given), read_keys(given.keys_file)
    if given.socket is None:
        require_keys(given.host, keys, allow_anyone=given.allow_anyone_on_the_network)
    keys_file = given.keys_file and os.path.abspath(given.keys_file)
    order = Order(os.path.abspath(control), settings, keys_file)
    count = given.workers or count_workers(control)
    with bind_file(given.socket) if given.socket else bind(given.host, given.port) as listening:
        tell = printer(listening, given.json, hear)
        try:
            if count > 1 or not single:
                with tempfile.TemporaryDirectory(prefix="solvent-counts-", ignore_cleanup_errors=True) as counts:
                    order = replace(order, counts_folder=counts if count > 1 else "")
                    return Supervisor(listening, order, count, tell, prepare).run()
            from solvent.serving.process import work

            work(listening, order, tell)
            return 0
        finally:
            if given.socket:
                with suppress(OSError):
                    os.unlink(given.socket)


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


def printer(listening: socket.socket, as_json: bool, hear: Tell) -> Tell:
    """Make what tells events to people, a line each, or to programs, a JSON object each, and to `hear`."""
    url, news = url_of(listening), News()

    def tell(event: Mapping[str, Any]) -> None:
        for each in news.take(event):
            hear(each)
            text = json.dumps({**each, "url": url}, ensure_ascii=False) if as_json else words_of(each, url)
            print(text, file=sys.stderr if not as_json and each["event"] in BAD else sys.stdout, flush=True)

    return tell


BAD = frozenset({"refused", "died", "gave up"})


class News:
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
