"""The socket that a server listens on: bound once, handed to every worker, and refused in words."""

from __future__ import annotations

import errno
import os
import socket
import stat

from solvent.errors import BundleError

BACKLOG = 2048
"""So many connections may wait to be accepted."""


def bind(host: str, port: int) -> socket.socket:
    """Bind and listen on an address; port 0 takes a free one. BundleError says why it can't be had."""
    where = address(host, port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError, OverflowError) as error:
        raise BundleError(f"no address of this machine is called {host!r}: {error}", hint="try 127.0.0.1") from error
    family, kind, protocol, _, place = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(place)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _refusal(error, where, port) from error
    return listening


def bind_file(path: str) -> socket.socket:
    """Bind and listen on a Unix socket; one that nobody answers on any more is replaced."""
    if _is_stale(path):
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(path)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _refusal(error, path, 0) from error
    return listening


def address(host: str, port: int) -> str:
    """Write an address as a URL does."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url_of(listening: socket.socket) -> str:
    """Name a socket as clients do."""
    name = listening.getsockname()
    return f"unix:{name}" if isinstance(name, str) else f"http://{address(name[0], name[1])}"


def _is_stale(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == errno.ECONNREFUSED


def _refusal(error: OSError, where: str, port: int) -> BundleError:
    if error.errno == errno.EADDRINUSE:
        hint = "stop what listens there, or take another: --port 0 takes one that is free"
        return BundleError(f"{where} is in use", hint=hint)
    if error.errno == errno.EACCES:
        hint = "ports below 1024 belong to root: take a higher one" if 0 < port < 1024 else "ask for the right to do so"
        return BundleError(f"this user may not listen on {where}", hint=hint)
    if error.errno == errno.EADDRNOTAVAIL:
        return BundleError(f"this machine has no address {where}", hint="127.0.0.1 is this machine, 0.0.0.0 all it has")
    return BundleError(f"can't listen on {where}: {error.strerror}")
