"""Two ways to get a fork server: fork this process as it is, or start a fresh interpreter."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import warnings
from collections.abc import Sequence

from solvent.engines import forkserver
from solvent.errors import EngineError


def fork_server(entry: str, preload: Sequence[str]) -> tuple[int, socket.socket]:
    """Fork this process into a server: workers have exactly the modules that are loaded now, `__main__` included."""
    ours, theirs = socket.socketpair()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # else both processes would write what is buffered
    with warnings.catch_warnings():
        # Forking beside threads is what the warning is about; the child uses none of their state.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        try:
            ours.close()
        finally:
            forkserver.become_server(theirs, entry, preload)
    theirs.close()
    return pid, ours


def start_server(entry: str, preload: Sequence[str], path: Sequence[str]) -> tuple[int, socket.socket]:
    """Start a fresh interpreter as the server, safe beside threads; it imports `preload` from `path`."""
    if not sys.executable:
        raise EngineError("this interpreter does not know its own executable", hint="use the engine inline")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        code = (
            f"import sys; sys.path[:] = {list(path)!r}; "
            f"from solvent.engines.forkserver import main; main({theirs.fileno()})"
        )
        # On the same number it only takes away close-on-exec, in the new process alone.
        keep = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), theirs.fileno())]
        try:
            pid = _spawn([sys.executable, "-c", code], keep)
        except OSError as error:
            raise EngineError(f"can't start {sys.executable}: {error.strerror}") from error
        wish = pickle.dumps((entry, list(preload), list(path)))
        ours.sendall(len(wish).to_bytes(8, "big") + wish)
        return pid, socket.socket(fileno=ours.detach())


def _spawn(command: list[str], actions: list[tuple[int, int, int]]) -> int:
    """Start a program in a session of its own, so that Ctrl-C in the terminal never reaches it."""
    try:
        return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)
    except NotImplementedError:
        return os.posix_spawn(command[0], command, os.environ, file_actions=actions)
