"""Clients that ask an endpoint as fast as it answers, over connections that stay open: for load tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from solvent.errors import BundleError

_TIMEOUT_SECONDS = 60.0


class Load(NamedTuple):
    """What came of a load test: `latencies` in seconds in ascending order; `problem` is the first answer that was none."""

    requests: int
    seconds: float
    latencies: Sequence[float]
    problem: str = ""

    def quantile_ms(self, share: float) -> float:
        """Give the latency in milliseconds that this share of the answers had at most."""
        if not self.latencies:
            return float("nan")
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] * 1000


def run_load(port: int, bodies: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Let some clients ask for a while, each with one body after another; BundleError if an answer is an error."""
    requests = [_request(port, body) for body in bodies]
    ends = time.perf_counter() + seconds
    found = [_Client(port, requests, at * 7, ends) for at in range(clients)]
    began = time.perf_counter()
    for each in found:
        each.start()
    for each in found:
        each.join()
    took = time.perf_counter() - began
    problem = next((each.problem for each in found if each.problem), "")
    if problem:
        raise BundleError(f"the endpoint failed in the load test: {problem}")
    latencies = sorted(latency for each in found for latency in each.latencies)
    return Load(len(latencies), took, latencies)


def _request(port: int, body: bytes) -> bytes:
    head = (
        f"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Client(threading.Thread):
    """One client: asks until its time is over, and notes how long each answer took."""

    def __init__(self, port: int, requests: Sequence[bytes], first: int, ends: float) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._requests = requests
        self._next = first
        self._ends = ends
        self.latencies: list[float] = []
        self.problem = ""

    def run(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=_TIMEOUT_SECONDS) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while time.perf_counter() < self._ends and not self.problem:
                    self._ask(connection)
        except OSError as error:
            self.problem = f"{type(error).__name__}: {error}"

    def _ask(self, connection: socket.socket) -> None:
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        began = time.perf_counter()
        connection.sendall(request)
        head, body = _answer(connection)
        self.latencies.append(time.perf_counter() - began)
        if b" 200 " not in head[:16]:
            self.problem = f"{head.partition(bytes([13]))[0].decode()} {body[:200].decode('utf-8', errors='replace')}"


def _answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read one answer, whose length its head tells."""
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _more(connection)
    head = bytes(data[:end])
    body = data[end + 4 :]
    length = next(
        (int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")),
        None,
    )
    if length is None:
        return head, _chunks(connection, body)
    while len(body) < length:
        body += _more(connection)
    return head, bytes(body)


def _chunks(connection: socket.socket, body: bytearray) -> bytes:
    while not body.endswith(b"0\r\n\r\n"):
        body += _more(connection)
    return bytes(body)


def _more(connection: socket.socket) -> bytes:
    found = connection.recv(262_144)
    if not found:
        raise ConnectionResetError("the endpoint closed the connection")
    return found
