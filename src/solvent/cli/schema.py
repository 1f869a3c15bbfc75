"""`solvent schema`: what is expected of a dataset. `solvent accept`: let it expect what a version is like."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import moment, print_json, printable, table, wrapped
from solvent.errors import NotFoundError, SolventError, nearest, way_out

if TYPE_CHECKING:
    from solvent.profiles.anomalies import Anomaly
    from solvent.profiles.records import Profile
    from solvent.profiles.schema import Expected, Schema
    from solvent.runs.anomalies import KnownSchema
    from solvent.runs.datasets import Dataset, DatasetVersion
    from solvent.runs.stores import Stores

_LISTED = 20
_SHOWN = 6
"""So many values of a domain are shown."""


def add_arguments(parser: ArgumentParser, name: str) -> None:
    if name == "accept":
        parser.add_argument("dataset", metavar="VERSION", help="as flights@7; a DATASET stands for its current version")
        parser.add_argument(
            "what",
            metavar="WHAT",
            nargs="*",
            help="anomalies, as carrier.domain, or carrier.drift to watch its drift no more; without it all anomalies",
        )
        parser.add_argument("--reason", metavar="TEXT", default="", help="why, kept with the schema")
    else:
        parser.add_argument("dataset", metavar="DATASET", help="a dataset, or a version to compare with its schema")
        parser.add_argument("--export", metavar="FILE", help="write the schema as YAML")
        parser.add_argument("--import", metavar="FILE", dest="import_file", help="expect what a YAML file says")
        parser.add_argument("--label", metavar="COLUMN", help="this column is absent when serving")
        parser.add_argument("--reason", metavar="TEXT", default="", help="with --import or --label: why")
        parser.add_argument("--history", action="store_true", help="list all schemas of the dataset: who, when, why")
    parser.add_argument(
        "--environment",
        metavar="NAME",
        default="training",
        help="training, or serving: there the label is absent and the number of rows says nothing",
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.datasets import find_dataset

    name_of, at, which = arguments.dataset.partition("@")
    with open_stores() as stores:
        dataset = find_dataset(name_of, stores)
        version = dataset.find(which) if at else None
        if name == "accept":
            return _accept(stores, dataset, version or dataset.latest, arguments)
        if arguments.history:
            return _list(stores, dataset, arguments)
        if arguments.import_file or arguments.label:
            return _write(stores, dataset, arguments)
        known = _known(stores, dataset)
        if arguments.export:
            return _export(known.schema, dataset.name, arguments)
        return _show(known, dataset, version or dataset.current, arguments)


def _known(stores: Stores, dataset: Dataset) -> KnownSchema:
    from solvent.runs.anomalies import find_schema

    found = find_schema(stores, dataset.project, dataset.name)
    if found is None:
        raise NotFoundError(
            f"nothing is expected of {dataset.name}: none of its first versions has statistics",
            hint=f"`solvent data {dataset.name}` says why; --import FILE takes a schema from a file",
        )
    return found


def _profile(version: DatasetVersion) -> Profile:
    profile = version.profile
    if profile is None:
        raise NotFoundError(f"{version.label} can't be compared with a schema: {version.profile_problem}")
    return profile


# solvent schema


def _show(known: KnownSchema, dataset: Dataset, version: DatasetVersion | None, arguments: Namespace) -> int:
    from solvent.profiles.anomalies import anomalies

    profile = version.profile if version is not None else None
    found = anomalies(known.schema, profile, arguments.environment) if profile is not None else []
    if arguments.json:
        print_json(_facts(known, dataset, version, found))
        return 0
    print(f"schema of {dataset.name}: {known.source}")
    if known.stored is not None:
        for line in wrapped("reason", printable(known.stored.reason)):
            print(line)
    rows = [(printable(each.name), each.type, _presence(each), _values(each)) for each in known.schema.columns]
    print(table(("column", "type", "missing", "values"), rows, stretch=3))
    if version is not None and profile is not None:
        _show_anomalies(version, found)
    return 0


def _presence(expected: Expected) -> str:
    from solvent.profiles.wording import percent

    words = [percent(expected.null_share) if expected.nullable else "no"]
    words += ["optional"] * (not expected.required) + [f"not {each}" for each in expected.absent]
    return ", ".join(words)


def _values(expected: Expected) -> str:
    from solvent.profiles.anomalies import shown

    words = ["unique"] * expected.unique
    if expected.domain is not None:
        more = len(expected.domain) - _SHOWN
        first = ", ".join(map(printable, expected.domain[:_SHOWN]))
        words.append(f"{len(expected.domain)}: {first}{', ...' if more > 0 else ''}")
    if expected.least is not None or expected.most is not None:
        ends = ["..." if each is None else printable(shown(each)) for each in (expected.least, expected.most)]
        words.append(f"{ends[0]} to {ends[1]}{', exact' if expected.exact else ''}")
    words += ["drift not watched"] * (not expected.watched)
    return "; ".join(words)


def _show_anomalies(version: DatasetVersion, found: list[Anomaly]) -> None:
    if not found:
        print(f"{version.label} is as expected")
        return
    print(f"{version.label}: {len(found)} anomal{'y' if len(found) == 1 else 'ies'}")
    for each in found[:_LISTED]:
        print("\n".join(wrapped(each.severity, printable(each.message))))
        print("\n".join(wrapped("to accept", printable(each.proposal))))
        print(f"{'':12}{printable(each.command(version.label))}")  # whole, since people copy it
    if len(found) > _LISTED:
        print(f"  and {len(found) - _LISTED} more: --json shows all")
    if len(found) > 1:
        print(f"`solvent accept {version.label}` accepts all of them")


def _facts(
    known: KnownSchema, dataset: Dataset, version: DatasetVersion | None, found: list[Anomaly]
) -> dict[str, Any]:
    from dataclasses import asdict

    stored = known.stored
    return {
        "project": dataset.project,
        "dataset": dataset.name,
        "number": stored.number if stored else None,
        "inferred_from": None if stored else known.number,
        "accepted_from": stored.version if stored else None,
        "reason": stored.reason if stored else "",
        "author": stored.author if stored else None,
        "accepted_at": stored.accepted_at if stored else None,
        "schema": asdict(known.schema),
        "version": version.number if version else None,
        "anomalies": [{**asdict(each), "accept": each.command(version.label)} for each in found if version],
    }


def _list(stores: Stores, dataset: Dataset, arguments: Namespace) -> int:
    from solvent.metadata.schemas import list_schemas

    found = list_schemas(stores.metadata, dataset.project, dataset.name)
    if arguments.json:
        print_json([{**each._asdict(), "record": None} for each in found])
    elif not found:
        print(f"no schema of {dataset.name} was accepted: its first version says what is expected")
    else:
        rows = [
            (
                str(each.number),
                _origin(each.version),
                each.author,
                moment(each.accepted_at)[:16],
                printable(each.reason),
            )
            for each in found
        ]
        print(table(("number", "from", "by", "at", "reason"), rows, stretch=4, right=(0,)))
    return 0


def _origin(version: int | None) -> str:
    return f"version {version}" if version is not None else "a file"


def _export(schema: Schema, name: str, arguments: Namespace) -> int:
    from solvent.profiles.schema_files import schema_to_yaml

    text = schema_to_yaml(schema, name)
    if arguments.export == "-":
        print(text, end="")
        return 0
    try:
        with open(arguments.export, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SolventError(f"can't write {arguments.export}: {error.strerror}", hint=way_out(error)) from None
    if arguments.json:
        print_json({"dataset": name, "file": arguments.export})
    else:
        print(f"wrote the schema of {name} to {arguments.export}")
    return 0


def _write(stores: Stores, dataset: Dataset, arguments: Namespace) -> int:
    """Accept a schema from a file, or the present one with a column as its label."""
    from dataclasses import replace

    from solvent.profiles.schema_files import read_schema_file

    if arguments.import_file:
        schema, version, reason = read_schema_file(arguments.import_file), None, "imported"
    else:
        known = _known(stores, dataset)
        schema, version, reason = known.schema, known.number, f"{arguments.label} is the label"
    if arguments.label:
        names = [each.name for each in schema.columns]
        if arguments.label not in names:
            raise NotFoundError(f"{dataset.name} has no column {arguments.label!r}{nearest(arguments.label, names)}")
        columns = (
            replace(each, absent=("serving",)) if each.name == arguments.label else each for each in schema.columns
        )
        schema = replace(schema, columns=tuple(columns))
    number = _keep(stores, dataset, schema, version, arguments.reason or reason)
    if arguments.json:
        print_json({"dataset": dataset.name, "number": number})
    else:
        print(f"the schema of {dataset.name} is now number {number}")
    return 0


def _keep(stores: Stores, dataset: Dataset, schema: Schema, version: int | None, reason: str) -> int:
    from solvent.metadata.schemas import add_schema
    from solvent.profiles.schema import schema_to_json
    from solvent.runs.facts import user_name

    record, author, metadata = schema_to_json(schema), user_name(), stores.metadata
    return metadata.write(lambda: add_schema(metadata, dataset.project, dataset.name, record, version, reason, author))


# solvent accept


def _accept(stores: Stores, dataset: Dataset, version: DatasetVersion, arguments: Namespace) -> int:
    from solvent.profiles.anomalies import accept, anomalies

    profile, known = _profile(version), _known(stores, dataset)
    found = anomalies(known.schema, profile, arguments.environment)
    wanted = arguments.what or None
    schema = accept(known.schema, profile, wanted, arguments.environment)
    taken = [each for each in found if wanted is None or each.name in wanted]
    drifts = [each for each in arguments.what if each not in {one.name for one in found}]
    number = None
    if schema != known.schema or known.stored is None:
        reason = arguments.reason or ", ".join([*(each.name for each in taken), *drifts]) or "as it is"
        number = _keep(stores, dataset, schema, version.number, reason)
    if arguments.json:
        facts = {"dataset": dataset.name, "version": version.number, "number": number}
        print_json({**facts, "accepted": [*(each.name for each in taken), *drifts]})
        return 0
    for each in taken:
        print("\n".join(wrapped(printable(each.column or "rows"), printable(each.proposal))))
    for name in drifts:
        print("\n".join(wrapped(printable(name.rpartition(".")[0]), "its drift is not watched any more")))
    if number is None:
        print(f"{version.label} is as expected: nothing to accept")
    else:
        print(f"the schema of {dataset.name} is now number {number}, from {version.label}")
    return 0
