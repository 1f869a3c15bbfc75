"""One request and its answer, and what is sent instead of an answer."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
CLOSE = (b"connection", b"close")

CLOSED = "solvent.closed"
"""In the scope of a request whose client sends no more: it may be gone, or wait for the answer."""

_LONGEST_ID = 128
_OF_IDS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+=@"
_first = os.urandom(6).hex().encode()
_next = count(1).__next__


class Refusal(Exception):
    """A request that gets no answer: a status, one sentence, and a problem for each thing that is wrong."""

    def __init__(
        self, status: int, error: str, problems: Sequence[Mapping[str, Any]] = (), headers: Headers = ()
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.problems = problems
        self.headers = tuple(headers)


class Gone(Exception):
    """The client went away before it could be answered."""


class Exchange:
    """A request, and the way to answer it. `route` is its place in the metrics, `id` what the client or we call it.

    `arrived` says that its body was read to the end; `told` are the headers of the answer where its protocol has its own.
    """

    __slots__ = (
        "arrived",
        "began",
        "headers",
        "id",
        "key",
        "method",
        "path",
        "receive",
        "rest",
        "route",
        "scope",
        "send",
        "status",
        "told",
    )

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.began = time.perf_counter()
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id", b"")
        self.id = given if is_id(given) else b"%b-%x" % (_first, _next())
        self.key = self.headers.get(b"solvent-key", b"") or self.id
        self.route = "other"
        self.rest: Sequence[str] = ()
        self.status = 0
        self.told: Sequence[tuple[bytes, bytes]] = ()
        self.arrived = False

    @property
    def content_type(self) -> str:
        given = self.headers.get(b"content-type")
        return "application/json" if given is None or given == b"application/json" else given.decode("latin-1")

    @property
    def is_prediction(self) -> bool:
        return self.route == "/predict" or self.route == "/invocations" or self.route.endswith("/infer")

    def is_closed(self) -> bool:
        """Whether the client closed its side: one that still waits for its turn is not worth answering."""
        return CLOSED in self.scope

    async def answer(self, status: int, body: bytes, headers: Headers = (JSON,)) -> None:
        """Send an answer; of a HEAD request only what is told about it."""
        await self.begin(status, len(body), headers)
        await self.send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def begin(self, status: int, size_bytes: int, headers: Headers) -> None:
        """Send the headers of an answer."""
        self.status = status
        told = [*headers, (b"x-request-id", self.id)]
        if status != 204:
            told.append((b"content-length", b"%d" % size_bytes))
        await self.send({"type": "http.response.start", "status": status, "headers": told})


def is_id(given: bytes) -> bool:
    """Whether a request id can be told as it is, in headers, JSON and logs."""
    return 0 < len(given) <= _LONGEST_ID and not given.translate(None, _OF_IDS)


def refusal_body(refusal: Refusal, id: bytes) -> bytes:
    """Write what is wrong as Solvent's own JSON."""
    return to_json({"error": refusal.error, "problems": list(refusal.problems), "id": id.decode()})


def to_json(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")
