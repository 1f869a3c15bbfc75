"""`solvent log`: what steps printed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import print_json


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what", metavar="[RUN/][STEP]", nargs="?", default="latest", help="a run, or a step of one (latest)"
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.errors import NotFoundError
    from solvent.runs.references import find_step_run
    from solvent.runs.views import Run

    with open_stores() as stores:
        try:
            steps = Run(stores.metadata.find_run(arguments.what), stores).steps
        except NotFoundError:
            steps = [find_step_run(arguments.what, stores)[0]]
        found = [{"step": step.label, "log": step.log} for step in steps]
    if arguments.json:
        print_json(found)
        return 0
    for each in found:
        if each["log"]:
            head = f"--- {each['step']}\n" if len(found) > 1 else ""
            print(f"{head}{each['log'].rstrip()}")
    if not any(each["log"] for each in found):
        print("nothing was printed")
    return 0
