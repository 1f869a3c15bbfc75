"""`solvent export`: what is recorded, in the words of a standard: OpenLineage events, a Croissant dataset, a model card."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace

from solvent.cli.choices import find_run_or_step, open_stores
from solvent.errors import NotFoundError
from solvent.runs.stores import Stores

KINDS = ("openlineage", "croissant", "card")


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("kind", choices=KINDS, help="events of a run, a dataset version, or the card of a model")
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="openlineage: RUN; croissant: DATASET or DATASET@N; card: RUN or RUN/STEP.FIELD",
    )
    parser.add_argument("-o", "--output", metavar="PATH", help="a file, or for croissant a folder; else it is printed")
    for word in ("license", "description", "creator", "url"):
        parser.add_argument(f"--{word}", metavar="TEXT", help=f"croissant: the {word}")


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        if arguments.kind == "croissant":
            return _croissant(arguments, stores)
        text = _events(arguments.what, stores) if arguments.kind == "openlineage" else _card(arguments.what, stores)
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"wrote {arguments.output}")
    return 0


def _events(reference: str, stores: Stores) -> str:
    from solvent.integrations.openlineage import RunEvents

    events = RunEvents(stores.metadata.find_run(reference), stores)
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in (events.begin(), *events.end()))


def _card(reference: str, stores: Stores) -> str:
    from solvent.integrations.cards import find_model, model_card
    from solvent.runs.references import find_step_run
    from solvent.runs.views import Run

    if "/" in reference:
        step, field = find_step_run(reference, stores)
        run = Run(stores.metadata.find_run(step.run_id), stores)
        return model_card(run, find_model(run, step, field))
    found = find_run_or_step(reference, stores)
    run = found if isinstance(found, Run) else Run(stores.metadata.find_run(found.run_id), stores)
    return model_card(run, find_model(run, None if isinstance(found, Run) else found))


def _croissant(arguments: Namespace, stores: Stores) -> int:
    from solvent.integrations.croissant import export_croissant
    from solvent.runs.datasets import find_version

    version = find_version(arguments.what, stores)
    folder = arguments.output or f"{version.name}-{version.number}"
    if os.path.exists(folder) and os.listdir(folder):
        raise NotFoundError(f"{folder} is there and not empty", hint="name a new folder with -o")
    words = {word: getattr(arguments, word) for word in ("license", "description", "creator", "url")}
    given = {word: text for word, text in words.items() if text}
    path = export_croissant(version.record, version.artifact._ref, version.profile, stores, folder, **given)
    print(f"wrote {path}")
    return 0
