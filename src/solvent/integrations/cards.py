"""Model cards: what a recorded run says of a model, as Markdown with the metadata block that model hubs read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from solvent.errors import NotFoundError
from solvent.metadata.datasets import datasets_of_run
from solvent.metadata.profiles import list_findings
from solvent.model import ArtifactRef, Metric, StepRunRecord
from solvent.runs.consumers import MODEL_FORMATS
from solvent.runs.datasets import read_profile
from solvent.runs.views import Run, StepRun
from solvent.runs.words import seconds_text, short_type, size_text

_LIBRARIES = {"sklearn": "scikit-learn", "torch": "pytorch"}


class Model(NamedTuple):
    """An output that is a model, and the step run that gave it."""

    step: StepRun
    field: str
    artifact: ArtifactRef


def model_card(run: Run, model: Model) -> str:
    """Write the card of a model: what it is, what it was trained on, how good it is, how to make it again."""
    sections = (
        _block(run, model),
        f"# {run.pipeline}: {short_type(model.artifact.type)}\n",
        _about(run, model) + "\n",
        _section("Training data", _data(run, model)),
        _section("Evaluation", _evaluation(run)),
        _section("What to know", _findings(run)),
        _section("Config", _config(run)),
        _section("Notes", [f"- {note}" for note in run.notes]),
        _section("Make it again", _again(run, model)),
    )
    return "\n".join(each for each in sections if each)


def find_model(run: Run, step: StepRun | None = None, field: str | None = None) -> Model:
    """Find the model that is meant: of a step run, else the one that the run returned, else the last that it made."""
    steps = [step] if step is not None else run.steps
    found = [
        Model(each, name, artifact)
        for each in steps
        for name, artifact in _outputs(each)
        if artifact.format in MODEL_FORMATS and field in (None, name)
    ]
    if not found:
        what = f"`{step.label}` of run {run.id}" if step is not None else f"run {run.id}"
        raise NotFoundError(
            f"{what} gave no model",
            hint=f"models are outputs stored as {', '.join(MODEL_FORMATS)}: name RUN/STEP.FIELD",
        )
    returned = run.record.result or ""
    return next((each for each in reversed(found) if each.artifact.digest in returned), found[-1])


def _outputs(step: StepRun) -> Iterable[tuple[str, ArtifactRef]]:
    execution = step._record.execution
    return execution.outputs.items() if execution else ()


def _block(run: Run, model: Model) -> str:
    """Write the metadata block, as YAML."""
    import yaml

    library = model.artifact.type.partition(":")[0].partition(".")[0]
    results = [
        {"type": name, "name": name, "value": metric.value, "verified": False} for name, metric in _metrics(run).items()
    ]
    task = {"type": "tabular", "name": run.pipeline}
    dataset = {"type": "tabular", "name": _dataset_names(run) or run.pipeline}
    found: dict[str, Any] = {"library_name": _LIBRARIES.get(library, library), "tags": ["solvent", run.pipeline]}
    if results:
        entry = {"name": run.pipeline, "results": [{"task": task, "dataset": dataset, "metrics": results}]}
        found["model-index"] = [entry]
    return f"---\n{yaml.safe_dump(found, sort_keys=False, allow_unicode=True)}---\n"


def _dataset_names(run: Run) -> str:
    return ", ".join(
        dict.fromkeys(f"{name}@{use.number}" for name, use in datasets_of_run(run._stores.metadata, run.id))
    )


def _about(run: Run, model: Model) -> str:
    record, step, artifact = run.record, model.step, model.artifact
    commit = (
        f"commit {record.git_commit[:12]}{' with changes' if record.git_diff else ''}"
        if record.git_commit
        else "not in git"
    )
    facts = {
        "model": f"`{short_type(artifact.type)}`, {size_text(artifact.size_bytes)}, stored as {artifact.format}",
        "digest": f"`{artifact.digest}`",
        "made by": f"step `{step.label}` of run `{run.id}`" + (f", {_when(record.started_at)}" if record else ""),
        "who": f"{record.user} on {record.host}",
        "code": commit,
        "seed": str(record.seed),
        "training took": f"{seconds_text(step.executed_seconds)}, {seconds_text(step.cpu_seconds)} of CPU"
        + (f", at most {size_text(step.peak_memory_bytes)} of memory" if step.peak_memory_bytes else ""),
        "environment": _environment(run),
    }
    return _table(("", ""), facts.items())


def _environment(run: Run) -> str:
    found = run._stores.metadata.load_environment(run.record.environment) if run.record.environment else None
    if found is None:
        return "not recorded"
    record = json.loads(found[0])
    return f"Python {record.get('python', '?')}, {record.get('platform', '?')}"


def _data(run: Run, model: Model) -> list[str]:
    """Describe every table that the model was made from, up to the sources."""
    named = {(use.run_id, use.position, use.field): f"{name}@{use.number}" for name, use in _uses(run)}
    rows = []
    for record, field, artifact in _made_from(run, model):
        profile = read_profile(run._stores, artifact.digest, artifact.type)
        if profile is None:
            continue
        name = named.get((run.id, record.position, field), f"{record.name}{'.' + field if field else ''}")
        rows.append((f"`{name}`", f"{profile.rows:,}", str(len(profile.columns)), f"`{artifact.digest[:12]}`"))
    return [_table(("table", "rows", "columns", "digest"), rows)] if rows else []


def _uses(run: Run) -> Any:
    return datasets_of_run(run._stores.metadata, run.id)


def _made_from(run: Run, model: Model) -> Iterator[tuple[StepRunRecord, str, ArtifactRef]]:
    """Give the outputs of this run that the model depends on, sources first."""
    records = {each.position: each._record for each in run.steps}
    needed: set[tuple[int, str]] = set()
    todo = [model.step.position]
    while todo:
        for given in records[todo.pop()].inputs:
            place = (given.position, given.field or "")
            if given.position in records and place not in needed:
                needed.add(place)  # type: ignore[arg-type]
                todo.append(given.position)  # type: ignore[arg-type]
    for position, field in sorted(needed):
        execution = records[position].execution
        if execution and field in execution.outputs:
            yield records[position], field, execution.outputs[field]


def _metrics(run: Run) -> dict[str, Metric]:
    """Give the last value of each metric of the run, by "step.metric" where several steps log it."""
    found: dict[str, list[tuple[str, Metric]]] = {}
    for step in run.steps:
        for metric in step._metrics:
            found.setdefault(metric.name, []).append((step.label, metric))
    last: dict[str, Metric] = {}
    for name, all_of in found.items():
        steps = {label for label, _ in all_of}
        for label, metric in all_of:
            last[name if len(steps) == 1 else f"{label}.{name}"] = metric
    return last


def _evaluation(run: Run) -> list[str]:
    rows = []
    for name, metric in _metrics(run).items():
        known = metric.low is not None and metric.high is not None
        interval = f"{metric.low:.4g} to {metric.high:.4g}" if known else ""
        rows.append((name, f"{metric.value:.4g}", interval))
    return [_table(("metric", "value", "95 % interval"), rows)] if rows else []


def _findings(run: Run) -> list[str]:
    found = list_findings(run._stores.metadata, run.id)
    checks = [
        check for step in run.steps for check in (step._record.execution.checks if step._record.execution else ())
    ]
    lines = [f"- **{each.severity}**: {each.subject}: {each.message}" for each in found]
    if checks:
        passed = sum(check.status == "passed" for check in checks)
        lines.append(f"- {passed} of {len(checks)} checks of the data passed.")
    return lines


def _config(run: Run) -> list[str]:
    import yaml

    text = yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True).strip()
    return [f"```yaml\n{text}\n```"] if run.config else []


def _again(run: Run, model: Model) -> list[str]:
    label = model.step.label + (f".{model.field}" if model.field else "")
    return [f"```console\n$ solvent remake {run.id}/{label}\n```"]


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f"## {title}\n\n{body}\n" if body else ""


def _table(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(each) for each in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
