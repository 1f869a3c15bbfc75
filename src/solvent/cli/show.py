"""`solvent show`: a run with its steps, or one step run with all that it left behind."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, find_run_or_step, open_stores
from solvent.cli.output import format_text, moment, print_json, table, wrapped
from solvent.cli.run import result_text, run_json
from solvent.model import CheckResult
from solvent.runs.measured import chief_metric, interval_text
from solvent.runs.views import Run, StepRun
from solvent.runs.words import seconds_text, short_type, size_text


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what", metavar="RUN", nargs="?", default="latest", help="RUN, RUN/STEP, STEP or STEP[1]; the latest run"
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        found = find_run_or_step(arguments.what, stores)
        if isinstance(found, Run):
            environment = _environment(found.record.environment, stores.metadata)
            if arguments.json:
                more = {"datasets": _datasets(found, stores.metadata), "models": _models(found, stores.metadata)}
                print_json({**_run_facts(found, environment), **more})
            else:
                made = _datasets(found, stores.metadata), _models(found, stores.metadata)
                print("\n".join(_run_lines(found, environment, *made)))
        else:
            observations = stores.metadata.step_run(*(found.source or (found.run_id, found.position)))
            facts = _whole_step(found, observations, stores.metadata)
            if arguments.json:
                print_json(facts)
            else:
                print("\n".join(_step_lines(found, facts)))
    return 0


def _environment(digest: str | None, metadata: Any) -> dict[str, Any] | None:
    loaded = metadata.load_environment(digest) if digest else None
    if loaded is None:
        return None
    about = json.loads(loaded[0])
    found: dict[str, Any] = {name: about[name] for name in ("python", "platform") if name in about}
    return {"digest": digest, **found, "distributions": len(about.get("distributions", ()))}


def _datasets(run: Run, metadata: Any) -> list[dict[str, Any]]:
    """Tell which dataset versions the steps of a run gave."""
    from solvent.metadata.datasets import datasets_of_run

    steps = {step.position: step.label for step in run.steps}
    return [
        {"name": name, "number": use.number, "step": steps.get(use.position, ""), "field": use.field}
        for name, use in datasets_of_run(metadata, run.id)
    ]


def _models(run: Run, metadata: Any) -> list[str]:
    """Name the model versions that were cut out of a run."""
    from solvent.metadata.models import versions_of_run

    return [f"{row.endpoint}@{row.number}" for row in versions_of_run(metadata, run.id)]


def _run_facts(run: Run, environment: dict[str, Any] | None) -> dict[str, Any]:
    record = run.record
    facts = {name: getattr(record, name) for name in record.__slots__ if name not in ("result", "counts")}
    return {
        **facts,
        **run_json(run),
        "steps": [{**_step_facts(step), **_measured(step)} for step in run.steps],
        "config": run.config,
        "config_sources": json.loads(record.config_sources),
        "environment": environment,
        "tags": run.tags,
        "notes": run.notes,
    }


def _run_lines(
    run: Run, environment: dict[str, Any] | None, datasets: list[dict[str, Any]], models: list[str]
) -> list[str]:
    lines = [f"run {run.id} of {run.pipeline}: {run.status}", *_header(run, environment)]
    if run.status == "done":
        lines += wrapped("result", result_text(run))
    lines += wrapped("datasets", ", ".join(f"{each['name']}@{each['number']} ({each['step']})" for each in datasets))
    lines += wrapped("models", ", ".join(models))
    lines += ["", *_step_table(run.steps)]
    measured = [line for step in run.steps for line in wrapped(step.label, _metrics(step.intervals))]
    return [*lines, "", "metrics", *measured] if measured else lines


def _header(run: Run, environment: dict[str, Any] | None) -> list[str]:
    """Say who ran what, when, where and with what."""
    record = run.record
    lines = wrapped("started", f"{moment(record.started_at)} by {record.user} on {record.host}, in {record.cwd}")
    lines += wrapped("project", record.project + (f", copied from {record.origin}" if record.origin else ""))
    took = seconds_text(run.seconds) if run.seconds is not None else "unknown"
    lines += wrapped("took", f"{took}, engine {record.engine}, run seed {record.seed}")
    lines += wrapped("command", record.command)
    if record.git_commit:
        dirty = ", with uncommitted changes" if record.git_diff else ""
        lines += wrapped("git", f"{record.git_commit[:12]} on {record.git_branch or 'no branch'}{dirty}")
    if environment:
        packages = f"{environment['distributions']} distributions, {environment['digest'][:12]}"
        lines += wrapped("python", f"{environment.get('python')} on {environment.get('platform')}, {packages}")
    lines += wrapped("goes on", f"from run {record.resumes}" if record.resumes else "")
    lines += wrapped("sweep", record.sweep or "")
    lines += wrapped("config", ", ".join(f"{name}={_plain(value)}" for name, value in run.config.items()))
    lines += wrapped("tags", ", ".join(run.tags))
    for note in run.notes:
        lines += wrapped("note", note)
    for line in (run.error or "").splitlines():
        lines += wrapped("error", line.strip())
    return lines


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _step_table(steps: list[StepRun]) -> list[str]:
    if not steps:
        return ["no step was called"]
    executed = ("done", "failed")
    rows = [(s.label, s.status, seconds_text(s.seconds) if s.status in executed else "", s.why) for s in steps]
    return [table(("step", "status", "took", "why"), rows, stretch=3, right=(2,))]


def _step_facts(step: StepRun) -> dict[str, Any]:
    return {
        "name": step.name,
        "index": step.index,
        "status": step.status,
        "seconds": step.seconds,
        "why": step.why,
        "key": step.key,
        "attempt": step.attempt,
        "cpu_seconds": step.cpu_seconds,
        "peak_memory_bytes": step.peak_memory_bytes,
        "memory_scope": step.memory_scope,
    }


def _whole_step(step: StepRun, executed: Any, metadata: Any) -> dict[str, Any]:
    """Collect all that is known of a step run; `executed` is the record of the execution that it is or reuses."""
    seen = executed.execution.observations if executed.execution else ()
    error = step.error
    about = f"{step.run_id}/{step.position}"
    return {
        "run": step.run_id,
        **_step_facts(step),
        "reuses": {"run": step.source[0], "call": step.source[1]} if step.source else None,
        "executed_seconds": step.executed_seconds,
        "arguments": {name: given[2] for name, given in step.parts.get("arguments", {}).items() if given[2]},
        "inputs": [each._asdict() for each in step.input_records],
        "outputs": {name: _artifact(each) for name, each in step.artifacts.items()},
        **_measured(step),
        "checks": [{**each._asdict(), "detail": json.loads(each.detail)} for each in step.checks],
        "attachments": {name: _artifact(each) for name, each in step.attachments.items()},
        "files": step.parts.get("externals", {}),
        "observed": [each._asdict() for each in seen],
        "tags": [each.tag for each in metadata.tags("step_run", about)],
        "notes": [each.text for each in metadata.notes("step_run", about)],
        "error": {"kind": error.kind, "message": error.message, "traceback": error.traceback} if error else None,
    }


def _artifact(artifact: Any) -> dict[str, Any]:
    names = ("digest", "type", "format", "size_bytes", "pickled", "dropped")
    return {name: getattr(artifact, name) for name in names}


def _step_lines(step: StepRun, facts: dict[str, Any]) -> list[str]:
    lines = [f"{step.label} of run {step.run_id}: {step.status}"]
    lines += wrapped("why", step.why)
    if step.source:
        lines += wrapped("reuses", f"call {step.source[1]} of run {step.source[0]}, whose facts these are")
    lines += _usage(step)
    for name, text in facts["arguments"].items():
        lines += wrapped("argument", f"{name} = {text}")
    for each in facts["inputs"]:
        lines += wrapped("input", f"{each['name']}: {short_type(each['type'])} {each['digest'][:12]}")
    evaluation = step.evaluation
    if evaluation is None:
        for name, artifact in facts["outputs"].items():
            lines += wrapped("output", f"{name}: {_artifact_words(artifact)}")
    else:
        slices, curves = len(evaluation.slices), len(evaluation.curves)
        about = f"{evaluation.task} of {evaluation.rows:,} rows, {slices} slices, {curves} curves"
        lines += wrapped("output", f"Metrics: {about}")
    lines += wrapped("metrics", _metrics(step.intervals, {name: len(step.series(name)) for name in step.metrics}))
    lines += _evaluated(evaluation)
    for check in step.checks:
        lines += wrapped("check", _check_words(check))
    for name, artifact in facts["attachments"].items():
        lines += wrapped("logged", f"{name}: {_artifact_words(artifact)}")
    for path, digest in facts["files"].items():
        lines += wrapped("file", f"{path} {digest[:12]}")
    for each in facts["observed"]:
        lines += wrapped("seen", _observation(**each))
    lines += wrapped("tags", ", ".join(facts["tags"]))
    for note in facts["notes"]:
        lines += wrapped("note", note)
    error = step.error
    return [*lines, "", error.traceback.rstrip() or f"{error.kind}: {error.message}"] if error else lines


def _usage(step: StepRun) -> list[str]:
    if step.executed_seconds is None:
        return []
    cpu = f", {seconds_text(step.cpu_seconds)} of cpu" if step.cpu_seconds is not None else ""
    lines = wrapped("took", f"{seconds_text(step.executed_seconds)}{cpu}, attempt {step.attempt}")
    if step.peak_memory_bytes:
        scope = "of the step" if step.memory_scope == "step" else "of the whole process, not of the step alone"
        lines += wrapped("memory", f"{size_text(step.peak_memory_bytes)} at most, {scope}")
    return lines


def _artifact_words(artifact: dict[str, Any]) -> str:
    size, form = size_text(artifact["size_bytes"]), format_text(artifact["format"], artifact["pickled"])
    dropped = ", dropped: made again when needed" if artifact["dropped"] else ""
    return f"{short_type(artifact['type'])} {artifact['digest'][:12]} ({size}, {form}{dropped})"


def _check_words(check: CheckResult) -> str:
    of = f"{check.field}: " if check.field else ""
    return f"{of}{check.name}: {check.status}" + (f": {check.message}" if check.message else "")


def _observation(kind: str, subject: str, token: str) -> str:
    if kind == "seed":
        return "it drew random numbers, so the run seed counts"
    return f"{kind} {subject} {'was not there' if token == 'absent' else token if kind == 'source' else token[:12]}".rstrip()


def _evaluated(found: Any) -> list[str]:
    """Say how good predictions are in each slice, and what the evaluation left out."""
    if found is None:
        return []
    lines = []
    for each in found.slices:
        lines += wrapped("slice", f"{each.name}: {chief_metric(each.values)}, {each.rows:,} rows")
    for note in found.notes:
        lines += wrapped("but", note)
    return lines


def _measured(step: StepRun) -> dict[str, Any]:
    """Give the metrics, and the ends of the 95 % intervals that are known."""
    ends = {name: [each.low, each.high] for name, each in step.intervals.items() if each.low is not None}
    return {"metrics": step.metrics, "intervals": ends}


def _metrics(metrics: dict[str, Any], counts: dict[str, int] | None = None) -> str:
    def words(name: str, value: Any) -> str:
        number = (counts or {}).get(name, 1)
        return f"{name} {interval_text(value)}" + (f" (last of {number})" if number > 1 else "")

    return ", ".join(words(name, value) for name, value in metrics.items())
