"""The run page: how a run went against the former one, its graph, metrics, data, and how to make it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.metadata.datasets import datasets_of_run
from solvent.metadata.models import versions_of_run
from solvent.metadata.profiles import list_findings
from solvent.model import WHOLE, CheckResult
from solvent.profiles.charts import cut
from solvent.profiles.numbers import number_text
from solvent.profiles.records import SplitRecord
from solvent.reports.data import told
from solvent.reports.graph import draw_graph
from solvent.reports.measures import evaluations, metric_rows, metric_words, plain, series_charts
from solvent.reports.pages import Alert, Fact, Report, moment, render
from solvent.reports.pictures import logged, stored_value
from solvent.reports.steps import sections_of
from solvent.runs.compare import Comparison, compare, shown
from solvent.runs.measured import chief_metric
from solvent.runs.views import Run, StepRun
from solvent.runs.words import seconds_text

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

_OVERLAID = 5
_VALUE = 200
_WIDE = 80
_MOST_MOVED = 300
_ALERTS = 40
_STATES = {"done": "ok", "failed": "alert", "interrupted": "warn", "running": "unknown"}
_TRACEBACK = 20_000


class Setting(NamedTuple):
    """One value of the config: where it comes from, and what it was in the former run if that differs."""

    name: str
    value: str
    origin: str
    was: str
    changed: bool


class Breakdown(NamedTuple):
    """A step that failed."""

    label: str
    anchor: str
    kind: str
    message: str
    traceback: str


def run_report(run: Run, stores: Stores) -> Report:
    """Make the page of a run, against the last one before it of the same pipeline and project that ended well."""
    earlier = runs_before(run, _OVERLAID)
    former = next((each for each in earlier if each.status == "done"), earlier[0] if earlier else None)
    comparison = compare(former, run) if former else None
    used = datasets_of_run(stores.metadata, run.id)
    sections = sections_of(run, versions_by_place(run))
    done = [each for each in earlier if each.status == "done"]
    return render(
        "run.html",
        run.id,
        kind=f"run of {run.pipeline}",
        command=f"solvent report run {run.id}",
        run=run,
        former=former,
        state=_STATES.get(run.status, "unknown"),
        lead=_lead(run),
        changes=_changes(run, former, comparison),
        facts=_facts(run),
        failures=_failures(run),
        error="" if any(each.error for each in run.steps) else (run.error or ""),
        alerts=_alerts(run, stores),
        graph=draw_graph(run.steps),
        metrics=metric_rows(run, former),
        evaluations=evaluations(run, former),
        series=series_charts([("this run", run), *((each.id, each) for each in done)]),
        logged=logged(run),
        settings=_settings(run, former),
        moved=_moved(comparison),
        datasets=[(f"{name}@{use.number}", _label(run, use.position)) for name, use in used],
        steps=sections,
        checks=[(each.label, check) for each in run.steps for check in each.checks],
        splits=_splits(run),
        environment=_environment(run),
        again=_again(run),
    )


def runs_before(run: Run, limit: int) -> list[Run]:
    """Give the runs of the same pipeline before a run, newest first."""
    found = run._stores.metadata.list_runs(
        run.pipeline, limit=limit, before=run.id, project=run.record.project or run._stores.project_name
    )
    return [Run(each, run._stores) for each in found]


def versions_by_place(run: Run) -> dict[tuple[int, str], str]:
    """Name the dataset versions that the steps of a run gave, by (position, field)."""
    found = datasets_of_run(run._stores.metadata, run.id)
    return {
        (use.position, use.field if use.field != WHOLE else "output"): f"{name}@{use.number}" for name, use in found
    }


def _label(run: Run, position: int) -> str:
    return next((each.label for each in run.steps if each.position == position), "")


def _lead(run: Run) -> str:
    took = seconds_text(run.seconds) if run.seconds is not None else ""
    return {
        "done": f"in {took}",
        "failed": f"after {took}" if took else "",
        "running": f"since {moment(run.started_at)}; the page shows what was known when it was made",
        "interrupted": f"{f'after {took}; ' if took else ''}the same command goes on from what is done",
    }.get(run.status, "")


def _changes(run: Run, former: Run | None, found: Comparison | None) -> str:
    """Say in one or two sentences how a run stands against the former one."""
    if former is None or found is None:
        return f"It is the first run of {run.pipeline} on record: there is no run before it to compare with."
    words = metric_words(found["metrics"])
    chief = [_chief(each) for each in (former, run)]
    lead = f"{chief[0]} → {chief[1]}" if chief[0] and chief[1] and chief[0] != chief[1] else ""
    measured = f"metrics: {words}" if words else "the metrics are equal" if run.metrics else ""
    config = [f"{each.name} {cut(plain(each.first))} → {cut(plain(each.second))}" for each in found["config"]]
    changed = [
        _change("config", config, "changed"),
        _change("code", [each.name.rpartition(":")[2] for each in found["code"]], "changed"),
        _change("data", data_changes(former, run, found), "changed"),
        _change("packages", [each.name for each in found["environment"]], "changed"),
    ]
    parts = [each for each in (lead, measured) if each]
    return f"Against run {former.id}{_state(former)}: {'; '.join([*parts, *changed])}."


def _state(run: Run) -> str:
    return "" if run.status == "done" else f" ({run.status})"


def _chief(run: Run) -> str | None:
    return chief_metric({name.rpartition(".")[2]: each for name, each in run.intervals.items()})


def _change(what: str, names: Sequence[str], word: str) -> str:
    if not names:
        return f"{what} as before"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{what} {word} ({', '.join(names[:3])}{more})"


def data_changes(former: Run, run: Run, found: Comparison) -> list[str]:
    """Name what two runs read that differs: dataset versions, files, sources."""
    versions = [set(versions_by_place(each).values()) for each in (former, run)]
    names = sorted(versions[1] - versions[0])
    read = [each.name for each in found["data"] if each.name.partition(" ")[0] in ("file", "source", "folder")]
    return [*names, *dict.fromkeys(read)]


def _facts(run: Run) -> list[Fact]:
    record = run.record
    models = versions_of_run(run._stores.metadata, run.id)
    counts = ", ".join(f"{number} {status}" for status, number in run.counts.items())
    commit = ""
    if record.git_commit:
        commit = f"on {record.git_branch or 'no branch'}, " + (
            "with uncommitted changes" if record.git_diff else "nothing uncommitted"
        )
    return [
        Fact("started", moment(run.started_at), f"by {record.user} on {record.host}" if record.user else ""),
        Fact("took", seconds_text(run.seconds) if run.seconds is not None else "not ended", f"engine {record.engine}"),
        Fact("steps", number_text(len(run.steps)), counts),
        Fact("commit", (record.git_commit or "")[:10], commit, mono=True),
        Fact("seed", str(record.seed)),
        Fact("goes on from", record.resumes or "", mono=True),
        Fact("sweep", record.sweep or ""),
        Fact("models", ", ".join(f"{row.endpoint}@{row.number}" for row in models)),
        Fact("project", record.project, f"copied from {record.origin}" if record.origin else ""),
        Fact("tags", ", ".join(run.tags)),
        *(Fact("note", cut(each, 400)) for each in run.notes),
    ]


def _failures(run: Run) -> list[Breakdown]:
    return [_breakdown(each) for each in run.steps if each.error is not None]


def _breakdown(step: StepRun) -> Breakdown:
    error = step.error
    assert error is not None
    return Breakdown(step.label, f"#s{step.position}", error.kind, error.message, error.traceback[-_TRACEBACK:])


def _alerts(run: Run, stores: Stores) -> list[Alert]:
    """List findings and failed checks, worst first."""
    found = [
        _check_alert(step, check)
        for step in run.steps
        for check in step.checks
        if check.status in ("failed", "broken", "warned")
    ]
    said = {each.message for each in found}
    for each in list_findings(stores.metadata, run.id):
        if each.message in said or (each.kind == "check" and found):
            continue
        found.append(told(each))
    found.sort(key=lambda each: each.severity != "alert")
    if len(found) > _ALERTS:
        rest = len(found) - _ALERTS
        found = [*found[:_ALERTS], Alert("warn", f"{rest} more findings", "are not shown", command="solvent show")]
    return found


def _check_alert(step: StepRun, check: CheckResult) -> Alert:
    severity = "warn" if check.status == "warned" else "alert"
    words = f"check {check.name} {check.status}" + (f": {check.message}" if check.message else "")
    return Alert(severity, step.label, words, href=f"#s{step.position}")


def _settings(run: Run, former: Run | None) -> list[Setting]:
    now, was = _leaves(run.config), _leaves(former.config) if former else {}
    origins: dict[str, Any] = _leaves(json.loads(run.record.config_sources))
    found = []
    for name in dict.fromkeys([*now, *was]):
        changed = former is not None and (name not in now or name not in was or now[name] != was[name])
        value = cut(plain(now[name]), _VALUE) if name in now else "(none)"
        before = (cut(plain(was[name]), _VALUE) if name in was else "(none)") if changed else ""
        found.append(Setting(name, value, str(origins.get(name, "")), before, changed))
    return sorted(found, key=lambda each: not each.changed)


def _leaves(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Name each leaf of a tree of dicts by its dotted path."""
    if not isinstance(tree, dict) or not tree:
        return {prefix: tree} if prefix else {}
    found: dict[str, Any] = {}
    for name, each in tree.items():
        found |= _leaves(each, f"{prefix}.{name}" if prefix else str(name))
    return found


def _moved(found: Comparison | None) -> list[tuple[str, str, str, str]]:
    """List what differs from the former run besides metrics and config: section, name, then, now."""
    sections = found.sections if found else {}
    return [
        (section, cut(each.name, _WIDE), cut(shown(each.first), _WIDE), cut(shown(each.second), _WIDE))
        for section, differing in sections.items()
        if section not in ("metrics", "config")
        for each in differing
    ][:_MOST_MOVED]


def _splits(run: Run) -> list[tuple[str, SplitRecord]]:
    """Read the split records that the steps gave."""
    from solvent.errors import SolventError

    kind = f"{SplitRecord.__module__}:{SplitRecord.__qualname__}"
    found: list[tuple[str, SplitRecord]] = []
    for step in run.steps:
        for artifact in step.artifacts.values():
            if artifact.type == kind and len(found) < _OVERLAID:
                try:
                    found.append((step.label, stored_value(artifact)))
                except SolventError:
                    continue
    return found


def _environment(run: Run) -> dict[str, Any]:
    digest = run.record.environment
    loaded = run._stores.metadata.load_environment(digest) if digest else None
    about: dict[str, Any] = json.loads(loaded[0]) if loaded else {}
    return {
        "python": about.get("python", ""),
        "platform": about.get("platform", ""),
        "packages": [(str(name), str(version)) for name, version in dict(about.get("distributions", [])).items()],
    }


def _again(run: Run) -> list[tuple[str, str]]:
    """Give the commands that make a run again, each with what it does."""
    record = run.record
    found = [(f"solvent remake {run.id}", "executes its steps again with its own code and inputs, and compares")]
    if record.git_commit:
        more = "; its uncommitted changes are in the run's record" if record.git_diff else ""
        found.append((f"git checkout {record.git_commit[:12]}", f"brings back the files{more}"))
    words = record.command.removeprefix("main.py ")
    if words.startswith("run "):
        words = f"solvent {words}"
    if words:
        found.append((cut(words, 400), "is how it was started"))
    return found
