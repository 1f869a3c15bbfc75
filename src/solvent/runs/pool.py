"""Steps in worker processes: each starts as soon as its inputs are ready and the machine has room."""

from __future__ import annotations

import threading
import time
from heapq import heappop, heappush

from solvent.engines.protocol import Engine, Report
from solvent.errors import SolventError
from solvent.model import Execution, Resources
from solvent.runs.encode import crashed_execution
from solvent.runs.resources import Room
from solvent.runs.retry import backoff_seconds
from solvent.runs.runner import ELSEWHERE, EXECUTE, TWIN, Runner
from solvent.runs.state import CallState
from solvent.runs.tickets import TicketOffice

_SOON_SECONDS = 0.01
_WATCH_SECONDS = 0.2


class PoolDriver:
    """Schedules on a thread of its own, so that steps start and end while the pipeline's body computes."""

    name = "processes"

    def __init__(self, runner: Runner, engine: Engine, tickets: TicketOffice, room: Room) -> None:
        self._runner = runner
        self._engine = engine
        self._tickets = tickets
        self._room = room
        self._changed = threading.Condition()
        self._new: list[CallState] = []
        self._ready: list[tuple[int, CallState]] = []
        self._later: list[tuple[float, CallState]] = []
        self._active: dict[int, tuple[CallState, Resources]] = {}
        self._open = 0
        self._draining = self._closing = self._killing = False
        self._fatal: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="solvent-scheduler", daemon=True)
        self._thread.start()

    # What the tracer calls, on the thread of the body

    def add(self, state: CallState) -> None:
        with self._changed:
            self._new.append(state)
        self._engine.wake()

    def wait(self, state: CallState) -> None:
        """Return when the call has ended, or when it can't because the run is held."""
        with self._changed:
            while not state.ended and not self._runner.held() and self._fatal is None:
                self._changed.wait()
        self._check()

    def finish(self) -> None:
        """Return when every call has ended; what may not start any more is cancelled."""
        with self._changed:
            self._draining = True
            self._engine.wake()
            while (self._new or self._open) and self._fatal is None:
                self._changed.wait()
        self._check()

    def stop_now(self) -> None:
        """End the running steps and everything they started."""
        self._killing = True
        self._engine.wake()

    def wake(self) -> None:
        """Look again at once: something outside changed."""
        self._tell_waiters()
        self._engine.wake()

    def close(self) -> None:
        with self._changed:
            self._closing = True
        self._engine.wake()
        self._thread.join()
        self._engine.close(now=self._killing)

    def _check(self) -> None:
        if self._fatal is not None:
            raise self._fatal

    # The scheduler's thread

    def _work(self) -> None:
        try:
            while not (self._closing and not self._active):
                self._turn()
        except BaseException as error:
            self._fatal = error
            self._engine.close(now=True)
        self._tell_waiters()

    def _turn(self) -> None:
        with self._changed:
            new, self._new = self._new, []
            self._open += len(new)
        for state in new:
            self._enter(state)
        if self._killing:
            self._kill()
        self._start_ready()
        self._tell_waiters()
        reports = self._engine.poll(self._patience())
        # What a step printed is shown before its end is, and before a run that it ends.
        for label, text in self._tickets.lines(self._runner.states, self._engine.lines()):
            self._runner.watcher.output(label, text)
        for report in reports:
            self._take(report)
        self._tell_waiters()

    def _tell_waiters(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _enter(self, state: CallState) -> None:
        for producer in state.producers:
            self._depend(state, producer)
        if not state.unmet:
            heappush(self._ready, (state.index, state))

    def _depend(self, state: CallState, producer: CallState) -> None:
        if not producer.ended:
            producer.dependents.append(state)
            state.unmet += 1

    def _start_ready(self) -> None:
        now = time.monotonic()
        due = [state for at, state in self._later if at <= now]
        self._later = [(at, state) for at, state in self._later if at > now]
        for state in due:
            heappush(self._ready, (state.index, state))
        waiting: list[tuple[int, CallState]] = []
        while self._ready and self._runner.writer.has_room():
            if self._runner.held():
                break
            place, state = heappop(self._ready)
            need = self._room.need(state.call.step.spec.name)
            if not self._room.fits(need):
                waiting.append((place, state))
                if self._room.full:
                    break
                continue
            self._admit(state, need)
        for item in waiting:
            heappush(self._ready, item)
        if self._runner.held() and (self._draining or self._runner.stopping.is_set()):
            self._cancel_waiting()

    def _admit(self, state: CallState, need: Resources) -> None:
        try:
            verdict = self._runner.admit(state)
        except SolventError as error:
            self._runner.refuse(state, error)
            return self._ended(state)
        if verdict == EXECUTE:
            self._start(state, need)
        elif verdict == ELSEWHERE:
            self._later.append((time.monotonic() + _SOON_SECONDS, state))
        elif verdict == TWIN:
            self._depend(state, self._runner.by_key[state.key])
        else:
            self._ended(state)

    def _start(self, state: CallState, need: Resources) -> None:
        try:
            ticket = self._tickets.make(state, need)
        except SolventError as error:
            self._runner.refuse(state, error)
            return self._ended(state)
        self._room.take(need)
        self._active[state.index] = (state, need)
        self._runner.started(state)
        self._engine.start(ticket)

    def _take(self, report: Report) -> None:
        state, need = self._active.pop(report.ticket_id)
        self._room.give_back(need)
        execution = report.execution or crashed_execution(report.failure, self._tickets.read_log(state))
        if execution.failure is not None and (self._mended(state, execution) or self._try_again(state, execution)):
            return
        self._runner.take_execution(state, execution)
        self._ended(state)

    def _mended(self, state: CallState, execution: Execution) -> bool:
        if not self._runner.mended(state, execution.failure):
            return False
        state.status = "waiting"
        self._later.append((time.monotonic(), state))
        return True

    def _try_again(self, state: CallState, execution: Execution) -> bool:
        assert execution.failure is not None
        if self._killing or not self._runner.may_retry(state, execution.failure):
            return False
        self._runner.watcher.notice(f"{state.label} failed ({execution.failure.message}); trying again")
        state.status = "waiting"
        self._later.append((time.monotonic() + backoff_seconds(state.attempt), state))
        state.attempt += 1
        return True

    def _ended(self, state: CallState) -> None:
        self._tickets.forget(state)
        for dependent in state.dependents:
            dependent.unmet -= 1
            if not dependent.unmet:
                heappush(self._ready, (dependent.index, dependent))
        state.dependents.clear()
        with self._changed:
            self._open -= 1

    def _cancel_waiting(self) -> None:
        why = self._runner.reason_to_hold()
        running = {state.index for state, _ in self._active.values()}
        for state in self._runner.states:
            if not state.ended and state.index not in running and state not in self._new:
                self._runner.release(state)
                self._runner.settle(state, "cancelled", why)
                with self._changed:
                    self._open -= 1
        self._ready.clear()
        self._later.clear()

    def _kill(self) -> None:
        for state, need in list(self._active.values()):
            self._engine.cancel(state.index)
            self._room.give_back(need)
            self._runner.release(state)
            self._runner.settle(state, "cancelled", "stopped")
            self._ended(state)
        self._active.clear()

    def _patience(self) -> float:
        if self._later or (self._ready and not self._runner.writer.has_room()):
            return _SOON_SECONDS
        return _WATCH_SECONDS
