"""Reading the body of a request within its limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any

from solvent.serving.exchange import CLOSE, Exchange, Gone, Headers, Refusal
from solvent.serving.settings import Settings

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 256 << 20
"""What a refused client may still send before its connection is closed."""


async def read_body(exchange: Exchange, settings: Settings) -> bytes:
    """Give the whole body. Refusal 413 above the limit, 408 after the time; Gone if the client is."""
    limit_bytes = settings.body_limit_bytes
    told = exchange.headers.get(b"content-length")
    # llhttp lets digits pass only; a server without it may not.
    if told is not None and told.isdigit() and int(told) > limit_bytes:
        raise _too_large(limit_bytes)
    begun = _Begun(exchange.receive())
    if begun.message is not None and not begun.message.get("more_body"):
        # Small bodies come with their headers, mostly: then there is nothing to wait for, and no clock to set.
        return _part(exchange, begun.message, limit_bytes)
    try:
        async with asyncio.timeout(settings.body_seconds):
            message = begun.message or await begun
            first = _part(exchange, message, limit_bytes)
            return first if exchange.arrived else await _read_rest(exchange, first, limit_bytes)
    except TimeoutError:
        raise Refusal(408, f"the body did not arrive within {settings.body_seconds:g} s", headers=[CLOSE]) from None


class _Begun:
    """Something awaited that has begun: `message` is what it gave at once; else awaiting this goes on where it stopped."""

    def __init__(self, work: Any) -> None:
        self._work = work
        self._waits: Any = None
        self.message: Mapping[str, Any] | None = None
        try:
            self._waits = work.send(None)
        except StopIteration as ended:
            self.message = ended.value

    def __await__(self) -> Generator[Any, Any, Mapping[str, Any]]:
        waits = self._waits
        while True:
            try:
                given = yield waits
            except BaseException as error:
                step, given = self._work.throw, error
            else:
                step = self._work.send
            try:
                waits = step(given)
            except StopIteration as ended:
                found: Mapping[str, Any] = ended.value
                return found


def _part(exchange: Exchange, message: Mapping[str, Any], limit_bytes: int) -> bytes:
    """Give the bytes of a message, and note whether the body ends with them."""
    if message["type"] != "http.request":
        raise Gone
    exchange.arrived = not message.get("more_body")
    part: bytes = message.get("body", b"")
    if len(part) > limit_bytes:
        raise _too_large(limit_bytes)
    return part


async def _read_rest(exchange: Exchange, first: bytes, limit_bytes: int) -> bytes:
    whole = bytearray(first)
    while True:
        message = await exchange.receive()
        if message["type"] != "http.request":
            raise Gone
        whole += message.get("body", b"")
        exchange.arrived = not message.get("more_body")
        if len(whole) > limit_bytes:
            raise _too_large(limit_bytes)
        if exchange.arrived:
            return bytes(whole)


def _too_large(limit_bytes: int) -> Refusal:
    return Refusal(
        413,
        f"the body has more than {limit_bytes:,} bytes; send the rows in several requests",
        headers=[CLOSE],
    )


async def answer_early(exchange: Exchange, status: int, body: bytes, headers: Headers) -> None:
    """Answer a client that still sends, and go on reading for a while: else it sees a broken connection, not the answer."""
    await exchange.begin(status, len(body), headers)
    await exchange.send({"type": "http.response.body", "body": body, "more_body": True})
    # One that waits for "100 Continue" sends nothing.
    if not exchange.arrived and exchange.headers.get(b"expect", b"").lower() != b"100-continue":
        await _forget(exchange)
    await exchange.send({"type": "http.response.body", "body": b""})


async def _forget(exchange: Exchange) -> None:
    left = _LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0:
                message = await exchange.receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))
