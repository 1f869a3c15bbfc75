"""`solvent diff`: what differs between two runs, and nothing else."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import cut, print_json, width


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("first", metavar="A", nargs="?", default="latest~1", help="a run (the one before the latest)")
    parser.add_argument("second", metavar="B", nargs="?", default="latest", help="a run (the latest)")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.compare import compare
    from solvent.runs.views import Run

    with open_stores() as stores:
        first, second = (Run(stores.metadata.find_run(each), stores) for each in (arguments.first, arguments.second))
        comparison = compare(first, second)
        if arguments.json:
            print_json(comparison.as_json())
        else:
            print("\n".join(_lines(comparison)))
    return 0


def _lines(comparison: Any) -> list[str]:
    from solvent.runs.compare import shown

    lines = [f"{comparison.first.id} -> {comparison.second.id}"]
    if not comparison:
        return [*lines, "no difference"]
    for section, found in comparison.sections.items():
        lines += ["", section]
        lines += [cut(f"  {each.name}: {shown(each.first)} -> {shown(each.second)}", width()) for each in found]
    return lines
