"""Whole messages over a socket pair, in both directions."""

from __future__ import annotations

import socket
import struct

_SIZE = struct.Struct("!Q")
_CHUNK_BYTES = 1 << 16


class Channel:
    """One end of a socket pair that carries whole messages of any size.

    Over a non-blocking socket `send` never waits: what the other end can't take yet is kept and goes out with `flush`.
    """

    __slots__ = ("_body", "_filled", "_head", "_outgoing", "socket")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._outgoing: list[memoryview] = []
        self._head = b""
        self._body: bytearray | None = None
        self._filled = 0

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, message: bytes) -> bool:
        """Send a message, or as much of it as goes at once; True when nothing is left to flush."""
        head = _SIZE.pack(len(message))
        if len(message) < _CHUNK_BYTES:
            self._outgoing.append(memoryview(head + message))
        else:
            self._outgoing += (memoryview(head), memoryview(message))
        return self.flush()

    def flush(self) -> bool:
        """Send what is left; True when all is out."""
        try:
            while self._outgoing:
                first = self._outgoing[0]
                sent = self.socket.send(first)
                if sent == len(first):
                    del self._outgoing[0]
                else:
                    self._outgoing[0] = first[sent:]
        except BlockingIOError:
            return False
        return True

    def receive(self) -> bytes | bytearray | None:
        """Give the next whole message, or None if it is not here yet; EOFError when the other end is gone."""
        try:
            if self._body is None and not self._begin():
                return None
            return self._finish()
        except BlockingIOError:
            return None
        except ConnectionResetError:
            raise EOFError from None

    def _begin(self) -> bool:
        """Read the size of the next message and make room for it."""
        while len(self._head) < _SIZE.size:
            data = self.socket.recv(_CHUNK_BYTES)
            if not data:
                raise EOFError
            self._head += data
        (size,) = _SIZE.unpack_from(self._head)
        first = self._head[_SIZE.size : _SIZE.size + size]
        self._head = self._head[_SIZE.size + size :]
        self._body = bytearray(size)
        self._body[: len(first)] = first
        self._filled = len(first)
        return True

    def _finish(self) -> bytearray | None:
        body = self._body
        assert body is not None
        with memoryview(body) as view:
            while self._filled < len(body):
                count = self.socket.recv_into(view[self._filled :])
                if not count:
                    raise EOFError
                self._filled += count
        self._body = None
        return body

    def close(self) -> None:
        self.socket.close()
