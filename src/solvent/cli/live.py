"""The live tree of a run on a terminal."""

from __future__ import annotations

import threading
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from solvent.cli.progress import step_line
from solvent.runs.events import StepEvent
from solvent.runs.words import seconds_text

_MARKS = {
    "done": ("✓", "green"),
    "reused": ("=", "cyan"),
    "failed": ("✗", "red"),
    "skipped": ("-", "yellow"),
    "cancelled": ("-", "yellow"),
    "running": ("▸", "bold"),
}
_SHOWN = 12


class LiveTree:
    """Ended steps scroll by above; below stay the steps that run and the numbers so far."""

    shows_output = True

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._lock = threading.Lock()
        self._running: dict[int, str] = {}
        self._counts: dict[str, int] = {}
        self._live = Live(console=self._console, refresh_per_second=8, transient=True, get_renderable=self._draw)

    def __enter__(self) -> LiveTree:
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def run_started(self, run_id: str, pipeline: str, resumes: str | None) -> None:
        # Not before: it starts a thread, and the workers are forked from a process with none.
        self._live.start()
        more = f", goes on from {resumes}" if resumes else ""
        self._console.print(f"run [bold]{run_id}[/bold] of [bold]{pipeline}[/bold]{more}")

    def step_changed(self, event: StepEvent) -> None:
        with self._lock:
            if event.status == "running":
                self._running[event.position] = event.label
                return
            self._running.pop(event.position, None)
            self._counts[event.status] = self._counts.get(event.status, 0) + 1
        mark, style = _MARKS.get(event.status, ("?", ""))
        line = Text(f"{mark} {step_line(event).lstrip()}", style=style)
        self._console.print(line, no_wrap=True, overflow="ellipsis")

    def output(self, label: str, text: str) -> None:
        self._console.print(Text(f"  {label} | {text.rstrip()}", style="dim"))

    def notice(self, text: str) -> None:
        self._console.print(Text(f"solvent: {text}", style="yellow"))

    def make_room(self) -> None:
        self._live.stop()

    def run_ended(self, run_id: str, status: str, seconds: float, counts: dict[str, int]) -> None:
        self._live.stop()
        told = ", ".join(f"{number} {name}" for name, number in counts.items()) or "no steps"
        style = "green" if status == "done" else "red"
        self._console.print(Text(f"{status} in {seconds_text(seconds)}: {told}", style=style))

    def _draw(self) -> Any:
        with self._lock:
            labels = list(self._running.values())
            counts = dict(self._counts)
        lines = [Text(f"▸ {label}", style="bold") for label in labels[:_SHOWN]]
        if len(labels) > _SHOWN:
            lines.append(Text(f"  and {len(labels) - _SHOWN} more"))
        lines.append(Text("  ".join(f"{number} {name}" for name, number in counts.items()), style="dim"))
        return Text("\n").join(lines)
