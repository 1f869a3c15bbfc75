"""A run as a small table for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solvent.runs.views import Run

_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top"
_LONGEST = 60


def run_html(run: Run) -> str:
    """Draw the run's head line and one row for each step run; long runs are cut, and say so."""
    from solvent.runs.words import seconds_text

    head = f"run <code>{escape(run.id)}</code> of <b>{escape(run.pipeline)}</b>: {escape(run.status)}"
    head += f" in {seconds_text(run.seconds)}" if run.seconds is not None else ""
    rows = [
        _row("td", step.label, step.status, seconds_text(step.seconds), step.why, _metrics(step.metrics))
        for step in run.steps[:_LONGEST]
    ]
    cut = f"<p>and {len(run.steps) - _LONGEST} more step runs</p>" if len(run.steps) > _LONGEST else ""
    table = "".join([_row("th", "step", "status", "took", "why", "metrics"), *rows])
    return f'<div><p>{head}</p><table style="border-collapse:collapse">{table}</table>{cut}</div>'


def _row(kind: str, *cells: str) -> str:
    return "<tr>" + "".join(f'<{kind} style="{_CELL}">{escape(cell)}</{kind}>' for cell in cells) + "</tr>"


def _metrics(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
