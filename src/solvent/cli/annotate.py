"""`solvent note` and `solvent tag`: what people say about runs, step runs, artifacts, datasets and models."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import moment, print_json, wrapped
from solvent.errors import NotFoundError, SolventError, nearest


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what", metavar="WHAT", help="RUN, RUN/STEP, an artifact's digest, a dataset, a model, flights@7 or delays@3"
    )
    if name == "note":
        parser.add_argument("text", metavar="TEXT", nargs="?", help="the note; without it the notes are shown")
    else:
        parser.add_argument(
            "tags", metavar="TAG", nargs="*", default=[], help="tags to add; without them the tags are shown"
        )
        parser.add_argument("--remove", action="store_true", help="remove these tags instead")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        kind, id, label = _find(arguments.what, stores)
        if name == "note":
            _add_note(stores.metadata, kind, id, arguments.text)
            found: list[Any] = [note._asdict() for note in stores.metadata.notes(kind, id)]
        else:
            _change_tags(stores.metadata, kind, id, arguments)
            found = [tag.tag for tag in stores.metadata.tags(kind, id)]
    if arguments.json:
        print_json({"kind": kind, "id": id, f"{name}s": found})
    elif not found:
        print(f"{label}: no {name}s")
    elif name == "tag":
        print("\n".join([f"{label}", *wrapped("tags", ", ".join(found))]))
    else:
        lines = [line for note in found for line in wrapped("note", f"{note['text']} ({_by(note)})")]
        print("\n".join([label, *lines]))
    return 0


def _by(note: dict[str, Any]) -> str:
    return f"{note['author']}, {moment(note['at'])[:16]}"


def _add_note(metadata: Any, kind: str, id: str, text: str | None) -> None:
    from solvent.runs.facts import user_name

    if text is None:
        return
    if not text.strip():
        raise SolventError("the note is empty", hint="leave it out to see the notes that are there")
    at = time.time()
    metadata.write(lambda: metadata.add_note(kind, id, text, user_name(), at))


def _change_tags(metadata: Any, kind: str, id: str, arguments: Namespace) -> None:
    from solvent.runs.facts import user_name

    if arguments.remove and not arguments.tags:
        raise SolventError("--remove needs the tags to remove")
    there = [tag.tag for tag in metadata.tags(kind, id)]
    for tag in arguments.tags:
        if not tag.strip():
            raise SolventError("a tag is empty")
        if arguments.remove and tag not in there:
            raise NotFoundError(f"there is no tag {tag!r} on it{nearest(tag, there)}")
    if not arguments.tags:
        return
    if arguments.remove:
        metadata.write(lambda: [metadata.remove_tag(kind, id, tag) for tag in arguments.tags])
    else:
        metadata.write(lambda: [metadata.add_tag(kind, id, tag, user_name()) for tag in arguments.tags])


def _find(reference: str, stores: Any) -> tuple[str, str, str]:
    """Give the kind and id of what is meant, and what to call it."""
    from solvent.runs.datasets import find_dataset, find_version, has_dataset
    from solvent.runs.references import find_step_run

    name = reference.partition("@")[0]
    if _is_model(name, stores):
        return _model(reference, stores)
    if "@" in reference:
        version = find_version(reference, stores)
        return "dataset", version.subject, version.label
    if has_dataset(reference, stores):
        dataset = find_dataset(reference, stores)
        return "dataset", dataset.subject, f"dataset {dataset.name}"
    if "/" in reference:
        step, _ = find_step_run(reference, stores)
        return "step_run", f"{step.run_id}/{step.position}", f"{step.label} of run {step.run_id}"
    try:
        run = stores.metadata.find_run(reference)
        return "run", run.id, f"run {run.id}"
    except NotFoundError as no_run:
        try:
            artifact = stores.metadata.find_artifact(reference)
            return "artifact", artifact.digest, f"artifact {artifact.digest[:12]}"
        except NotFoundError:
            raise no_run from None


def _is_model(name: str, stores: Any) -> bool:
    """Whether it names an endpoint that was deployed; a dataset of the same name has the name."""
    from solvent.deploy.registry import has_model
    from solvent.runs.datasets import has_dataset

    return has_model(name, stores) and not has_dataset(name, stores)


def _model(reference: str, stores: Any) -> tuple[str, str, str]:
    """Give what notes and tags of a version are kept under, or of all of an endpoint where none is named."""
    from solvent.deploy.registry import find_model, list_models
    from solvent.metadata.models import model_subject

    if "@" in reference:
        found = find_model(reference, stores)
        return "model", model_subject(found.row), found.label
    row = list_models(reference, stores)[-1].row
    return "model", f"{row.project}/{row.endpoint}", f"model {row.endpoint}"
