"""`solvent clean`: remove runs by age, number, pipeline, tag or status, and the bytes that nothing names any more."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, agreed, open_stores
from solvent.cli.output import print_json, table
from solvent.cli.parsing import duration, one_of, whole_number
from solvent.runs.words import size_text

if TYPE_CHECKING:
    from solvent.runs.clean import Choice, Cleaned, Cleaning, Owned, Preview

_SHOWN = 12
_MUCH_FREE_BYTES = 16_000_000
_VACUUMED = "  and {} of the metadata store's file"
_WHAT_STAYS = """\
what stays: small values, what is pinned, what other runs than the chosen ones
use, and what was made from a file or by a step with cache=False"""


def add_arguments(parser: ArgumentParser, name: str) -> None:
    runs = parser.add_argument_group(
        "which runs go", "All that is given must hold; without any of it no run goes, only what nothing needs."
    )
    runs.add_argument("--older-than", type=duration, metavar="AGE", help="runs that began longer ago than this, as 30d")
    runs.add_argument(
        "--keep", type=whole_number(0), metavar="N", help="but never the newest N of each pipeline among them"
    )
    runs.add_argument("--pipeline", metavar="NAME", help="runs of this pipeline")
    runs.add_argument("--tag", metavar="TAG", help="runs with this tag")
    runs.add_argument("--not-tag", metavar="TAG", help="runs without this tag")
    runs.add_argument(
        "--status", type=one_of("done", "failed", "interrupted"), metavar="STATUS", help="done, failed or interrupted"
    )
    parser.add_argument(
        "--drop",
        action="store_true",
        help="keep the runs, and remove their bytes that can be made again from the record; of all runs if none is named",
    )
    parser.add_argument(
        "--vacuum", action="store_true", help="then make the file of the metadata store smaller, if no run is at work"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
    parser.add_argument("--yes", action="store_true", help="remove runs without asking")
    parser.add_argument(
        "--grace",
        type=duration,
        metavar="AGE",
        help="spare unnamed bytes younger than this (1h beside writers at work)",
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.clean import Cleaning

    with open_stores() as stores:
        choice = _choice(arguments)
        cleaning = Cleaning(stores, choice, grace_seconds=arguments.grace)
        if arguments.drop:
            return _drop(cleaning, arguments)
        if arguments.dry_run:
            preview = cleaning.preview()
            _tell(_preview_facts(preview), preview.before, preview.after, arguments, preview.first)
            return 0
        if not choice.nothing and not arguments.yes and not _agreed(cleaning, arguments):
            return 1
        cleaned = cleaning.run()
        facts = _cleaned_facts(cleaned)
        if arguments.vacuum:
            facts["vacuumed_bytes"] = cleaning.compact()
        facts["free_bytes"] = stores.metadata.free_bytes()
        _tell(facts, cleaned.before, cleaned.after, arguments)
    return 0


def _drop(cleaning: Cleaning, arguments: Namespace) -> int:
    dropped = cleaning.drop(pretend=arguments.dry_run)
    facts = {"dry_run": arguments.dry_run, "dropped_blobs": dropped.blobs, "dropped_bytes": dropped.size_bytes}
    if arguments.vacuum and not arguments.dry_run:
        facts["vacuumed_bytes"] = cleaning.compact()
    if arguments.json:
        print_json(facts)
    else:
        would = "would be dropped" if arguments.dry_run else "dropped"
        blobs, when = ("blob", "it is") if dropped.blobs == 1 else ("blobs", "they are")
        print(f"{would}: {dropped.blobs} {blobs}, {size_text(dropped.size_bytes)}; made again when {when} asked for")
        if not dropped.blobs:
            print(_WHAT_STAYS)
        if facts.get("vacuumed_bytes"):
            print(_VACUUMED.format(size_text(facts["vacuumed_bytes"])))
    return 0


def _choice(arguments: Namespace) -> Choice:
    from solvent.runs.clean import Choice

    before = time.time() - arguments.older_than if arguments.older_than is not None else None
    return Choice(before, arguments.keep, arguments.pipeline, arguments.status, arguments.tag, arguments.not_tag)


def _agreed(cleaning: Cleaning, arguments: Namespace) -> bool:
    """Ask whether the runs may go; True where none would. Where nobody can answer, say what is needed."""
    preview = cleaning.preview()
    if preview.runs.runs == preview.runs.stubs:
        return True
    freed = _total(preview.before) - _total(preview.after) + preview.swept.removed_bytes
    what = f"{_runs(preview.runs.runs - preview.runs.stubs)} and {size_text(freed)}"
    hint = "add --yes to do it, or --dry-run to see what would go"
    return agreed(arguments, f"this removes {what}", hint, question=f"Remove {what}?")


def _preview_facts(preview: Preview) -> dict[str, Any]:
    freed = _total(preview.before) - _total(preview.after) + preview.swept.removed_bytes
    return {
        "dry_run": True,
        "runs": preview.runs.runs - preview.runs.stubs,
        "runs_kept_in_part": preview.runs.stubs,
        "bytes_before": preview.swept.before_bytes,
        "bytes_after": preview.swept.before_bytes - freed,
        "unnamed_bytes": preview.swept.removed_bytes,
        "young_bytes": preview.swept.young_bytes,
    }


def _cleaned_facts(cleaned: Cleaned) -> dict[str, Any]:
    swept = cleaned.swept
    return {
        "dry_run": False,
        "runs": cleaned.removed_runs,
        "runs_kept_in_part": cleaned.stubs,
        "bytes_before": swept.before_bytes,
        "bytes_after": swept.after_bytes,
        "unnamed_bytes": swept.removed_bytes - (_total(cleaned.before) - _total(cleaned.after)),
        "young_bytes": swept.young_bytes,
        "leftover_bytes": cleaned.leftover_bytes,
        "runs_held": cleaned.held_runs,
        "held_for": list(cleaned.held_for),
    }


def _tell(
    facts: dict[str, Any], before: list[Owned], after: list[Owned], arguments: Namespace, runs: Sequence[str] = ()
) -> None:
    if arguments.json:
        print_json({**facts, "by_step": _by(before, after, 0), "by_user": _by(before, after, 2)})
    else:
        print("\n".join(_lines(facts, before, after, runs)))


def _lines(facts: dict[str, Any], before: list[Owned], after: list[Owned], runs: Sequence[str]) -> list[str]:
    would = "would go" if facts["dry_run"] else "removed"
    lines = [f"runs: {facts['runs']} {would}", *(f"  {id}" for id in runs)]
    if runs and facts["runs"] > len(runs):
        lines.append(f"  and {facts['runs'] - len(runs)} older")
    if facts["runs_kept_in_part"]:
        lines.append(f"  {_runs(facts['runs_kept_in_part'], 'stays')} in part, for what other runs reuse")
    if facts.get("runs_held"):
        lines.append(
            f"  {_runs(facts['runs_held'], 'goes')} in a later clean-up, when what is at work now has ended: "
            + ", ".join(facts["held_for"])
        )
    freed = facts["bytes_before"] - facts["bytes_after"]
    lines.append(
        f"bytes: {size_text(facts['bytes_before'])} before, {size_text(facts['bytes_after'])} after,"
        f" {size_text(freed)} {'would be freed' if facts['dry_run'] else 'freed'}"
    )
    if facts["young_bytes"]:
        lines.append(f"  {size_text(facts['young_bytes'])} that nothing names are too young: a writer may be at work")
    if facts.get("leftover_bytes"):
        lines.append(f"  and {size_text(facts['leftover_bytes'])} of leftovers beside the blobs")
    if facts.get("vacuumed_bytes"):
        lines.append(_VACUUMED.format(size_text(facts["vacuumed_bytes"])))
    if facts.get("free_bytes", 0) > _MUCH_FREE_BYTES:
        lines.append(
            f"  {size_text(facts['free_bytes'])} of the metadata store's file are free and will be used again;"
            " --vacuum gives them back"
        )
    steps, users = _by(before, after, 0), _by(before, after, 2)
    if steps:
        lines += ["", _usage_table("step", steps), "", _usage_table("user", users)]
    return lines


def _usage_table(head: str, rows: Sequence[dict[str, Any]]) -> str:
    shown = [(row["owner"], size_text(row["before"]), size_text(row["after"])) for row in rows[:_SHOWN]]
    more = [f"... and {len(rows) - _SHOWN} more; --json shows all"] if len(rows) > _SHOWN else []
    return "\n".join([table((head, "before", "after"), shown, stretch=0, right=(1, 2)), *more])


def _by(before: list[Owned], after: list[Owned], column: int) -> list[dict[str, Any]]:
    """Add bytes up by step (column 0) or user (column 2), the most first."""
    sums: list[Counter[str]] = [Counter(), Counter()]
    for total, owned in zip(sums, (before, after), strict=True):
        for each in owned:
            owner = each.user if column else f"{each.pipeline}/{each.step}"
            total[owner if owner not in ("", "/") else "results and others"] += each.size_bytes
    return [
        {"owner": owner, "before": size, "after": sums[1][owner]}
        for owner, size in sorted(sums[0].items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _total(owned: list[Owned]) -> int:
    return sum(each.size_bytes for each in owned)


def _runs(number: int, verb: str = "") -> str:
    counted = f"{number} run" if number == 1 else f"{number} runs"
    return f"{counted} {verb if number == 1 else verb.removesuffix('s').removesuffix('e')}".rstrip()
