"""`solvent sources`: the tables that a project shares: list them, look into one, describe it, check them all."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json
from solvent.cli.load import grid
from solvent.cli.output import print_json, printable, table, wrapped
from solvent.cli.parsing import whole_number
from solvent.config.masking import masked, without_passwords
from solvent.config.project import Project
from solvent.errors import SolventError

if TYPE_CHECKING:
    from solvent.sources.batches import Batches
    from solvent.sources.catalogue import Entry
    from solvent.sources.session import Sources


def add_arguments(parser: ArgumentParser, name: str) -> None:
    if name in ("sources show", "sources profile"):
        parser.add_argument("source", metavar="NAME", help="a source of configs/sources.yaml")
    if name == "sources show":
        parser.add_argument("--rows", type=whole_number(0), default=5, metavar="N", help="how many rows to show (5)")
    if name == "sources check":
        parser.add_argument("names", metavar="NAME", nargs="*", help="the sources to check; all by default")
    parser.add_argument("--profile", metavar="NAME", help="read configs/sources.NAME.yaml above configs/sources.yaml")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.sources.session import open_sources

    sources = open_sources(Project.find(profile=arguments.profile))
    if name == "sources show":
        return _show(sources, arguments)
    if name == "sources profile":
        return _profile(sources, arguments)
    return _check(sources, arguments) if name == "sources check" else _list(sources, arguments)


def _list(sources: Sources, arguments: Namespace) -> int:
    facts = [_facts(each) for each in sources.catalogue.entries.values()]
    if arguments.json:
        print_json(facts)
    elif not facts:
        print(f"no sources: {sources.catalogue.file} {'is empty' if sources.catalogue.there else 'does not exist'}")
    else:
        rows = [(each["name"], each["format"], each["location"], each["owner"], each["description"]) for each in facts]
        print(table(("source", "format", "location", "owner", "description"), rows, stretch=4, whole=(0,)))
    return 0


def _facts(entry: Entry) -> dict[str, Any]:
    from solvent.sources.catalogue import guess_format

    return {
        "name": entry.name,
        "format": entry.format or guess_format(entry.location) or "?",
        "location": masked(without_passwords(entry.location)),
        "owner": entry.owner,
        "description": entry.description,
        "key": list(entry.key),
        "where": entry.where,
    }


def _batches(sources: Sources, name: str) -> Batches:
    from solvent.sources.batches import Batches
    from solvent.sources.handle import read_source

    found: Batches = read_source(sources, name, Batches)
    return found


def _show(sources: Sources, arguments: Namespace) -> int:
    entry = sources.catalogue.find(arguments.source)
    batches = _batches(sources, entry.name)
    schema = {each.name: str(each.type) for each in batches.schema}
    rows = _first_rows(batches, arguments.rows)
    facts = {**_facts(entry), "version": sources.token(entry.name), "schema": schema, "rows": rows}
    if arguments.json:
        print_json(facts)
        return 0
    print(printable(entry.name))
    for label in ("location", "format", "owner", "description", "key", "version", "where"):
        text = ", ".join(facts[label]) if label == "key" else facts[label]
        print(*wrapped("about" if label == "description" else label, text), sep="\n", end="\n" if text else "")
    print()
    print(table(("column", "type"), list(schema.items()), stretch=1))
    if rows:
        print("", *grid(list(schema), rows), sep="\n")
    return 0


def _first_rows(batches: Batches, count: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for batch in batches if count else ():
        rows += batch.slice(0, count - len(rows)).to_pylist()
        if len(rows) >= count:
            break
    return rows


def _profile(sources: Sources, arguments: Namespace) -> int:
    from solvent.cli.data import column_table, profile_facts
    from solvent.profiles.batches import profile_batches

    sensitive = Project.find(profile=arguments.profile).settings.sensitive_columns
    profile = profile_batches(_batches(sources, arguments.source), sensitive=sensitive)
    if arguments.json:
        print_json(profile_facts(profile))
        return 0
    print(f"{arguments.source}: {profile.rows:,} rows, {len(profile.columns)} columns")
    print()
    print(column_table(profile))
    return 0


def _check(sources: Sources, arguments: Namespace) -> int:
    """Open each source, ask for its version and read its first rows; 1 if one of them can't be read."""
    names = arguments.names or list(sources.catalogue.entries)
    found = [_checked(sources, sources.catalogue.find(name)) for name in names]
    if arguments.json:
        print_json(found)
    else:
        for each in found:
            print(f"{each['name']}: {'ok' if each['ok'] else 'failed'}")
            lines = each["found"].splitlines()
            print(*(part for line in lines for part in wrapped("", line.strip())), sep="\n")
    return 0 if all(each["ok"] for each in found) else 1


def _checked(sources: Sources, entry: Entry) -> dict[str, Any]:
    try:
        batches = _batches(sources, entry.name)
        missing = [name for name in entry.key if name not in batches.schema.names]
        if missing:
            return {"name": entry.name, "ok": False, "found": f"its key {', '.join(missing)} is no column of it"}
        _first_rows(batches, 1)
        token = sources.token(entry.name)
    except SolventError as error:
        return {"name": entry.name, "ok": False, "found": masked(str(error))}
    return {"name": entry.name, "ok": True, "found": f"{len(batches.schema)} columns, {token}"}
