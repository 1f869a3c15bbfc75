"""The metrics of a run on a page: each with its interval, against the former run, and the curves of evaluations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from solvent.errors import SolventError
from solvent.profiles.numbers import change_text, number_text
from solvent.profiles.plots import Series, confusion_matrix, curve_chart, line_chart
from solvent.profiles.records import Curve, Interval, Metrics
from solvent.profiles.svg import Drawing, Svg
from solvent.reports.pictures import stored_value
from solvent.runs.measured import NO_EVIDENCE, MetricDifference, compare_metrics, is_evaluation
from solvent.runs.views import Run, StepRun

_CURVES = (
    ("roc", "ROC"),
    ("precision_recall", "precision and recall"),
    ("calibration", "calibration"),
)
_MOST_SERIES = 24
_LINES = 6
_CLASSES = 20
_POINTS = 400


class MetricRow(NamedTuple):
    """A metric of a run: `was` is that of the former run; `verdict` says in words how the two stand."""

    step: str
    name: str
    value: str
    ends: str
    drawing: Svg | None
    was: str
    change: str
    verdict: str
    mark: str


class Evaluated(NamedTuple):
    """What an evaluation step found, drawn."""

    label: str
    about: str
    charts: Sequence[tuple[str, Svg]]
    slices: Sequence[tuple[str, str, Sequence[str]]]
    names: Sequence[str]
    notes: Sequence[str]


def metric_rows(run: Run, former: Run | None) -> list[MetricRow]:
    """Give a row for each metric of a run, in the order of its steps."""
    found = {each.name: each for each in compare_metrics(former, run)} if former else {}
    old = former.intervals if former else {}
    rows = []
    for step in run.steps:
        for name, each in step.intervals.items():
            full = f"{step.label}.{name}"
            rows.append(_metric_row(step.label, name, each, old.get(full), found.get(full)))
    return rows


def _metric_row(
    step: str, name: str, now: Interval, was: Interval | None, difference: MetricDifference | None
) -> MetricRow:
    verdict = difference.verdict if difference else ("unchanged" if was else "")
    change = ""
    if difference is not None and difference.change is not None:
        change = change_text(difference.change)
        if difference.change_interval:
            change += f" ({' to '.join(change_text(each) for each in difference.change_interval)})"
    return MetricRow(
        step,
        name,
        number_text(now.value),
        ends_text(now),
        whiskers([now, *([was] if was and was != now else [])]) if now.low is not None else None,
        number_text(was.value) if was else "",
        change,
        verdict,
        mark_of(verdict),
    )


def mark_of(verdict: str) -> str:
    """Give the shape that a verdict on a metric has."""
    return {"better": "ok", "worse": "alert", "higher": "note", "lower": "note"}.get(verdict, "unknown")


def ends_text(each: Interval) -> str:
    return f"{number_text(each.low)} to {number_text(each.high)}" if each.low is not None else ""


def whiskers(rows: Sequence[Interval], width: int = 150) -> Svg:
    """Draw numbers with their intervals on one scale, the first of them in the foreground's colour."""
    drawing = Drawing(width, 9 * len(rows) + 4, "spark")
    ends = [end for each in rows for end in (each.low, each.value, each.high) if end is not None and math.isfinite(end)]
    if ends:
        low, high = min(ends), max(ends)

        def place(value: float) -> float:
            return 5 + ((value - low) / (high - low) if high > low else 0.5) * (width - 10)

        for at, each in enumerate(rows):
            y, kind = 6.5 + 9 * at, "now" if at == 0 else "was"
            if each.low is not None and each.high is not None and math.isfinite(each.low + each.high):
                drawing.line("whisker" if at == 0 else "whisker was", place(each.low), y, place(each.high), y)
            if math.isfinite(each.value):
                drawing.dot(kind, place(each.value), y, 3.2)
    return drawing.done("; ".join(f"{number_text(each.value)} ({ends_text(each)})" for each in rows))


def evaluations(run: Run, former: Run | None) -> list[Evaluated]:
    """Draw the curves, the confusion matrix and the slices of each evaluation, over those of the former run."""
    before = {each.label: each for each in former.steps} if former else {}
    found = []
    for step in run.steps:
        metrics = evaluation(step)
        if metrics is not None:
            other = evaluation(before[step.label]) if step.label in before else None
            found.append(_evaluated(step.label, metrics, other, former))
    return found


def evaluation(step: StepRun) -> Metrics | None:
    """Read what an evaluation found; None where that can't be read any more."""
    if not is_evaluation(step):
        return None
    known = {each.name for each in fields(Metrics)}
    try:
        return Metrics(**{name: stored_value(each) for name, each in step.artifacts.items() if name in known})
    except (SolventError, TypeError):
        return None  # its bytes are gone, or another version wrote it


def _evaluated(label: str, metrics: Metrics, other: Metrics | None, former: Run | None) -> Evaluated:
    sides = [("this run", metrics)]
    if other is not None and former is not None and other.curves != metrics.curves:
        sides.append(("the former run", other))
    charts = curves_of(sides)
    if metrics.confusion and len(metrics.classes) <= _CLASSES:
        charts.append(("confusion", confusion_matrix(metrics.classes, metrics.confusion, "confusion matrix")))
    names = list(dict.fromkeys(name for each in metrics.slices for name in each.values))[:6]
    slices = [
        (each.name, number_text(each.rows), [_slice_text(each.values.get(name)) for name in names])
        for each in metrics.slices
    ]
    about = f"{metrics.task} of {number_text(metrics.rows)} rows"
    about += f", about {metrics.positive}" if metrics.positive else ""
    return Evaluated(label, about, charts, slices, names, metrics.notes)


def _slice_text(each: Interval | None) -> str:
    if each is None:
        return ""
    return number_text(each.value, 3) + (
        f" ({number_text(each.low, 3)} to {number_text(each.high, 3)})" if each.low is not None else ""
    )


def curves_of(sides: Sequence[tuple[str, Metrics]]) -> list[tuple[str, Svg]]:
    """Draw the curves of several evaluations over one another; of several classes, those of the first side."""
    found = []
    for kind, title in _CURVES:
        lines: list[tuple[str, Curve]] = []
        several = any(len([each for each in metrics.curves if each.name == kind]) > 1 for _, metrics in sides)
        for name, metrics in sides[:1] if several else sides[:_LINES]:
            own = [each for each in metrics.curves if each.name == kind][:_LINES]
            lines += [(each.label if several else name, each) for each in own]
        if lines:
            found.append((title, curve_chart(lines, title)))
    return found


def series_charts(runs: Sequence[tuple[str, Run]]) -> list[tuple[str, Svg]]:
    """Draw each metric that was logged as a series, one line for each of the runs that has it."""
    lines: dict[str, list[Series]] = {}
    for label, run in runs[:_LINES]:
        for step in run.steps:
            for name in step.metrics:
                points = step.series(name)
                if len(points) > 1:
                    lines.setdefault(f"{step.label}.{name}", []).append(_series(label, points))
    shown = list(lines.items())[:_MOST_SERIES]
    return [(name, line_chart(each, name, width=440, height=190, x_name="step")) for name, each in shown]


def _series(label: str, points: Sequence[tuple[int | None, float]]) -> Series:
    every = max(1, math.ceil(len(points) / _POINTS))
    kept = [*points[:-1:every], points[-1]]
    x = [float(step if step is not None else at * every) for at, (step, _) in enumerate(kept)]
    return Series(label, x, [value if math.isfinite(value) else None for _, value in kept])


def metric_words(found: Sequence[MetricDifference]) -> str:
    """Count how the metrics of two runs stand: "3 better, 1 worse, no evidence of a difference in 4"."""
    counts: dict[str, int] = {}
    for each in found:
        counts[each.verdict] = counts.get(each.verdict, 0) + 1
    parts = [f"{counts[word]} {word}" for word in ("better", "worse", "higher", "lower") if word in counts]
    if NO_EVIDENCE in counts:
        parts.append(f"{NO_EVIDENCE} in {counts[NO_EVIDENCE]}")
    return ", ".join(parts)


def plain(value: Any) -> str:
    """Show a value of a config."""
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
