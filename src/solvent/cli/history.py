"""`solvent data history`: one statistic over the versions of a dataset, with a line that shows its course."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from solvent.cli.output import moment, print_json, table
from solvent.runs.datasets import find_dataset

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

_BARS = "▁▂▃▄▅▆▇█"


def show_history(stores: Stores, arguments: Namespace) -> int:
    """Print the statistic of each version, oldest first; the removed ones have none."""
    from solvent.runs.history import read_history

    dataset = find_dataset(arguments.what.partition("@")[0], stores)
    points = read_history(dataset, arguments.statistic, limit=arguments.limit)
    if arguments.json:
        print_json(
            {
                "dataset": dataset.name,
                "statistic": arguments.statistic,
                "versions": [{"number": p.number, "made_at": p.made_at, "value": p.value} for p in points],
            }
        )
        return 0
    print(f"{dataset.name}: {arguments.statistic}  {sparkline([point.value for point in points])}")
    rows = []
    before: float | None = None
    for point in points:
        change = point.value - before if point.value is not None and before is not None else None
        rows.append((f"@{point.number}", moment(point.made_at)[:16], _number(point.value), _change(change)))
        before = point.value if point.value is not None else before
    print(table(("version", "made", arguments.statistic, "change"), rows, right=(2, 3)))
    if points[0].number > 1 and len(points) == arguments.limit:
        print(f"... the newest {arguments.limit}; --limit shows more")
    return 0


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _change(value: float | None) -> str:
    if not value:
        return ""
    return f"{value:+,}" if isinstance(value, int) else f"{value:+,.4g}"


def sparkline(values: list[float | None]) -> str:
    """Draw values as bars of eight heights, from the least to the largest; a missing one is a dot."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    least, most = min(known), max(known)
    span = (most - least) or 1.0
    return "".join("·" if value is None else _BARS[round((value - least) / span * 7)] for value in values)
