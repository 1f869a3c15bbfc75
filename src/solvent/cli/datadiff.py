"""`solvent data diff`: two versions of a dataset side by side."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import cut, print_json, printable, table, wrapped
from solvent.errors import SolventError
from solvent.profiles.files import plain
from solvent.runs.words import short_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from solvent.profiles.rowdiff import RowChanges
    from solvent.runs.datadiff import ColumnChange, VersionDiff
    from solvent.runs.datasets import DatasetVersion

_COLUMNS = 40
_LISTED = 3
_HEADS = ("column", "content", "changed", "drift", "measure", "moved")
_RANKS = {"alert": 0, "gone": 1, "new": 1, "warn": 2, "ok": 3}


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("first", metavar="VERSION", help="as flights@6; a DATASET alone stands for its current version")
    parser.add_argument(
        "second",
        metavar="VERSION",
        nargs="?",
        help="the newer one; without it the first is compared with the version before it",
    )
    parser.add_argument(
        "--key",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a column that tells rows apart; may be repeated, or several as a,b",
    )
    parser.add_argument("--no-rows", action="store_false", dest="read", help="compare what is on record, read no table")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.datadiff import compare_versions
    from solvent.runs.datasets import find_version

    with open_stores() as stores:
        if arguments.second is None:
            second = find_version(arguments.first, stores)
            first = _former(second)
        else:
            first, second = find_version(arguments.first, stores), find_version(arguments.second, stores)
        found = compare_versions(first, second, key=_key(arguments.key, second), read=arguments.read)
        if arguments.json:
            print_json(_facts(found))
        else:
            print("\n".join(_lines(found)))
    return 0


def _key(given: list[str], version: DatasetVersion) -> list[str]:
    """Give the columns of the key; a comma is part of a name only if there is a column of that name."""
    names = set(version.artifact.columns or ())
    return [name for each in given for name in ([each] if each in names else each.split(","))]


def _former(version: DatasetVersion) -> DatasetVersion:
    """Give the version before one, by number."""
    if version.number == 1:
        raise SolventError(f"{version.label} is the first version", hint="name two versions to compare")
    return version.dataset[version.number - 1]


def _facts(found: VersionDiff) -> dict[str, Any]:
    from solvent.profiles.records import to_json

    return {
        "first": _version_facts(found.first),
        "second": _version_facts(found.second),
        "same": found.same,
        "columns": [
            {"name": each.name, "status": each.status, "before": each.types[0], "after": each.types[1]}
            for each in found.columns
        ],
        "reordered": found.reordered,
        "rows": _row_facts(found.rows) if found.rows else None,
        "rows_why": found.rows_why,
        "drift": json.loads(to_json(found.drift)) if found.drift else None,
    }


def _version_facts(version: DatasetVersion) -> dict[str, Any]:
    profile, consumers = version.known_profile, version.consumers
    return {
        "name": version.name,
        "number": version.number,
        "digest": version.digest,
        "made_at": version.made_at,
        "rows": profile.rows if profile else None,
        "runs": list(consumers.runs),
        "models": [each._asdict() for each in consumers.models],
    }


def _row_facts(rows: RowChanges) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(rows, name) for name in rows.__dataclass_fields__}
    facts["examples"] = {name: [plain(each) for each in found] for name, found in rows.examples.items()}
    return facts


# In words


def _lines(found: VersionDiff) -> list[str]:
    first, second = found.first, found.second
    lines = [f"{first.label} {first.digest[:12]} -> {second.label} {second.digest[:12]}"]
    lines += wrapped("rows", _row_words(found))
    for text in _row_notes(found.rows, found.columns) if found.rows else ():
        lines += wrapped("", text)
    lines += wrapped("schema", "; ".join(_schema_words(found)))
    lines += wrapped("columns", _column_words(found))
    lines += wrapped("drift", _drift_words(found))
    lines += [*_column_table(found), *_example_lines(found.rows)]
    lines += ["", "used by"]
    for version in (first,) if first.number == second.number else (first, second):
        for text in _use_words(version):
            lines += wrapped(version.label, text)
    return lines


def _row_words(found: VersionDiff) -> str:
    profiles = found.first.known_profile, found.second.known_profile
    rows = found.rows
    counts = rows.rows if rows else tuple(profile.rows if profile else None for profile in profiles)
    shape = f"{counts[0]:,} -> {counts[1]:,}: " if counts[0] is not None and counts[1] is not None else ""
    if rows is None:
        return shape + found.rows_why
    changed = f", {rows.changed:,} changed" if rows.changed is not None else ""
    by = f" by {', '.join(rows.key)}" if rows.key else ""
    return f"{shape}{rows.added:,} added, {rows.removed:,} removed{changed}{by}"


def _row_notes(rows: RowChanges, columns: Sequence[ColumnChange]) -> list[str]:
    """Say what limits the comparison of rows."""
    notes = [f"{name} was left out: {why}" for name, why in rows.left_out.items()]
    if any(rows.repeated):
        notes.append(
            f"the key is not unique: {rows.repeated[0]:,} -> {rows.repeated[1]:,} rows share theirs, matched in order"
        )
    if any(rows.unknown):
        notes.append(f"{rows.unknown[0]:,} -> {rows.unknown[1]:,} rows have a null in their key")
    common = any(None not in each.types for each in columns)
    if common and not rows.key and rows.added and rows.removed:
        notes.append("a changed row counts as removed and added: --key COLUMN tells them apart")
    return notes


def _schema_words(found: VersionDiff) -> list[str]:
    words = []
    for each in found.columns:
        before, after = each.types
        if each.status == "new":
            words.append(f"new column {each.name}{f' ({after})' if after else ''}")
        elif each.status == "gone":
            words.append(f"{each.name} is gone")
        elif each.status == "type":
            words.append(f"{each.name} {before} -> {after}")
    return words + (["the columns stand in another order"] if found.reordered else [])


def _column_words(found: VersionDiff) -> str:
    same = sum(each.status == "same" for each in found.columns)
    differ = sum(each.status in ("changed", "type") for each in found.columns)
    return f"{same} with equal content, {differ} that differ" if found.columns and not found.same else ""


def _drift_words(found: VersionDiff) -> str:
    if found.same:
        return ""
    if found.drift is None:
        return "not known: a version has no statistics"
    why = f": {found.drift.why}" if found.drift.why else ""
    return f"{found.drift.verdict}{why}"


def _column_table(found: VersionDiff) -> list[str]:
    """Show the columns that say something, those that drifted first, and name the rest."""
    if found.same:
        return []
    counts = found.rows.columns if found.rows else {}
    rows, quiet = [], []
    for each in found.columns:
        if each.status == "same":
            continue
        drift = found.drift.column(each.name) if found.drift else None
        if each.status == "changed" and each.name not in counts and drift and drift.verdict == "ok":
            quiet.append(each.name)
            continue
        value = f"{drift.measure} {drift.value:.3g}" if drift and drift.value is not None else ""
        changed = f"{counts[each.name]:,}" if each.name in counts else ""
        verdict, moved = (drift.verdict, drift.moved or drift.why) if drift else ("-", "")
        rows.append((_RANKS.get(verdict, 4), (each.name, each.status, changed, verdict, value, moved)))
    rows.sort(key=lambda row: row[0])
    lines = _without_empty(_HEADS, [row for _, row in rows[:_COLUMNS]]) if rows else []
    if len(rows) > _COLUMNS:
        lines.append(f"and {len(rows) - _COLUMNS} more")
    return [*lines, *wrapped("no drift", ", ".join(quiet))]


def _without_empty(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lay out a table without the columns that say the same, or nothing, in every row."""
    kept = [
        place
        for place, head in enumerate(heads)
        if any(row[place] for row in rows) and not (head == "content" and {row[place] for row in rows} == {"changed"})
    ]
    shown = [heads[place] for place in kept]
    right = [shown.index("changed")] if "changed" in shown else []
    return ["", table(shown, [[row[place] for place in kept] for row in rows], stretch=len(kept) - 1, right=right)]


def _example_lines(rows: RowChanges | None) -> list[str]:
    if rows is None or not rows.examples:
        return []
    lines = ["", "for example"]
    for key, name, before, after in rows.examples.get("changed", ())[:_LISTED]:
        where = ", ".join(f"{each}={_cell(value)}" for each, value in zip(rows.key, key, strict=False))
        lines += wrapped("changed", f"{where}: {name} {_cell(before)} -> {_cell(after)}")
    for what in ("added", "removed"):
        for row in rows.examples.get(what, ())[:_LISTED]:
            lines += wrapped(what, cut(", ".join(f"{name}={_cell(value)}" for name, value in row.items()), 200))
    return lines


def _cell(value: Any) -> str:
    text = "null" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return cut(printable(text), 40)


def _use_words(version: DatasetVersion) -> list[str]:
    consumers = version.consumers
    runs = len(consumers.runs)
    words = [f"{runs} run{'' if runs == 1 else 's'}" + (f", the newest {consumers.runs[0]}" if runs else "")]
    for model in consumers.models[:_LISTED]:
        words.append(f"model {short_type(model.type)} {model.digest[:12]} ({model.step} of run {model.run_id})")
    more = len(consumers.models) - _LISTED
    return [*words, f"and {more} more models"] if more > 0 else words
