"""The run page: how a run ended, what is different from the one before, its metrics, data, steps and logs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.metadata.datasets import datasets_of_run
from solvent.metadata.profiles import find_profile, list_findings
from solvent.model import WHOLE, ArtifactRef
from solvent.profiles.charts import cut, sparkline
from solvent.profiles.numbers import number_text
from solvent.profiles.plots import Series, confusion_matrix, curve_chart, intervals, line_chart
from solvent.profiles.records import Interval, Metrics, Profile, SplitRecord, profile_from_json
from solvent.profiles.svg import Svg
from solvent.reports.data import told
from solvent.reports.graph import draw_graph
from solvent.reports.pages import Alert, Fact, Report, moment, render, worst
from solvent.runs.compare import Comparison, compare, shown
from solvent.runs.measured import NO_EVIDENCE, MetricDifference
from solvent.runs.views import Run, StepRun
from solvent.runs.words import seconds_text, short_type, size_text

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

FORMER_RUNS = 5
"""How many runs before are laid under the series of a metric."""

_LOG_CHARACTERS = 20_000
_SPARKLINES = 8
_CELL = 60
_SLICES = 40
_FIGURE_BYTES = 2 << 20


def run_report(run: Run, stores: Stores) -> Report:
    """Make the page of a run, against the one before it of the same pipeline and project."""
    former = _runs_before(run, stores)
    comparison = compare(former[0], run) if former else None
    changes, following = _changes(comparison)
    alerts = _alerts(run, stores)
    steps = [_step_row(step, run, stores) for step in run.steps]
    return render(
        "run.html",
        run.id,
        kind=f"run of {run.pipeline}",
        command=f"solvent report run {run.id}",
        run=run,
        error=run.error,
        severity="alert" if run.status in ("failed", "interrupted") else worst([each.severity for each in alerts]),
        summary=_summary(run, comparison),
        facts=_facts(run),
        alerts=alerts,
        failures=[each for each in steps if each.failure],
        graph=draw_graph(run.steps),
        changes=changes,
        following=following,
        former=former[0] if former else None,
        evaluations=[_evaluation(step) for step in run.steps if step.evaluation is not None],
        metrics=_logged(run),
        series=list(_series(run, former)),
        pictures=list(_attachments(run, "figure")),
        texts=list(_attachments(run, "text")),
        config=_config(run, comparison),
        steps=steps,
        splits=[(step.label, record) for step in run.steps if (record := _split(step)) is not None],
        environment=_environment(run, stores),
        again=_again(run),
    )


def _runs_before(run: Run, stores: Stores) -> list[Run]:
    """Give the newest runs of the same pipeline before this one that ended well."""
    found = stores.metadata.list_runs(
        pipeline=run.pipeline, status="done", limit=FORMER_RUNS, before=run.id, project=run.record.project or None
    )
    return [Run(record, stores) for record in found]


def _summary(run: Run, comparison: Comparison | None) -> str:
    """Say how it ended, and what is different from the run before."""
    took = f" in {seconds_text(run.seconds)}" if run.seconds is not None else ""
    ended = f"{run.status}{took}"
    if comparison is None:
        return f"{ended}; there is no run before it to compare with."
    verdicts = [each.verdict for each in comparison["metrics"]]
    parts = [f"{verdicts.count(word)} metrics {word}" for word in ("better", "worse") if word in verdicts]
    if verdicts and not parts:
        parts.append("no evidence of a difference in the metrics" if NO_EVIDENCE in verdicts else "metrics moved")
    parts += [f"{section} changed" for section in ("data", "code", "config", "environment") if comparison[section]]
    return f"{ended}; against {comparison.first.id}: {', '.join(parts) or 'nothing changed'}."


def _facts(run: Run) -> list[Fact]:
    record = run.record
    commit = f"{record.git_commit[:12]}" if record.git_commit else ""
    counts = ", ".join(f"{number} {status}" for status, number in run.counts.items())
    return [
        Fact("steps", counts),
        Fact("by", record.user, f"on {record.host}"),
        Fact("started", moment(record.started_at), f"took {seconds_text(run.seconds)}"),
        Fact("commit", commit, "with uncommitted changes" if record.git_diff else record.git_branch or "", mono=True),
        Fact("engine", record.engine, f"seed {record.seed}"),
        Fact("command", record.command, mono=True),
        Fact("tags", ", ".join(run.tags)),
        Fact("goes on from", record.resumes or ""),
    ]


def _alerts(run: Run, stores: Stores) -> list[Alert]:
    found = [told(each) for each in list_findings(stores.metadata, run.id)]
    for step in run.steps:
        found += [
            Alert("alert", step.label, f"{check.name}: {check.status}: {check.message}")
            for check in step.checks
            if check.status in ("failed", "broken")
        ]
    return sorted(found, key=lambda each: each.severity != "alert")


# What is different


class Change(NamedTuple):
    """One thing that differs from the run before."""

    section: str
    name: str
    first: str
    second: str
    verdict: str = ""


def _changes(comparison: Comparison | None) -> tuple[list[Change], list[Change]]:
    """Give what differs, and apart from it the outputs that differ only because of it."""
    said: list[Change] = []
    following: list[Change] = []
    for section, found in (comparison.sections if comparison is not None else {}).items():
        for each in found:
            verdict = each.verdict if isinstance(each, MetricDifference) else ""
            change = Change(section, each.name, cut(shown(each.first), _CELL), cut(shown(each.second), _CELL), verdict)
            (following if section == "data" and not each.name.startswith(("file ", "source ")) else said).append(change)
    return said, following


class Setting(NamedTuple):
    name: str
    value: str
    source: str
    was: str


def _config(run: Run, comparison: Comparison | None) -> list[Setting]:
    sources = json.loads(run.record.config_sources)
    was = {each.name: shown(each.first) for each in comparison["config"]} if comparison is not None else {}
    return [
        Setting(name, shown(value), sources.get(name, ""), was.get(name, "")) for name, value in _leaves(run.config, "")
    ]


def _leaves(tree: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, dict) or not tree:
        yield prefix, tree
        return
    for name, each in tree.items():
        yield from _leaves(each, f"{prefix}.{name}" if prefix else name)


# Metrics


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation as drawings."""

    label: str
    found: Metrics
    chart: Svg
    curves: list[tuple[str, Svg]]
    confusion: Svg | None
    slices: list[tuple[str, str, list[str]]]
    names: list[str]


def _evaluation(step: StepRun) -> Evaluation:
    found = step.evaluation
    assert found is not None
    names = [name for name in _CHIEF if name in found.values] or list(found.values)[:4]
    return Evaluation(
        step.label,
        found,
        intervals(list(found.values.items()), "metrics with 95 % intervals"),
        [(each.name.replace("_", " "), curve_chart([(step.label, each)], each.name)) for each in _curves(found)],
        confusion_matrix(found.classes, found.confusion, "confusion matrix") if found.confusion else None,
        [
            (each.name, f"{each.rows:,}", [_cell(each.values.get(name)) for name in names])
            for each in found.slices[:_SLICES]
        ],
        names,
    )


_CHIEF = ("roc_auc", "accuracy", "f1", "log_loss", "rmse", "mae", "r2")


def _curves(found: Metrics) -> list[Any]:
    """Give the curves that are drawn: of many classes only the first few."""
    return [each for each in found.curves if each.name in ("roc", "precision_recall", "calibration")][:6]


def _cell(value: Interval | None) -> str:
    if value is None:
        return "–"
    ends = f" [{number_text(value.low)}, {number_text(value.high)}]" if value.low is not None else ""
    return number_text(value.value) + ends


def _logged(run: Run) -> list[tuple[str, str]]:
    """Give the metrics that no evaluation shows, with their last values."""
    return [
        (f"{step.label}.{name}", _cell(value))
        for step in run.steps
        if step.evaluation is None
        for name, value in step.intervals.items()
    ]


def _series(run: Run, former: Sequence[Run]) -> Iterator[tuple[str, Svg]]:
    """Draw every metric that was logged as a series, with those of the runs before."""
    for step in run.steps:
        for name in step.intervals:
            points = step.series(name)
            if len(points) < 2:
                continue
            lines = [_line("this run", points)]
            for before in former[: FORMER_RUNS - 1]:
                found = next((each for each in before.steps if each.label == step.label), None)
                if found is not None and len(found.series(name)) > 1:
                    lines.append(_line(before.id, found.series(name)))
            yield f"{step.label}.{name}", line_chart(lines, name, x_name="step")


def _line(name: str, points: Sequence[tuple[int | None, float]]) -> Series:
    return Series(
        name, [float(at if step is None else step) for at, (step, _) in enumerate(points)], [y for _, y in points]
    )


# Steps


@dataclass(frozen=True, slots=True)
class Output:
    """One stored output: its dataset version if it is one, and its columns as small histograms if it is a table."""

    name: str
    version: str
    what: str
    columns: list[tuple[str, Svg]] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True, slots=True)
class StepRow:
    """One call as a row of the page."""

    label: str
    status: str
    seconds: str
    memory: str
    why: str
    inputs: str
    outputs: list[Output]
    checks: list[Any]
    failure: Any
    log: str
    shortened: bool


def _step_row(step: StepRun, run: Run, stores: Stores) -> StepRow:
    named = {
        (use.position, use.field): f"{name}@{use.number}" for name, use in datasets_of_run(stores.metadata, run.id)
    }
    execution = step._record.execution
    outputs = execution.outputs.items() if execution else ()
    log = step.log
    return StepRow(
        step.label,
        step.status,
        seconds_text(step.seconds) if step.seconds else "",
        size_text(step.peak_memory_bytes) if step.peak_memory_bytes and step.memory_scope == "step" else "",
        step.why,
        ", ".join(f"{each.name}: {short_type(each.type)}" for each in step.input_records),
        [_output(name, artifact, named.get((step.position, name), ""), stores) for name, artifact in outputs],
        list(step.checks),
        step.error,
        log[-_LOG_CHARACTERS:],
        len(log) > _LOG_CHARACTERS,
    )


def _output(name: str, artifact: ArtifactRef, version: str, stores: Stores) -> Output:
    shown_name = name if name != WHOLE else "output"
    words = f"{short_type(artifact.type)}, {size_text(artifact.size_bytes)}"
    profile = _profile(artifact, stores)
    if profile is None:
        return Output(shown_name, version, words)
    columns = [(column.name, sparkline(column, width=96, height=22)) for column in profile.columns[:_SPARKLINES]]
    what = f"{profile.rows:,} rows × {len(profile.columns)} columns, {words}"
    return Output(shown_name, version, what, columns, len(profile.columns) - len(columns))


def _profile(artifact: ArtifactRef, stores: Stores) -> Profile | None:
    found = find_profile(stores.metadata, artifact.digest, artifact.type)
    return profile_from_json(found.record) if found is not None and found.record else None


def _split(step: StepRun) -> SplitRecord | None:
    for artifact in step.artifacts.values():
        if artifact.type.endswith(":SplitRecord"):
            found = artifact.value()
            return found if isinstance(found, SplitRecord) else None
    return None


class Picture(NamedTuple):
    label: str
    name: str
    content: str


def _attachments(run: Run, kind: str) -> Iterator[Picture]:
    """Give what steps logged: figures as addresses that hold their bytes, texts as they are."""
    for step in run.steps:
        for name, artifact in step.attachments.items():
            if kind == "figure" and artifact.format == "figure" and artifact.size_bytes <= _FIGURE_BYTES:
                picture = artifact.value()
                content = base64.b64encode(picture.data).decode()
                yield Picture(step.label, name, f"data:{picture.media_type};base64,{content}")
            elif kind == "text" and artifact.format == "text":
                yield Picture(step.label, name, str(artifact.value())[:_LOG_CHARACTERS])


def _environment(run: Run, stores: Stores) -> list[Fact]:
    found = stores.metadata.load_environment(run.record.environment) if run.record.environment else None
    record = json.loads(found[0]) if found else {}
    return [
        Fact("Python", str(record.get("python", ""))),
        Fact("platform", str(record.get("platform", ""))),
        Fact("packages", str(len(record.get("packages", record.get("distributions", ()))) or "")),
    ]


def _again(run: Run) -> list[str]:
    return [f"solvent remake {run.id}", f"solvent run {run.record.target}"]
