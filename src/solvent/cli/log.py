"""`solvent log`: what steps printed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from solvent.cli.choices import add_json, find_run_or_step, open_stores
from solvent.cli.output import print_json


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what", metavar="RUN", nargs="?", default="latest", help="RUN, RUN/STEP or STEP; the latest run"
    )
    parser.add_argument("step", metavar="STEP", nargs="?", help="only this step of the run: STEP or STEP[1]")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.references import find_step_run
    from solvent.runs.views import Run, StepRun

    with open_stores() as stores:
        found: Run | StepRun
        if arguments.step:
            found = find_step_run(f"{arguments.what}/{arguments.step}", stores)[0]
        else:
            found = find_run_or_step(arguments.what, stores)
        steps = found.steps if isinstance(found, Run) else [found]
        logs = [(step.label, step.log) for step in steps]
    if arguments.json:
        print_json([{"step": label, "log": text} for label, text in logs])
        return 0
    for label, text in logs:
        if text:
            head = f"--- {label}\n" if len(logs) > 1 else ""
            print(f"{head}{text.rstrip()}")
    if not any(text for _, text in logs):
        print("nothing was printed")
    return 0
