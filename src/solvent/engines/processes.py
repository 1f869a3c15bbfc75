"""The engine that runs steps in warm worker processes on this machine."""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from solvent.engines import forkserver, starting
from solvent.engines.channel import Channel
from solvent.engines.processtree import end_tree
from solvent.engines.protocol import Report
from solvent.engines.tail import LogTail
from solvent.engines.worker import BEGAN
from solvent.errors import EngineError
from solvent.model import Failure, Ticket

_PATIENCE_SECONDS = 10.0
"""How long the fork server may take to do what it was asked before it counts as lost."""


class _Worker:
    """What the runner knows about one worker; `ticket` is what it performs, None while it is idle."""

    __slots__ = ("channel", "deadline", "fd", "number", "pid", "ticket", "verdict", "writing")

    def __init__(self, number: int, channel: Channel) -> None:
        self.number = number
        self.channel = channel
        self.fd = channel.fileno()
        self.pid = 0
        self.ticket: Ticket | None = None
        self.deadline: float | None = None
        self.verdict: Failure | None = None
        self.writing = False


class ProcessEngine:
    """Runs tickets in worker processes that a fork server makes on demand and that stay warm.

    `entry` ("package.module:function") is called in the worker with the ticket and returns its Execution. With `fork`
    the server is a fork of this process as it is now, so call it before there are threads or open stores; else it is
    a fresh interpreter that imports `preload` from `sys_path`. All processes end with this one, however it ends.
    """

    def __init__(
        self,
        entry: str,
        workers: int,
        *,
        fork: bool,
        preload: Sequence[str] = (),
        sys_path: Sequence[str] | None = None,
    ) -> None:
        if not hasattr(os, "fork"):
            raise EngineError(
                f"worker processes need os.fork, which {sys.platform} does not have", hint="use --engine inline"
            )
        if workers < 1:
            raise EngineError(f"{workers} workers can't run anything", hint="ask for at least 1")
        self.capacity = workers
        self.forked = fork
        if fork:
            self._server, self._control = starting.fork_server(entry, preload)
        else:
            path = sys.path if sys_path is None else sys_path
            self._server, self._control = starting.start_server(entry, preload, path)
        self._woken, self._wakeup = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wakeup, False)
        self._workers: dict[int, _Worker] = {}
        self._by_fd: dict[int, _Worker] = {}
        self._idle: list[_Worker] = []
        self._running: dict[int, _Worker] = {}
        self._queue: deque[tuple[Ticket, bytes]] = deque()
        self._reports: list[Report] = []
        self._number = 0
        self._timed = 0
        self._frames = b""
        self._closed = False
        self._was_woken = False
        self._tail = LogTail()
        self._poll = select.poll()
        self._poll.register(self._control.fileno(), select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)

    def start(self, ticket: Ticket) -> None:
        """Send a ticket to a worker and come back at once; beyond `capacity` it waits for one to get free."""
        if self._closed:
            raise EngineError("the engine is closed and takes no more steps")
        try:
            message = pickle.dumps(ticket, protocol=5)
        except Exception as error:
            self._reports.append(Report(ticket.id, None, _not_sent(error)))
            return
        if len(self._running) >= self.capacity:
            self._queue.append((ticket, message))
        else:
            self._send(ticket, message)

    def poll(self, timeout_seconds: float | None) -> list[Report]:
        """Wait for reports; come back with none when the time is over or `wake` was called. None waits for ever."""
        until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self._reports and not self._was_woken:
            self._turn(until)
            self._end_late()
            if until is not None and time.monotonic() >= until:
                break
        self._was_woken = False
        reports, self._reports = self._reports, []
        return reports

    def wake(self) -> None:
        """Make a `poll` that waits, or the next one, come back at once; for other threads and signal handlers."""
        with suppress(OSError):
            os.write(self._wakeup, b"!")

    def cancel(self, ticket_id: int) -> None:
        """End a ticket and everything it started before coming back; nothing is reported for it."""
        self._queue = deque(each for each in self._queue if each[0].id != ticket_id)
        self._reports = [report for report in self._reports if report.ticket_id != ticket_id]
        worker = self._running.pop(ticket_id, None)
        if worker is None:
            return
        self._tail.finish(ticket_id, None)
        self._set_ticket(worker, None)
        worker.verdict = Failure("Cancelled", "cancelled", "")
        self._ask(forkserver.KILL, worker.number)
        self._wait_until_gone(worker)
        self._send_waiting()

    def lines(self) -> list[tuple[int, str]]:
        """Give what the running steps printed since the last call, line by line with the ticket's id."""
        return self._tail.lines()

    def close(self, now: bool = False) -> None:
        """Let the started tickets end (or end them, if `now`) and leave no process behind."""
        if self._closed:
            return
        while not now and (self._running or self._queue):
            self._turn(None)
            self._end_late()
        self._closed = True
        self._control.close()  # the server takes this as the end of the runner
        self._wait_for_server()
        for worker in self._workers.values():
            worker.channel.close()
        for fd in (self._woken, self._wakeup):
            os.close(fd)
        self._tail.close()
        self._workers.clear()
        self._running.clear()
        self._queue.clear()

    def __enter__(self) -> ProcessEngine:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self.close(now=kind is not None)

    # One turn of the loop: everything that arrives is taken in here.

    def _turn(self, until: float | None) -> None:
        """Wait for something to happen, and take all of it in."""
        for fd, event in self._poll.poll(self._wait_milliseconds(until)):
            worker = self._by_fd.get(fd)
            if worker is not None:
                self._hear_worker(worker, event)
            elif fd == self._woken:
                self._was_woken = True
                with suppress(BlockingIOError):
                    os.read(fd, 4096)
            else:
                self._hear_server()

    def _wait_milliseconds(self, until: float | None) -> float | None:
        first = until
        if self._timed:
            limits = [worker.deadline for worker in self._running.values() if worker.deadline is not None]
            first = min(limits if until is None else [*limits, until], default=None)
        return None if first is None else max(0.0, (first - time.monotonic()) * 1000)

    def _hear_worker(self, worker: _Worker, event: int) -> None:
        if event & select.POLLOUT and worker.writing:
            self._write(worker)
        if event & ~select.POLLOUT:
            self._read(worker)

    def _read(self, worker: _Worker) -> None:
        try:
            while (message := worker.channel.receive()) is not None:
                if message == BEGAN:
                    self._start_clock(worker)
                else:
                    self._take_reply(worker, message)
        except (EOFError, OSError):
            self._stop_listening(worker)  # why it ended comes from the server

    def _write(self, worker: _Worker) -> None:
        try:
            done = worker.channel.flush()
        except OSError:
            self._stop_listening(worker)
            return
        if done == worker.writing:
            worker.writing = not done
            self._poll.modify(worker.fd, select.POLLIN if done else select.POLLIN | select.POLLOUT)

    def _stop_listening(self, worker: _Worker) -> None:
        if self._by_fd.pop(worker.fd, None) is not None:
            self._poll.unregister(worker.fd)
        if worker in self._idle:
            self._idle.remove(worker)

    def _start_clock(self, worker: _Worker) -> None:
        if worker.ticket is not None and worker.ticket.spec.timeout_seconds is not None:
            worker.deadline = time.monotonic() + worker.ticket.spec.timeout_seconds
            self._timed += 1

    def _take_reply(self, worker: _Worker, message: bytes | bytearray) -> None:
        ticket = worker.ticket
        if ticket is None or worker.verdict is not None:
            return  # it was ended, and what it said in the last moment does not count
        try:
            execution, failure = pickle.loads(message)
        except Exception as error:
            execution = None
            failure = Failure(type(error).__name__, f"the result can't be read back from the worker: {error}", "")
        self._finish(worker, Report(ticket.id, execution, failure))
        if ticket.spec.isolated:
            self._stop_listening(worker)
        else:
            self._idle.append(worker)
        self._send_waiting()

    def _finish(self, worker: _Worker, report: Report) -> None:
        del self._running[report.ticket_id]
        self._set_ticket(worker, None)
        self._tail.finish(report.ticket_id, report.execution)
        self._reports.append(report)

    def _set_ticket(self, worker: _Worker, ticket: Ticket | None) -> None:
        worker.ticket = ticket
        if worker.deadline is not None:
            self._timed -= 1
            worker.deadline = None

    # Workers: making them, giving them work, and learning how they ended.

    def _send_waiting(self) -> None:
        while self._queue and len(self._running) < self.capacity:
            self._send(*self._queue.popleft())

    def _send(self, ticket: Ticket, message: bytes) -> None:
        self._tail.follow(ticket.id, ticket.log_path)
        while True:
            worker = self._idle.pop() if self._idle and not ticket.spec.isolated else self._fork()
            try:
                done = worker.channel.send(message)
            except OSError:
                self._stop_listening(worker)  # it died while it was idle, and never saw the ticket
                continue
            break
        self._set_ticket(worker, ticket)
        self._running[ticket.id] = worker
        if not done:
            worker.writing = True
            self._poll.modify(worker.fd, select.POLLIN | select.POLLOUT)

    def _fork(self) -> _Worker:
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise EngineError(
                f"can't open a socket to a worker: {error.strerror}", hint="raise the limit of open files (ulimit -n)"
            ) from error
        ours.setblocking(False)
        self._number += 1
        worker = _Worker(self._number, Channel(ours))
        with theirs:
            self._ask(forkserver.FORK, worker.number, theirs.fileno())
        self._workers[worker.number] = worker
        self._by_fd[worker.fd] = worker
        self._poll.register(worker.fd, select.POLLIN)
        return worker

    def _ask(self, letter: bytes, number: int, *fds: int) -> None:
        frame = forkserver.FRAME.pack(letter, number, 0)
        try:
            if fds:
                socket.send_fds(self._control, [frame], list(fds))
            else:
                self._control.sendall(frame)
        except OSError as error:
            raise self._server_lost() from error

    def _hear_server(self) -> None:
        try:
            data = self._control.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise self._server_lost()
        self._frames += data
        size = forkserver.FRAME.size
        while len(self._frames) >= size:
            letter, number, value = forkserver.FRAME.unpack_from(self._frames)
            self._frames = self._frames[size:]
            self._take_news(letter, number, value)

    def _take_news(self, letter: bytes, number: int, value: int) -> None:
        worker = self._workers.get(number)
        if worker is None:
            return
        if letter == forkserver.FORKED:
            worker.pid = value
            return
        if worker.fd in self._by_fd:
            self._read(worker)  # it may have replied before it ended
            self._stop_listening(worker)
        del self._workers[number]
        worker.channel.close()
        if worker.ticket is not None:
            refused = letter == forkserver.REFUSED
            failure = worker.verdict or (_not_forked(value) if refused else crash(value))
            self._finish(worker, Report(worker.ticket.id, None, failure))
        self._send_waiting()

    def _end_late(self) -> None:
        """Kill the workers whose step took longer than it may; their reports come when everything of them is gone."""
        if not self._timed:
            return
        now = time.monotonic()
        for worker in list(self._running.values()):
            if worker.deadline is not None and worker.deadline <= now:
                assert worker.ticket is not None
                limit = worker.ticket.spec.timeout_seconds
                message = f"took longer than {limit:g} s (timeout_seconds={limit:g})"
                worker.verdict = Failure("TimeoutError", message, "")
                worker.deadline = None
                self._timed -= 1
                self._ask(forkserver.KILL, worker.number)

    def _wait_until_gone(self, worker: _Worker) -> None:
        late = time.monotonic() + _PATIENCE_SECONDS
        while worker.number in self._workers:
            if time.monotonic() > late:
                raise self._server_lost()
            self._turn(late)

    def _wait_for_server(self) -> None:
        late = time.monotonic() + _PATIENCE_SECONDS
        pause = 0.0005
        with suppress(ChildProcessError):
            while not os.waitpid(self._server, os.WNOHANG)[0]:
                if time.monotonic() > late:
                    end_tree(self._server)
                    os.waitpid(self._server, 0)
                    return
                time.sleep(pause)
                pause = min(pause * 2, 0.02)

    def _server_lost(self) -> EngineError:
        """End what is left of the workers, and give the error to raise."""
        for worker in self._workers.values():
            if worker.pid:
                end_tree(worker.pid)
        self.close(now=True)
        return EngineError("the process that starts the workers has ended", hint="run again; finished steps are reused")


def crash(status: int) -> Failure:
    """Say in words how a worker ended that should not have, from its wait status."""
    if not os.WIFSIGNALED(status):
        return Failure("WorkerCrashed", f"called os._exit({os.waitstatus_to_exitcode(status)})", "")
    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL:
        message = "ended by SIGKILL (often the out-of-memory killer)"
    else:
        message = f"ended by signal {name} ({(signal.strsignal(number) or 'unknown').lower()})"
    return Failure("WorkerCrashed", message, "", signal=name)


def _not_forked(code: int) -> Failure:
    return Failure("EngineError", f"no worker could be started: {os.strerror(code)}", "")


def _not_sent(error: Exception) -> Failure:
    return Failure(type(error).__name__, f"can't be sent to a worker process: {error}", "")
