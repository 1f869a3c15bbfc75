"""`solvent models compare`: two versions of models on the same recorded rows."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.diff import judged_lines
from solvent.cli.output import print_json, wrapped

if TYPE_CHECKING:
    from solvent.deploy.comparing import Comparison


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("first", metavar="A", help="a version: delays@champion, delays@3")
    parser.add_argument("second", metavar="B", help="the version to compare with it")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.deploy.comparing import compare_models
    from solvent.deploy.registry import find_model

    with open_stores() as stores:
        found = compare_models(find_model(arguments.first, stores), find_model(arguments.second, stores), stores)
    if arguments.json:
        print_json(comparison_facts(found))
    else:
        print("\n".join(comparison_lines(found)))
    return 0


def comparison_facts(found: Comparison) -> dict[str, Any]:
    """Give a comparison as JSON shows it."""
    return {**asdict(found), "metrics": [each._asdict() for each in found.metrics]}


def comparison_lines(found: Comparison) -> list[str]:
    """Lay out how the second model answers compared with the first."""
    lines = [f"{found.first} -> {found.second} on {found.rows:,} recorded rows of run {found.run_id}"]
    lines += wrapped("answers", _agreement(found))
    judged = [each for each in found.metrics if each.change_interval]
    lines += wrapped("metrics", found.about)
    lines += judged_lines(judged)
    equal = [each.name for each in found.metrics if not each.change_interval]
    lines += wrapped("no spread", f"{', '.join(equal)}: too few rows tell them apart" if equal else "")
    return lines + wrapped("note", found.warning)


def _agreement(found: Comparison) -> str:
    alike = "all alike" if found.equal_rows == found.rows else f"{found.equal_rows:,} of {found.rows:,} alike"
    if found.mean_change is None or found.equal_rows == found.rows:
        return alike
    return (
        f"{alike}; the others change by {found.largest_change:.3g} at most, and by {found.mean_change:+.3g} on average"
    )
