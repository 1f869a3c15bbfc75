"""A proxy between a client and an S3 server that counts requests, cuts connections, and takes conditions away."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from contextlib import suppress
from typing import Any

_REQUEST = re.compile(rb"(GET|PUT|HEAD|POST|DELETE) (\S+) HTTP/1\.1\r\n")
_CONDITION = re.compile(rb"if-none-match", re.IGNORECASE)


class Proxy:
    """Passes bytes on. `requests` are the methods and paths that went by; the other attributes may be set at any time.

    `up`: whether connections are let through. `cuts`: how many of the next connections are cut, after `cut_after` bytes from
    the client or `cut_answers_after` from the server; with `stall` they only go silent, and `stalled` tells when.
    `careless`: whether If-None-Match is hidden from the server.
    """

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self.requests: list[str] = []
        self.up = True
        self.cuts = 0
        self.cut_after: int | None = None
        self.cut_answers_after: int | None = None
        self.careless = False
        self.stall = False
        self.stalled = threading.Event()
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def count(self) -> Counter[str]:
        """Count the requests by method; listings are called LIST."""
        return Counter("LIST" if "list-type=2" in each else each.partition(" ")[0] for each in self.requests)

    def go_down(self) -> None:
        """Cut all connections and let no more through."""
        self.up = False
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._ended.set()
        self.go_down()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self.up:
                client.close()
                continue
            server = socket.create_connection(self._target)
            with self._lock:
                self._open.update((client, server))
                limits: tuple[int | None, int | None] = (None, None)
                if self.cuts:
                    self.cuts -= 1
                    limits = (self.cut_after, self.cut_answers_after)
            pair = [
                threading.Thread(target=self._pump, args=(client, server, limits[0], True), daemon=True),
                threading.Thread(target=self._pump, args=(server, client, limits[1], False), daemon=True),
            ]
            self._threads += pair
            for thread in pair:
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, limit: int | None, asking: bool) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                passed += len(data)
                if asking:
                    data = self._note(data)
                if limit is not None and passed > limit:
                    if self.stall:
                        self.stalled.set()
                        self._ended.wait()
                    break
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            done = source not in self._open
            self._open.discard(source)
        if not done:
            source.close()

    def _note(self, data: bytes) -> bytes:
        for method, path in _REQUEST.findall(data):
            self.requests.append(f"{method.decode()} {path.decode()}")
        return _CONDITION.sub(b"x-not-matched", data) if self.careless else data
