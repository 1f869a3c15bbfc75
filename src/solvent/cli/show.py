"""`solvent show`: a run with its steps, or one step run with all that it left behind."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import moment, print_json, table, wrapped
from solvent.cli.run import result_text, run_json
from solvent.errors import NotFoundError
from solvent.runs.words import seconds_text, short_type, size_text


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("what", metavar="RUN or [RUN/]STEP", nargs="?", default="latest", help="latest by default")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.references import find_step_run
    from solvent.runs.views import Run

    with open_stores() as stores:
        if "/" not in arguments.what:
            try:
                return _show_run(Run(stores.metadata.find_run(arguments.what), stores), arguments.json)
            except NotFoundError as no_run:
                return _show_step(_step_or(no_run, arguments.what, stores), arguments.json)
        return _show_step(find_step_run(arguments.what, stores)[0], arguments.json)


def _step_or(no_run: NotFoundError, reference: str, stores: Any) -> Any:
    """Let a name of no run be that of a step; if it is neither, complain about the run."""
    from solvent.runs.references import find_step_run

    try:
        return find_step_run(reference, stores)[0]
    except NotFoundError:
        raise no_run from None


def _show_run(run: Any, as_json: bool) -> int:
    record = run.record
    if as_json:
        facts = {name: getattr(record, name) for name in record.__slots__ if name not in ("result", "counts")}
        steps = [{**_step_facts(step), "metrics": step.metrics} for step in run.steps]
        print_json(
            {**facts, **run_json(run), "steps": steps, "config": run.config, "tags": run.tags, "notes": run.notes}
        )
        return 0
    lines = [f"run {run.id} of {run.pipeline}: {run.status}"]
    lines += wrapped("started", f"{moment(record.started_at)} by {record.user} on {record.host}, in {record.cwd}")
    lines += wrapped("took", f"{seconds_text(run.seconds)}, engine {record.engine}, run seed {record.seed}")
    lines += wrapped("command", record.command)
    if record.git_commit:
        dirty = ", with uncommitted changes" if record.git_diff else ""
        lines += wrapped("git", f"{record.git_commit[:12]} on {record.git_branch or 'no branch'}{dirty}")
    lines += wrapped("resumes", record.resumes or "")
    lines += wrapped("config", ", ".join(f"{name}={value}" for name, value in run.config.items()))
    lines += wrapped("tags", ", ".join(run.tags))
    for note in run.notes:
        lines += wrapped("note", note)
    lines += wrapped("error", run.error or "")
    if run.status == "done":
        lines += wrapped("result", result_text(run))
    print("\n".join(lines))
    print()
    rows = [(s.label, s.status, seconds_text(s.seconds), s.why) for s in run.steps]
    print(table(("step", "status", "took", "why"), rows, stretch=3, right=(2,)))
    measured = [line for s in run.steps for line in wrapped(s.label, _metrics(s.metrics))]
    if measured:
        print("\nmetrics\n" + "\n".join(measured))
    return 0


def _step_facts(step: Any) -> dict[str, Any]:
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


def _show_step(step: Any, as_json: bool) -> int:
    outputs = {
        name: {"digest": a.digest, "type": a.type, "format": a.format, "size_bytes": a.size_bytes, "pickled": a.pickled}
        for name, a in step.artifacts.items()
    }
    inputs = [each._asdict() for each in step.input_records]
    error = step.error
    if as_json:
        more = {"outputs": outputs, "inputs": inputs, "metrics": step.metrics, "observed": step.observed}
        failure = {"kind": error.kind, "message": error.message, "traceback": error.traceback} if error else None
        print_json({"run": step.run_id, **_step_facts(step), **more, "error": failure})
        return 0
    lines = [f"{step.label} of run {step.run_id}: {step.status}"]
    lines += wrapped("why", step.why)
    cpu = f", {seconds_text(step.cpu_seconds)} of cpu" if step.cpu_seconds is not None else ""
    lines += wrapped("took", f"{seconds_text(step.executed_seconds)}{cpu}, attempt {step.attempt}")
    if step.peak_memory_bytes:
        lines += wrapped("memory", f"{size_text(step.peak_memory_bytes)} at most, of the {step.memory_scope}")
    for each in step.input_records:
        lines += wrapped("input", f"{each.name}: {short_type(each.type)} {each.digest[:12]}")
    for name, text in ((n, t[2]) for n, t in step.parts.get("arguments", {}).items() if t[2]):
        lines += wrapped("argument", f"{name} = {text}")
    for name, artifact in outputs.items():
        mark = ", PICKLE" if artifact["pickled"] else ""
        size = size_text(artifact["size_bytes"])
        lines += wrapped(
            "output",
            f"{name}: {short_type(artifact['type'])} {artifact['digest'][:12]} ({size}, {artifact['format']}{mark})",
        )
    lines += wrapped("metrics", _metrics(step.metrics))
    lines += wrapped(
        "logged", ", ".join(f"{n} ({short_type(a.type)} {a.digest[:12]})" for n, a in step.attachments.items())
    )
    lines += wrapped("seen", ", ".join(step.observed))
    print("\n".join(lines))
    if error:
        print(f"\n{error.traceback.rstrip() or error.message}")
    return 0


def _metrics(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
