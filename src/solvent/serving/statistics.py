"""What training data and recorded answers were like, as small as a server needs it: `statistics.json` of a bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from solvent.errors import BundleError

STATISTICS = "statistics.json"
"""The file of a bundle; one that has none is served without a window."""


class ColumnStatistics(NamedTuple):
    """One column: `missing` is the share without a value.

    Of numbers there are `ends`, the values that divide the rest into bins (up to the first, from each up to the next, above
    the last), and the range `low` to `high`; of texts and booleans the frequent `categories`, one bin each, and a last one
    for all others. `shares` are those of the bins. `complete` says that there are no categories but these. A column without
    shares tells what is missing, and no more: its values are others each time, or nobody may see them.
    """

    name: str
    missing: float = 0.0
    ends: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    complete: bool = False
    low: float | None = None
    high: float | None = None


class Origin(NamedTuple):
    """The artifact that statistics were made of: digest, type ("module:class"), rows, and the output of the run."""

    digest: str = ""
    type: str = ""
    rows: int = 0
    output: str = ""


class Statistics(NamedTuple):
    """The columns of the training data that a request has, and those of the recorded answers.

    `asked` and `answers` are the recorded request and its answers. `sensitive` are the columns of requests and answers whose
    values may be in no log.
    """

    request: tuple[ColumnStatistics, ...] = ()
    response: tuple[ColumnStatistics, ...] = ()
    training: Origin = Origin()
    asked: Origin = Origin()
    answers: Origin = Origin()
    sensitive: tuple[str, ...] = ()


def to_bytes(statistics: Statistics) -> bytes:
    """Write statistics: equal ones give equal bytes."""
    tree = {
        "request": [each._asdict() for each in statistics.request],
        "response": [each._asdict() for each in statistics.response],
        "training": statistics.training._asdict(),
        "asked": statistics.asked._asdict(),
        "answers": statistics.answers._asdict(),
        "sensitive": statistics.sensitive,
    }
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_statistics(data: bytes) -> Statistics:
    """Read what `to_bytes` wrote; BundleError if that is not what it is."""
    try:
        tree = json.loads(data)
        request, response = (tuple(map(_column, tree[name])) for name in ("request", "response"))
        training, asked, answers = (Origin(**tree[name]) for name in ("training", "asked", "answers"))
        return Statistics(request, response, training, asked, answers, tuple(tree["sensitive"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"the statistics of the bundle can't be read: {error!r}") from error


def _column(tree: Mapping[str, Any]) -> ColumnStatistics:
    found: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in tree.items()}
    return ColumnStatistics(**found)
