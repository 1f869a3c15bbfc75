"""`solvent run`: load a pipeline, resolve its config, run it, and say how it went."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_config, add_json, add_running, chosen
from solvent.cli.output import cut, print_json
from solvent.cli.progress import make_watcher
from solvent.config.masking import masked, masked_words
from solvent.errors import SolventError


def add_arguments(parser: ArgumentParser, name: str) -> None:
    add_config(parser)
    add_running(parser)
    parser.add_argument("--sweep", action="append", default=[], metavar="A.B=1,2,3", help="run once for each value")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", dest="tags", help="tag the run")
    add_json(parser)
    parser.add_argument("--quiet", action="store_true", help="print no progress")


def execute(arguments: Namespace, name: str) -> int:
    from solvent.config.project import Project
    from solvent.runs.target import load_pipeline

    options = chosen(arguments)
    pipeline = load_pipeline(arguments.target)
    project = Project.find(profile=arguments.profile)
    if not arguments.sweep:
        return _run_one(pipeline, project, options, arguments)
    from solvent.config.overrides import expand_sweeps
    from solvent.runs.facts import new_run_id

    codes = []
    sweep = new_run_id(time.time())
    for sets in expand_sweeps(arguments.sweep):
        print(f"sweep {' '.join(masked_words(sets))}", file=sys.stderr)
        codes.append(
            _run_one(pipeline, project, {**options, "sets": [*options["sets"], *sets], "sweep": sweep}, arguments)
        )
        if codes[-1] == 130:
            break
    return max(codes)


def _run_one(pipeline: Any, project: Any, options: dict[str, Any], arguments: Namespace) -> int:
    from solvent.runs import api
    from solvent.runs.launch import launch

    resolved = api.resolve(pipeline, project, None, options)
    watcher = make_watcher(quiet=arguments.quiet)
    run_options = api.run_options(project, options, watcher, default_engine="processes")
    with watcher:
        launched = launch(pipeline, resolved, project, api.target_of(pipeline, project), run_options)
    run = api.view(launched, project)
    if arguments.tags:
        run.tag(*arguments.tags)
    return _report(run, launched.error, arguments)


def _report(run: Any, error: BaseException | None, arguments: Namespace) -> int:
    if error is not None:
        print_failure(run, error)
    if arguments.json:
        print_json(run_json(run))
    elif error is None:
        print(f"{run.id}: {result_text(run)}")
    if error is None:
        return 0
    return error.exit_code if isinstance(error, SolventError) else 1


def print_failure(run: Any, error: BaseException) -> None:
    """Show a failure: what the step's own traceback says, then the error in our words."""
    from solvent.errors import StepFailed
    from solvent.runs.tracebacks import user_traceback

    if isinstance(error, StepFailed):
        traceback = error.failure.traceback if error.failure else ""
        told = f"{traceback.rstrip()}\nsolvent: {error}".lstrip()
    elif isinstance(error, SolventError):
        told = f"solvent: {error}"
    else:
        told = f"{user_traceback(error).rstrip()}\nsolvent: the body of pipeline `{run.pipeline}` failed"
    print(masked(told), file=sys.stderr)


def run_json(run: Any) -> dict[str, Any]:
    """Give the object that `--json` prints: the run, its result, and its steps in call order."""
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "status": run.status,
        "seconds": run.seconds,
        "result": run.plain_result,
        "steps": [step_json(step) for step in run.steps],
    }


def step_json(step: Any) -> dict[str, Any]:
    return {"name": step.name, "index": step.index, "status": step.status, "seconds": step.seconds, "why": step.why}


def result_text(run: Any) -> str:
    """Show the result of a run in a few words, an evaluation by its chief metric."""
    result = run.plain_result
    return headline(run, result) or short_result(result)


def headline(run: Any, result: Any) -> str | None:
    """Give the chief metric of a run that gave an evaluation."""
    from solvent.runs.words import is_metrics

    if not is_metrics(result):
        return None
    from solvent.runs.measured import headline_of

    return headline_of(run, result)


def short_result(result: Any) -> str:
    """Show a result, as JSON holds it, in a few words: each artifact as its type and the beginning of its digest."""
    import json

    short = _in_short(result)
    is_artifact = isinstance(result, dict) and isinstance(short, str)
    return cut(short if is_artifact else json.dumps(short, ensure_ascii=False), 400)


def _in_short(result: Any) -> Any:
    from solvent.runs.words import short_type

    if isinstance(result, dict):
        if set(result) == {"artifact", "type"}:
            return f"<{short_type(result['type'])} {result['artifact'][:12]}>"
        return {name: _in_short(each) for name, each in result.items()}
    return [_in_short(each) for each in result] if isinstance(result, list) else result
