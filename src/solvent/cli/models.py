"""`solvent models`: the endpoints that were deployed, the versions of one, and the moves of its aliases."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import moment, print_json, table, wrapped
from solvent.errors import NotFoundError
from solvent.runs.words import size_text

if TYPE_CHECKING:
    from solvent.deploy.registry import ModelVersion
    from solvent.runs.stores import Stores


def add_arguments(parser: ArgumentParser, name: str) -> None:
    if name == "models history":
        parser.add_argument("endpoint", metavar="ENDPOINT", help="the endpoint whose aliases moved")
    else:
        parser.add_argument("endpoint", metavar="ENDPOINT", nargs="?", help="an endpoint, for its versions")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        if name == "models history":
            _history(arguments, stores)
        elif arguments.endpoint:
            _versions(arguments, stores)
        else:
            _endpoints(arguments, stores)
    return 0


def _endpoints(arguments: Namespace, stores: Stores) -> None:
    from solvent.deploy.registry import list_models
    from solvent.metadata.models import endpoint_names

    found = {name: list_models(name, stores) for name in endpoint_names(stores.metadata, stores.project_name)}
    if arguments.json:
        print_json({name: [_facts(each, stores) for each in versions] for name, versions in found.items()})
        return
    if not found:
        print("nothing was deployed yet: `solvent deploy ENDPOINT` makes the first version")
        return
    rows = [
        [name, str(len(versions)), ", ".join(f"{alias} {each.number}" for each in versions for alias in each.aliases)]
        for name, versions in found.items()
    ]
    print(table(["endpoint", "versions", "aliases"], rows, stretch=2, right=[1]))


def _versions(arguments: Namespace, stores: Stores) -> None:
    from solvent.deploy.registry import list_models

    facts = [_facts(each, stores) for each in list_models(arguments.endpoint, stores)]
    if arguments.json:
        print_json(facts)
        return
    rows = [
        [
            str(each["number"]),
            ", ".join(each["aliases"]),
            ", ".join(f"{name} {value:.4g}" for name, value in each["bounded"].items()),
            "gone" if each["gone"] else size_text(each["size_bytes"]),
            f"{each['cpu_ms']:.2g} ms" if each["cpu_ms"] is not None else "",
            moment(each["made_at"])[5:16],
            each["author"],
            each["run"][-6:],
        ]
        for each in facts[::-1]
    ]
    print(table(["version", "aliases", "metrics", "size", "cpu", "made", "by", "run"], rows, stretch=2, right=[0]))
    for each in facts[::-1]:
        said = [("tags", ", ".join(each["tags"])), *(("note", note) for note in each["notes"])]
        for line in (line for label, words in said if words for line in wrapped(label, f"{each['number']}: {words}")):
            print(line)


def _facts(version: ModelVersion, stores: Stores) -> dict[str, Any]:
    from solvent.deploy.registry import bundle_of
    from solvent.metadata.models import model_subject

    row = version.row
    artifact = bundle_of(version, stores)
    facts = {
        "endpoint": row.endpoint,
        "number": row.number,
        "aliases": list(version.aliases),
        "bundle": row.bundle,
        "run": row.run_id,
        "author": row.author,
        "made_at": row.made_at,
        "size_bytes": artifact.size_bytes if artifact else None,
        "gone": artifact is None,
        "verification": row.verification_digest,
        "tags": [each.tag for each in stores.metadata.tags("model", model_subject(row))],
        "notes": [each.text for each in stores.metadata.notes("model", model_subject(row))],
    }
    return facts | _measured(version, stores)


def _measured(version: ModelVersion, stores: Stores) -> dict[str, Any]:
    """Give what the verification says, where a clean-up left it."""
    from solvent.deploy.registry import read_verification

    try:
        found = read_verification(version, stores)
    except NotFoundError:
        return {"metrics": {}, "bounded": {}, "cpu_ms": None, "backend": None}
    bounds = {each.name.rpartition(".")[2]: each.found for each in found.bounds if each.found is not None}
    metrics = {name.rpartition(".")[2]: value for name, value in found.metrics.items()}
    shown = {name: value for name, value in metrics.items() if name in bounds} or dict(list(metrics.items())[:1])
    return {
        "metrics": dict(found.metrics),
        "bounded": shown,
        "cpu_ms": found.measure("cpu_ms"),
        "backend": found.backend,
    }


def _history(arguments: Namespace, stores: Stores) -> None:
    from solvent.deploy.registry import list_models
    from solvent.metadata.models import list_moves

    row = list_models(arguments.endpoint, stores)[-1].row
    moves = list_moves(stores.metadata, row.project, row.endpoint)
    if arguments.json:
        print_json([move._asdict() for move in moves])
        return
    rows = [
        [
            moment(move.moved_at)[:16],
            move.alias,
            f"{move.before if move.before is not None else '-'} -> {move.number}",
            move.kind,
            move.author,
            move.why,
        ]
        for move in moves[::-1]
    ]
    print(table(["when", "alias", "version", "by way of", "who", "why"], rows, stretch=5))
