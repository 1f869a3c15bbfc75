"""`solvent note` and `solvent tag`: what people say about runs, step runs and artifacts."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import print_json


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("what", metavar="RUN, RUN/STEP or DIGEST", help="what to annotate")
    if name == "note":
        parser.add_argument("text", metavar="TEXT", nargs="?", help="the note; without it the notes are shown")
    else:
        parser.add_argument("tags", metavar="TAG", nargs="*", help="tags to add; without them the tags are shown")
        parser.add_argument("--remove", action="store_true", help="remove these tags instead")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.facts import user_name

    with open_stores() as stores:
        kind, id = _find(arguments.what, stores)
        metadata = stores.metadata
        if name == "note":
            if arguments.text:
                with metadata.transaction():
                    metadata.add_note(kind, id, arguments.text, user_name())
            found: list[Any] = [note._asdict() for note in metadata.notes(kind, id)]
        else:
            _change_tags(metadata, kind, id, arguments)
            found = [tag.tag for tag in metadata.tags(kind, id)]
    if arguments.json:
        print_json({"kind": kind, "id": id, f"{name}s": found})
    else:
        shown = [each if isinstance(each, str) else f"{each['text']}  ({each['author']})" for each in found]
        print(
            f"{kind} {id}: " + (", ".join(shown) if name == "tag" else "\n  ".join(["", *shown]))
            if shown
            else f"no {name}s"
        )
    return 0


def _change_tags(metadata: Any, kind: str, id: str, arguments: Namespace) -> None:
    from solvent.runs.facts import user_name

    if not arguments.tags:
        return
    with metadata.transaction():
        for tag in arguments.tags:
            if arguments.remove:
                metadata.remove_tag(kind, id, tag)
            else:
                metadata.add_tag(kind, id, tag, user_name())


def _find(reference: str, stores: Any) -> tuple[str, str]:
    from solvent.errors import NotFoundError
    from solvent.runs.references import find_step_run

    if "/" in reference:
        step, _ = find_step_run(reference, stores)
        return "step_run", f"{step.run_id}/{step.position}"
    try:
        return "run", stores.metadata.find_run(reference).id
    except NotFoundError as no_run:
        try:
            return "artifact", stores.metadata.find_artifact(reference).digest
        except NotFoundError:
            raise no_run from None
