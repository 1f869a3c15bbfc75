"""What `solvent run` shows while it works: a live tree on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from solvent.runs.events import Silent, StepEvent
from solvent.runs.words import seconds_text


def make_watcher(*, quiet: bool) -> Any:
    """Choose how progress is shown on standard error."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty():
        from solvent.cli.live import LiveTree

        return LiveTree()
    return Lines()


class Quiet(Silent):
    """Shows nothing but notices and what steps print."""

    shows_output = True

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def output(self, label: str, text: str) -> None:
        _tell(text)

    def notice(self, text: str) -> None:
        _tell(f"solvent: {text}")


class Lines(Quiet):
    """Shows one line for each step run that ends, and each line that a step prints after its label."""

    def run_started(self, run_id: str, pipeline: str, resumes: str | None) -> None:
        more = f", goes on from {resumes}" if resumes else ""
        _tell(f"run {run_id} of {pipeline}{more}")

    def step_changed(self, event: StepEvent) -> None:
        if event.status not in ("running", "waiting"):
            _tell(step_line(event))

    def output(self, label: str, text: str) -> None:
        _tell(f"  {label} | {text.rstrip()}")

    def run_ended(self, run_id: str, status: str, seconds: float, counts: dict[str, int]) -> None:
        told = ", ".join(f"{number} {name}" for name, number in counts.items()) or "no steps"
        _tell(f"{status} in {seconds_text(seconds)}: {told}")


def _tell(line: str) -> None:
    """Write a whole line at once: several threads tell, and `print` writes the end of a line by itself."""
    sys.stderr.write(line if line.endswith("\n") else line + "\n")


def step_line(event: StepEvent) -> str:
    """Give one line about a step run that has ended, at most 80 columns before the reason."""
    took = seconds_text(event.seconds) if event.status in ("done", "failed") else ""
    return f"  {event.status:9} {event.label:24} {took:>9}  {event.why}".rstrip()
