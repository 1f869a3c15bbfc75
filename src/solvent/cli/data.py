"""`solvent data`: the datasets of a project, their versions, one version, a statistic over the versions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, agreed, open_stores
from solvent.cli.output import cut, moment, print_json, table, wrapped
from solvent.cli.parsing import whole_number
from solvent.errors import NotFoundError, SolventError, nearest
from solvent.runs.words import short_type, size_text

if TYPE_CHECKING:
    from solvent.profiles.records import ColumnProfile, Profile
    from solvent.runs.datasets import Dataset, DatasetVersion
    from solvent.runs.stores import Stores

_VERBS = ("show", "diff", "history", "remove")
_LISTED = 5
"""How many runs and models are named."""

_WHAT = "a dataset, or one of its versions: flights@7, flights@latest, flights@latest~1, flights@ab12cd"


def add_arguments(parser: ArgumentParser, name: str) -> None:
    if name == "data":
        parser.add_argument("what", metavar="DATASET", nargs="*", help=f"{_WHAT}; without it all are listed")
        parser.add_argument("--project", metavar="NAME", help="list the datasets of this project")
    elif name == "data remove":
        parser.add_argument("what", metavar="VERSION", nargs="+", help="the versions, as flights@3")
        parser.add_argument("--yes", action="store_true", help="do it without asking")
    else:
        parser.add_argument("what", metavar="DATASET", help=_WHAT)
    if name == "data history":
        parser.add_argument(
            "--statistic",
            metavar="NAME",
            default="rows",
            help="rows, columns, size_bytes, or COLUMN.STATISTIC as delay.mean, carrier.distinct, delay.nulls (rows)",
        )
    if name != "data remove":
        parser.add_argument(
            "--limit", type=whole_number(1), default=20, metavar="N", help="how many of the newest versions (20)"
        )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        if name == "data remove":
            return _remove(stores, arguments)
        if name == "data history":
            from solvent.cli.history import show_history

            return show_history(stores, arguments)
        if name == "data" and not arguments.what:
            return _list(stores, arguments)
        return _show(stores, arguments)


def _show(stores: Stores, arguments: Namespace) -> int:
    from solvent.runs.datasets import find_dataset

    words = [arguments.what] if isinstance(arguments.what, str) else arguments.what
    if len(words) > 1:
        raise SolventError(
            f"`solvent data` has no {words[0]!r}{nearest(words[0], _VERBS)}",
            hint=f"it takes one dataset, or one of {', '.join(_VERBS)} before it",
        )
    name, at, text = words[0].partition("@")
    try:
        dataset = find_dataset(name, stores)
    except NotFoundError as error:
        if near := nearest(name, _VERBS):
            error.hint = f"`solvent data` knows the words {', '.join(_VERBS)} too{near}"
        raise
    if at:
        return _show_version(dataset.find(text), arguments.json)
    return _show_dataset(dataset, arguments)


# All datasets


def _list(stores: Stores, arguments: Namespace) -> int:
    from solvent.runs.datasets import list_datasets

    found = list_datasets(stores, arguments.project)
    if not found:
        if not stores.metadata.projects():
            stores.metadata.find_run("latest")  # says what to do first
        _refuse_unknown(arguments.project, stores)
    facts = [_dataset_facts(each) for each in found]
    if arguments.json:
        print_json(facts)
    elif not facts:
        print('no dataset yet: name the output of a step with @step(dataset="flights")')
    else:
        several = len({each.project for each in found} | {stores.project_name}) > 1
        print(_dataset_table(facts, several))
    return 0


def _refuse_unknown(project: str | None, stores: Stores) -> None:
    from solvent.runs.datasets import list_datasets

    known = sorted({each.project for each in list_datasets(stores)})
    if project and known and project not in known:
        raise NotFoundError(
            f"project {project!r} has no dataset{nearest(project, known)}", hint=f"projects: {', '.join(known)}"
        )


def _dataset_facts(dataset: Dataset) -> dict[str, Any]:
    facts: dict[str, Any] = {"project": dataset.project, "name": dataset.name, "versions": dataset.count}
    current = dataset.current
    return {**facts, "current": _version_facts(current) if current else None}


def _dataset_table(facts: list[dict[str, Any]], several: bool) -> str:
    rows = []
    for each in facts:
        current = each["current"] or {}
        name = f"{each['project']}/{each['name']}" if several else each["name"]
        number = f"@{current['number']}" if current else "-"
        made = moment(current["made_at"])[:16] if current else "-"
        size = size_text(current["size_bytes"]) if current.get("size_bytes") is not None else "-"
        rows.append(
            (name, str(each["versions"]), number, _count(current.get("rows")), size, made, current.get("by") or "-")
        )
    heads = ("dataset", "versions", "current", "rows", "size", "made", "by")
    return table(heads, rows, stretch=6, right=(1, 2, 3, 4), whole=(0,))


def _count(number: int | None) -> str:
    return f"{number:,}" if number is not None else "-"


# One dataset


def _version_facts(version: DatasetVersion) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": version.name,
        "number": version.number,
        "digest": version.digest,
        "made_at": version.made_at,
        "removed_at": version.removed_at,
    }
    profile = version.known_profile
    facts["rows"] = profile.rows if profile else None
    facts["columns"] = len(profile.columns) if profile else None
    try:
        facts["size_bytes"], facts["type"] = version.artifact.size_bytes, version.artifact.type
    except NotFoundError:
        facts["size_bytes"] = facts["type"] = None
    return {**facts, "by": version.user, "uses": version.use_count}


def _show_dataset(dataset: Dataset, arguments: Namespace) -> int:
    versions = dataset.newest(arguments.limit)
    current = dataset.current
    facts = []
    for version in versions:
        facts.append({**_version_facts(version), "current": current is not None and version.number == current.number})
        before = facts[-2]["rows"] if len(facts) > 1 else None
        rows = facts[-1]["rows"]
        facts[-1]["added_rows"] = rows - before if rows is not None and before is not None else None
    notes, tags = dataset.notes, dataset.tags
    if arguments.json:
        print_json(
            {
                "project": dataset.project,
                "name": dataset.name,
                "versions": facts,
                "notes": notes,
                "tags": tags,
            }
        )
        return 0
    count = dataset.count
    lines = [f"dataset {dataset.name}: {count} version{'' if count == 1 else 's'}"]
    lines += wrapped("tags", ", ".join(tags))
    for note in notes:
        lines += wrapped("note", note)
    heads = ("version", "rows", "change", "columns", "size", "made", "by", "uses")
    print("\n".join(lines))
    print(table(heads, [_version_row(each) for each in reversed(facts)], stretch=6, right=(1, 2, 3, 4, 7), whole=(0,)))
    if versions[0].number > 1 and len(versions) == arguments.limit:
        print(f"... the newest {arguments.limit}; --limit shows more")
    return 0


def _version_row(facts: dict[str, Any]) -> tuple[str, ...]:
    mark = " *" if facts["current"] else " removed" if facts["removed_at"] else ""
    change = f"{facts['added_rows']:+,}" if facts["added_rows"] is not None else ""
    size = size_text(facts["size_bytes"]) if facts["size_bytes"] is not None else "-"
    return (
        f"@{facts['number']}{mark}",
        _count(facts["rows"]),
        change,
        _count(facts["columns"]),
        size,
        moment(facts["made_at"])[:16],
        facts["by"] or "-",
        str(facts["uses"]),
    )


# One version


def _show_version(version: DatasetVersion, as_json: bool) -> int:
    profile, consumers = version.profile, version.consumers
    facts = {**_version_facts(version), "project": version.project, "current": version.current}
    made = version.made_by
    facts["made_by"] = {"run": made.run_id, "step": made.label, "commit": version.commit} if made else None
    facts["notes"] = version.notes
    facts["tags"] = version.tags
    facts["runs"] = list(consumers.runs)
    facts["models"] = [each._asdict() for each in consumers.models]
    if as_json:
        print_json({**facts, "profile": profile_facts(profile)})
    else:
        print("\n".join([*_version_lines(version, facts), *_profile_lines(profile, version)]))
    return 0


def profile_facts(profile: Profile | None) -> Any:
    import json

    from solvent.profiles.records import to_json

    return json.loads(to_json(profile)) if profile else None


def _version_lines(version: DatasetVersion, facts: dict[str, Any]) -> list[str]:
    state = "current" if facts["current"] else "removed" if facts["removed_at"] else "not current"
    lines = [f"{version.label} {version.digest[:12]}: {state}"]
    if facts["type"]:
        shape = f"{_count(facts['rows'])} rows of {facts['columns']} columns, " if facts["rows"] is not None else ""
        lines += wrapped("content", f"{short_type(facts['type'])}, {shape}{size_text(facts['size_bytes'])}")
    lines += wrapped("made", _origin(version, facts))
    lines += wrapped("uses", f"{facts['uses']}, by {_named(facts['runs'], 'run')}")
    models = [f"{short_type(each['type'])} {each['digest'][:12]} ({each['step']})" for each in facts["models"]]
    lines += wrapped("models", _named(models, "model") if models else "")
    lines += wrapped("tags", ", ".join(facts["tags"]))
    for note in facts["notes"]:
        lines += wrapped("note", note)
    return lines


def _origin(version: DatasetVersion, facts: dict[str, Any]) -> str:
    made = facts["made_by"]
    when = moment(version.made_at)[:16]
    if made is None:
        return f"{when}, by a run that was cleaned away"
    commit = f", git {made['commit'][:12]}" if made["commit"] else ""
    return f"{when} by {facts['by']}: {made['step']} of run {made['run']}{commit}"


def _named(names: list[str], what: str) -> str:
    shown = ", ".join(names[:_LISTED])
    more = len(names) - _LISTED
    return (shown + (f" and {more} more" if more > 0 else "")) or f"no {what} that is left"


def _profile_lines(profile: Profile | None, version: DatasetVersion) -> list[str]:
    if profile is None:
        return ["", version.profile_problem or "no statistics of it yet"]
    return ["", column_table(profile)]


def column_table(profile: Profile) -> str:
    """Lay out what a profile says of each column."""
    rows = [_column_row(each) for each in profile.columns]
    heads = ("column", "type", "missing", "distinct", "least", "most", "mean")
    return table(heads, rows, stretch=5, right=(2, 3, 4, 5, 6))


def _column_row(column: ColumnProfile) -> tuple[str, ...]:
    if column.masked:
        return column.name, column.type, _count(column.missing), "masked", "", "", ""
    mean = f"{column.mean:.4g}" if column.mean is not None else ""
    about = "" if column.distinct is None or column.distinct_exact else "~"
    return (
        cut(column.name, 24),
        cut(column.type, 16),
        _count(column.missing),
        f"{about}{_count(column.distinct)}",
        _end(column.minimum),
        _end(column.maximum),
        mean,
    )


def _end(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else cut(str(value), 12)


# Removing


def _remove(stores: Stores, arguments: Namespace) -> int:
    from solvent.runs.datasets import find_version, remove_version

    for each in arguments.what:
        if "@" not in each:
            raise SolventError(f"{each!r} names no version", hint=f"write which: {each}@3")
    found = [find_version(each, stores) for each in arguments.what]
    if not arguments.yes and not _agreed(found, arguments):
        return 1
    gone = [version.label for version in found if remove_version(version, stores)]
    if arguments.json:
        print_json({"removed": gone})
        return 0
    already = [version.label for version in found if version.label not in gone]
    current = {version.name: version.dataset.current for version in found}
    if gone:
        print(f"removed {', '.join(gone)}: the next `solvent clean` takes the bytes that no run needs")
        for name, version in current.items():
            print(f"{name} is {version.label} now" if version else f"{name} has no version any more")
    if already:
        print(f"removed before: {', '.join(already)}")
    return 0


def _agreed(found: list[DatasetVersion], arguments: Namespace) -> bool:
    """Ask whether the bytes may go. Where nobody can answer, say what is needed."""
    what = f"the bytes of {', '.join(version.label for version in found)}"
    return agreed(arguments, f"this gives up {what}", "add --yes to do it", question=f"Give up {what}?")
