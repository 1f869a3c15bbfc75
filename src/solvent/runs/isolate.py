"""A process of its own for a step of an inline run that asks for one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from solvent.model import Execution, Failure, Resources
from solvent.runs.encode import crashed_execution
from solvent.runs.retry import backoff_seconds
from solvent.runs.runner import Runner
from solvent.runs.state import CallState
from solvent.runs.tickets import TicketOffice

if TYPE_CHECKING:
    from solvent.engines.processes import ProcessEngine

_WATCH_SECONDS = 0.1


class Isolation:
    """Starts its fork server at the first step that needs it, and keeps it until the run ends."""

    def __init__(self, runner: Runner, tickets: TicketOffice, entry: str) -> None:
        self._runner = runner
        self._tickets = tickets
        self._entry = entry
        self._engine: ProcessEngine | None = None

    def run(self, state: CallState) -> None:
        """Execute a call in a worker and take what it reports; an interrupt ends the worker."""
        runner = self._runner
        while True:
            execution = self._attempt(state)
            if runner.mended(state, execution.failure):
                continue
            if execution.failure is None or not runner.may_retry(state, execution.failure):
                break
            runner.watcher.notice(f"{state.label} failed ({execution.failure.message}); trying again")
            runner.stopping.wait(backoff_seconds(state.attempt))
            state.attempt += 1
        self._tickets.forget(state)
        runner.take_execution(state, execution)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close(now=True)

    def _attempt(self, state: CallState) -> Execution:
        engine = self._started()
        self._runner.writer.flush()
        engine.start(self._tickets.make(state, Resources()))
        try:
            while True:
                reports = engine.poll(_WATCH_SECONDS)
                for label, text in self._tickets.lines(self._runner.states, engine.lines()):
                    self._runner.watcher.output(label, text)
                if reports:
                    return reports[0].execution or self._crashed(state, reports[0].failure)
        except KeyboardInterrupt:
            engine.cancel(state.index)
            raise

    def _crashed(self, state: CallState, failure: Failure | None) -> Execution:
        return crashed_execution(failure, self._tickets.read_log(state))

    def _started(self) -> ProcessEngine:
        if self._engine is None:
            from solvent.engines.processes import ProcessEngine

            self._engine = ProcessEngine(self._entry, 1, fork=False, preload=preloadable())
        return self._engine


def preloadable() -> list[str]:
    """Name the heavy installed packages that this process has loaded, for a server that starts anew."""
    heavy = ("numpy", "pandas", "pyarrow", "polars", "sklearn", "scipy", "lightgbm", "torch")
    return [name for name in heavy if name in sys.modules]
