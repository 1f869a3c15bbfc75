"""What every engine can do, and what it reports."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from solvent.model import Execution, Failure, Ticket


class Report(NamedTuple):
    """How a ticket ended: its execution as the worker gave it, or the failure of the engine or the worker itself.

    Exactly one of the two is there. A failure of the step's own code is inside the execution.
    """

    ticket_id: int
    execution: Execution | None
    failure: Failure | None


class Engine(Protocol):
    """Runs tickets somewhere. Used from one thread; only `wake` may be called from another or from a signal handler."""

    capacity: int
    """How many tickets run at once; those beyond wait inside the engine, in the order they were started."""

    def start(self, ticket: Ticket) -> None:
        """Take a ticket and come back at once; each ticket gets exactly one report, unless it is cancelled."""

    def poll(self, timeout_seconds: float | None) -> list[Report]:
        """Wait for reports; come back with none when the time is over or `wake` was called. None waits for ever."""
        ...

    def wake(self) -> None:
        """Make a `poll` that waits, or the next one, come back at once."""

    def cancel(self, ticket_id: int) -> None:
        """End a ticket and everything it started; nothing is reported for it, and unknown ids are ignored."""

    def lines(self) -> list[tuple[int, str]]:
        """Give what the running steps printed since the last call, line by line with the ticket's id."""
        ...

    def close(self, now: bool = False) -> None:
        """Let the started tickets end (or end them, if `now`) and leave no process behind. May be called twice."""
