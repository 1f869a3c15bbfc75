"""`solvent diff`: what differs between two runs, and nothing else."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import cut, print_json, width


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("first", metavar="A", nargs="?", default="latest~1", help="a run (the one before the latest)")
    parser.add_argument("second", metavar="B", nargs="?", default="latest", help="a run (the latest)")
    parser.add_argument(
        "--paired", action="store_true", help="resample stored predictions of the same rows, however large they are"
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.compare import compare
    from solvent.runs.views import Run

    with open_stores() as stores:
        first, second = (Run(stores.metadata.find_run(each), stores) for each in (arguments.first, arguments.second))
        comparison = compare(first, second, paired=arguments.paired or None)
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
        judged = [each for each in found if getattr(each, "change_interval", None)]
        lines += [
            cut(f"  {each.name}: {shown(each.first)} -> {shown(each.second)}", width())
            for each in found
            if each not in judged
        ]
        lines += judged_lines(judged)
    return lines


def judged_lines(judged: list[Any]) -> list[str]:
    """Lay out metrics whose change has an interval, by verdict, and say what the interval was made from."""
    room = max((len(each.name) for each in judged), default=0)
    lines: list[str] = []
    for verdict in sorted({each.verdict for each in judged}, key=_VERDICTS.index):
        lines.append(f"  {verdict}")
        for each in judged:
            if each.verdict == verdict:
                low, high = each.change_interval
                values = f"{each.first:.4g} -> {each.second:.4g}  {each.change:+.2g} [{low:+.2g}, {high:+.2g}]"
                lines.append(f"    {cut(each.name, min(room, width() - 5 - len(values))):<{room}} {values}"[: width()])
    for method in dict.fromkeys(each.method for each in judged):
        lines.append(cut(f"  change with its 95 % interval, {_METHODS[method]}", width()))
    return lines


_VERDICTS = ("better", "worse", "higher", "lower", "no evidence of a difference")
_METHODS = {
    "paired bootstrap": "by resampling the same rows in both runs",
    "independent intervals": "as if the two runs were independent",
}
