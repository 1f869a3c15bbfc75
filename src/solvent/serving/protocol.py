"""HTTP/1.1 as uvicorn speaks it, with bounds on the head of a request, and answers for those who close their side early."""

from __future__ import annotations

import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from solvent.serving.exchange import CLOSED

HEAD_LIMIT_BYTES = 64 << 10
"""All headers of a request together. Proxies allow 8 to 32 KB."""
HEAD_SECONDS = 15.0
"""How long the head of a request may take to arrive, and a new connection may say nothing."""


class Protocol(HttpToolsProtocol):
    """One connection. uvicorn itself collects headers without end, and waits for them without end."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_bytes = 0
        self._head_began: float | None = self.loop.time()
        self._watch = self.loop.call_later(HEAD_SECONDS, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        if self.scope is not None:
            self._mark_closed()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_began is not None and self._head_bytes > HEAD_LIMIT_BYTES:
            self._refuse(431, f"the headers have more than {HEAD_LIMIT_BYTES >> 10} KB")

    def on_message_begin(self) -> None:
        self._head_began = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_began = None
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        super().on_message_complete()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection for the answer to a request that arrived whole."""
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.response_complete:
            return False
        cycle.keep_alive = False
        self._mark_closed()
        return True

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "this is no HTTP/1.1 request that can be read")

    def _mark_closed(self) -> None:
        scope: Any = self.scope
        scope[CLOSED] = True

    def _check(self) -> None:
        if self.transport.is_closing():
            return
        if self._head_began is not None and self.loop.time() - self._head_began >= HEAD_SECONDS:
            if not self._head_bytes:
                self.transport.close()
                return
            self._refuse(408, f"the headers did not arrive within {HEAD_SECONDS:g} s")
            return
        self._watch = self.loop.call_later(HEAD_SECONDS / 3, self._check)

    def _refuse(self, status: int, error: str) -> None:
        """Answer what never became a request, and close. Requests before it are answered first."""
        cycle = self.cycle
        if self.transport.is_closing():
            return
        if cycle is not None and not (cycle.response_complete or cycle.more_body):
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if cycle is None or not cycle.response_started or cycle.response_complete:
            body = json.dumps({"error": error, "problems": []}).encode()
            head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
