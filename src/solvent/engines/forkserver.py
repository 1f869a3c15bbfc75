"""The process between runner and workers: it forks workers on request, reaps them, and lets none outlive the runner."""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from solvent.engines import worker
from solvent.engines.channel import Channel
from solvent.engines.processtree import Adoption, children, end_tree

FRAME = struct.Struct("!cqq")
"""All that is said between runner and server: a letter, the worker's number, and a value."""

FORK, KILL = b"F", b"K"
FORKED, EXITED, REFUSED = b"P", b"X", b"E"

_PATIENCE_SECONDS = 2.0
"""How long the end of a worker stays unreported because something it started does not die."""


class ForkServer:
    """Forks one worker for each request. Ends, with every worker and all they started, when the runner is gone."""

    def __init__(self, control: socket.socket, entry: str) -> None:
        self._control = control
        self._entry = entry
        self._workers: dict[int, int] = {}
        self._ended: list[tuple[float, bytes]] = []
        self._adoption = Adoption()
        self._adoption.adopt_orphans()
        self._signals, self._wakeup = os.pipe()
        os.set_blocking(self._signals, False)
        os.set_blocking(self._wakeup, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Answer requests until the control socket is closed."""
        poll = select.poll()
        poll.register(self._control.fileno(), select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        try:
            while True:
                ready = [fd for fd, _ in poll.poll(20 if self._ended else None)]
                if self._signals in ready:
                    self._drain()
                self._reap()
                if self._control.fileno() in ready and not self._answer():
                    return
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._end()

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._signals, 4096):
                pass

    def _answer(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self._control, FRAME.size, 1)
        if not data:
            return False
        while len(data) < FRAME.size:
            data += self._control.recv(FRAME.size - len(data))
        letter, number, _ = FRAME.unpack(data)
        if letter == FORK:
            self._fork(number, fds[0])
        elif letter == KILL:
            for pid, each in self._workers.items():
                if each == number:
                    end_tree(pid)
        return True

    def _fork(self, number: int, fd: int) -> None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(fd)
            self._control.sendall(FRAME.pack(REFUSED, number, error.errno or 0))
            return
        if not pid:
            self._become_worker(server, fd)
        os.close(fd)
        self._workers[pid] = number
        self._control.sendall(FRAME.pack(FORKED, number, pid))

    def _become_worker(self, server: int, fd: int) -> NoReturn:
        try:
            worker.forget_signals()
            os.setsid()
            self._adoption.die_with(server)
            self._adoption.adopt_orphans()
            for each in (self._control.detach(), self._signals, self._wakeup):
                os.close(each)
            worker.work(Channel(socket.socket(fileno=fd)), self._entry)
            os._exit(0)
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            os._exit(70)

    def _reap(self) -> None:
        """Collect the ended, kill what they left behind, and report each when nothing of it is left."""
        while self._workers or self._ended:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            if pid in self._workers:
                frame = FRAME.pack(EXITED, self._workers.pop(pid), status)
                self._ended.append((time.monotonic(), frame))
        if self._ended and not self._end_orphans():
            self._report(len(self._ended))
        elif self._ended:
            late = time.monotonic() - _PATIENCE_SECONDS
            self._report(sum(ended < late for ended, _ in self._ended))

    def _report(self, count: int) -> None:
        frames, self._ended = self._ended[:count], self._ended[count:]
        if frames:
            self._control.sendall(b"".join(frame for _, frame in frames))

    def _end_orphans(self) -> bool:
        """Kill the children that are no workers: what ended workers had started. False when there are none."""
        orphans = [pid for pid in children(os.getpid()) if pid not in self._workers]
        for pid in orphans:
            end_tree(pid)
        return bool(orphans)

    def _end(self) -> None:
        """Kill all workers and what they started, and wait until they are gone."""
        for pid in self._workers:
            end_tree(pid)
        self._workers = {}
        late = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < late:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                self._end_orphans()
                time.sleep(0.001)


def prepare(entry: str, preload: Sequence[str]) -> None:
    """Import once what every worker needs. What can't be imported fails later, in the step that needs it."""
    for name in (entry.partition(":")[0], *preload):
        with suppress(Exception, SystemExit):
            __import__(name)
    gc.freeze()  # a collection in a worker would copy the pages that it shares with the others


def become_server(control: socket.socket, entry: str, preload: Sequence[str]) -> NoReturn:
    """Turn this process into a fork server; never comes back."""
    status = 70
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with suppress(PermissionError):
            os.setsid()
        worker.forget_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _leave_streams()
        prepare(entry, preload)
        ForkServer(control, entry).serve()
        status = 0
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(status)


def _leave_streams() -> None:
    """Take no input from the terminal, and nothing that a stray write could add to the runner's output."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    try:
        os.dup2(2, 1)
    except OSError:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    os.close(nowhere)


def main(fd: int) -> NoReturn:
    """Serve a runner that started this interpreter and left its end of the control socket as `fd`."""
    control = socket.socket(fileno=fd)
    os.set_inheritable(fd, False)
    head = _read(control, 8)
    entry, preload, path = pickle.loads(_read(control, int.from_bytes(head, "big")))
    sys.path[:] = path
    become_server(control, entry, preload)


def _read(control: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = control.recv(count - len(data))
        if not more:
            os._exit(0)
        data += more
    return data
