"""What a run tells those who watch it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from solvent.config.masking import masked


class StepEvent(NamedTuple):
    """A change of one step run: its label, its status, and why; `seconds` when it ended."""

    position: int
    label: str
    status: str
    why: str = ""
    seconds: float = 0.0


class Watcher(Protocol):
    """Gets the events of a run, on the thread where they happen; it must be quick and never raise.

    With `shows_output` it gets what steps print, line by line, and the real streams do not. `make_room` tells it that a
    debugger takes the terminal.
    """

    shows_output: bool

    def run_started(self, run_id: str, pipeline: str, resumes: str | None) -> None: ...

    def step_changed(self, event: StepEvent) -> None: ...

    def output(self, label: str, text: str) -> None: ...

    def notice(self, text: str) -> None: ...

    def make_room(self) -> None: ...

    def run_ended(self, run_id: str, status: str, seconds: float, counts: dict[str, int]) -> None: ...


class Silent:
    """Watches nothing; what steps print goes where it always goes."""

    shows_output = False

    def run_started(self, run_id: str, pipeline: str, resumes: str | None) -> None:
        pass

    def step_changed(self, event: StepEvent) -> None:
        pass

    def output(self, label: str, text: str) -> None:
        print(text.rstrip("\n"), flush=True)

    def notice(self, text: str) -> None:
        pass

    def make_room(self) -> None:
        pass

    def run_ended(self, run_id: str, status: str, seconds: float, counts: dict[str, int]) -> None:
        pass


class Discreet:
    """Passes everything on to another watcher, but for the secrets in it."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.shows_output = watcher.shows_output
        self.run_started = watcher.run_started
        self.make_room = watcher.make_room
        self.run_ended = watcher.run_ended

    def step_changed(self, event: StepEvent) -> None:
        self._watcher.step_changed(event._replace(why=masked(event.why)))

    def output(self, label: str, text: str) -> None:
        self._watcher.output(label, masked(text))

    def notice(self, text: str) -> None:
        self._watcher.notice(masked(text))
