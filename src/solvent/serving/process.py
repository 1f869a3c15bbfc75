"""One serving process: it answers on a socket that it was given, follows the control file, and stops when it is told."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

from solvent.errors import BundleError, SolventError
from solvent.serving.environment import installed, normal_name, open_fitting
from solvent.serving.keys import read_keys
from solvent.serving.launch import measured
from solvent.serving.settings import with_measured
from solvent.serving.sockets import BACKLOG
from solvent.serving.supervisor import Order, order_from

if TYPE_CHECKING:
    from uvicorn import Server

    from solvent.serving.app import App
    from solvent.serving.control import Place
    from solvent.serving.folder import Bundle
    from solvent.serving.model import Model
    from solvent.serving.swap import Swap

Tell = Callable[[Mapping[str, Any]], None]

KEEP_ALIVE_SECONDS = 75
"""Longer than the 60 s after which proxies give up idle connections: who closes first must not be the server."""
ACCEPTED_AT_ONCE = 4
"""A worker takes few connections at a time, so that those who come together are spread over all workers."""


def main(arguments: Sequence[str]) -> int:
    """Be one worker of several: the socket and the way to the supervisor are inherited, the order comes from there."""
    listening, channel = (socket.socket(fileno=int(each)) for each in arguments)
    with channel.makefile("rb") as reader:
        line = reader.readline()
    if not line:
        return 1
    try:
        work(listening, order_from(line), teller(channel), channel)
    except SolventError as error:
        print(f"solvent: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def work(listening: socket.socket, order: Order, tell: Tell, lifeline: socket.socket | None = None) -> None:
    """Serve what the control file says until told to stop; SolventError if there is nothing that it can serve.

    `tell` is given events; `lifeline` is a socket at whose end the process that started this one is gone.
    """
    from solvent.config.threads import limit_threads

    # One request is a few rows: several numeric threads cost more than they give. Measured: 6.5 ms of CPU instead of 3.8.
    limit_threads(1)
    from solvent.serving.app import App
    from solvent.serving.recording import open_recorder
    from solvent.serving.swap import Swap
    from solvent.serving.together import Together
    from solvent.serving.traffic import Traffic
    from solvent.serving.watching import TrafficWatch

    keys = read_keys(order.keys_file)
    traffic = Traffic()
    swap = Swap(order.control, traffic, Loader(order.settings.replay), tell)
    swap.start()
    settings = with_measured(order.settings, measured(order.control))
    recorder = open_recorder(settings.log_folder, settings.log_share, settings.log_mb)
    app = App(traffic, settings, keys, [TrafficWatch(traffic), recorder])
    app.together = Together(order.counts_folder) if order.counts_folder else None
    server = _server(app, settings.stop_seconds)
    if lifeline is not None:
        Thread(target=_live_with, args=(lifeline, server, settings.stop_seconds), daemon=True).start()
    try:
        asyncio.run(_serve(server, app, swap, listening, tell))
    finally:
        recorder.close()


class Loader:
    """Loads models into this process. With `replay` libraries may have other versions than a bundle's: its examples decide.

    What was installed when the process began is what it has: a library that was updated since is still the former one here.
    """

    def __init__(self, replay: bool = False) -> None:
        self._replay = replay
        self._versions = installed(sys.path)

    def __call__(self, place: Place) -> Model:
        """Load the model of a place and let it answer its examples; SolventError if it is not as it should be."""
        from solvent.serving.model import Model
        from solvent.serving.warmup import warm_up

        bundle = open_fitting(place.folder, replay=self._replay)
        self._check(bundle)
        model = Model(bundle, place.version)
        # What a step looks up by name when it is first called is found then.
        with model.program.code.loading():
            warm_up(model)
        return model

    def _check(self, bundle: Bundle) -> None:
        for name, expected in bundle.manifest.packages.items():
            began = self._versions.get(normal_name(name), expected)
            if began != expected and not self._replay:
                raise BundleError(
                    f"this process began with {name} {began}, and the bundle needs {expected}",
                    where=bundle.folder,
                    hint="restart the server: it has the libraries that are installed now",
                )


def _server(app: App, stop_seconds: float) -> Server:
    import uvicorn

    from solvent.serving.protocol import Protocol

    class Stopping(uvicorn.Server):
        """Ends with exit code 0 when it was asked to stop: it did what it was told."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
            try:
                yield
            finally:
                for each, handler in before.items():
                    signal.signal(each, handler)

    config = uvicorn.Config(
        app,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        ws="none",
        http=Protocol,
        log_level="warning",
        access_log=False,
        backlog=ACCEPTED_AT_ONCE,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(stop_seconds)),
    )
    return Stopping(config)


async def _serve(server: Server, app: App, swap: Swap, listening: socket.socket, tell: Tell) -> None:
    # The server closes what it is given; others listen on the same socket.
    own = listening.dup()
    serving = asyncio.create_task(server.serve(sockets=[own]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.001)
    if not serving.done():
        listening.listen(BACKLOG)
        tell({"event": "ready", "pid": os.getpid()})
    beside = [asyncio.create_task(swap.watch())]
    if app.together is not None:
        beside.append(asyncio.create_task(app.together.keep(app.own_metrics_text)))
    try:
        await serving
    finally:
        for task in beside:
            task.cancel()


def teller(channel: socket.socket) -> Tell:
    """Tell events to the process that holds the other end, one JSON object in a line."""

    def tell(event: Mapping[str, Any]) -> None:
        try:
            channel.sendall(json.dumps(event).encode() + b"\n")
        except OSError:
            # Nobody is left who wants to know; the lifeline ends this process.
            return

    return tell


def _live_with(lifeline: socket.socket, server: Server, stop_seconds: float) -> None:
    """End with the process at the other end: gracefully, or hard where a step never returns."""
    import time

    while True:
        try:
            if not lifeline.recv(1):
                break
        except OSError:
            break
    server.should_exit = True
    time.sleep(stop_seconds + 5)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
