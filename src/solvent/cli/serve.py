"""`solvent serve`: answer with what an alias points at, and follow it."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import print_json


def add_arguments(parser: ArgumentParser, name: str) -> None:
    from solvent.serving.options import add_options

    parser.add_argument("model", metavar="MODEL", help="delays@champion, delays@3, or the folder of a bundle")
    rollout = parser.add_argument_group("rollout")
    rollout.add_argument(
        "--split", action="append", default=[], metavar="NAME=PERCENT", help="let another alias answer so many keys"
    )
    rollout.add_argument("--key", default="", metavar="COLUMN", help="what to split by; header:NAME for a header")
    rollout.add_argument("--shadow", default="", metavar="NAME", help="ask this one too, and compare its answers")
    add_options(parser)
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.deploy.rollout import Rollout, make_plan
    from solvent.serving.launch import ControlFile, serve

    plan = make_plan(arguments.model, arguments.split, arguments.key, arguments.shadow)
    with tempfile.TemporaryDirectory(prefix="solvent-serve-", ignore_cleanup_errors=True) as own:
        file = ControlFile(os.path.join(own, "control.json"))
        stores = open_stores if plan.needs_stores else None
        rollout = Rollout(plan, file, stores, _teller(arguments.json))
        rollout.start()
        rollout.watch()
        try:
            return serve(arguments, file.path, prepare=file.keep, hear=rollout.hear)
        finally:
            rollout.stop()


def _teller(as_json: bool) -> Any:
    def tell(event: Mapping[str, Any]) -> None:
        if as_json:
            print_json(dict(event))
        else:
            print(event["text"], file=sys.stderr, flush=True)

    return tell
