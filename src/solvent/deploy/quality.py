"""Live quality: labels that came later joined to logged answers, beside the same metrics on the recorded rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solvent.errors import DataError, nearest
from solvent.profiles.bootstrap import difference_of, intervals
from solvent.profiles.metrics import direction
from solvent.profiles.predictions import read_sample
from solvent.profiles.records import Interval

if TYPE_CHECKING:
    import pyarrow as pa

CHIEF = ("roc_auc", "accuracy", "rmse")
"""The metric that decides, the first that there is: of many metrics one in twenty would alert by chance."""
RESAMPLES = 1000
SAME, BETTER, WORSE, UNKNOWN = "same", "better", "worse", "unknown"


@dataclass(frozen=True)
class Quality:
    """Metrics of answered rows whose labels are known: `live` ones, and those of the recorded rows (`recorded`).

    `rows` have a label, of `answered` in the window; `twice` keys of the labels stood for several rows of them, and their
    first counts. `verdict` is same, better, worse or unknown, by the metric `chief`: whether the 95 % interval of the
    difference excludes 0.
    """

    rows: int
    answered: int
    twice: int
    live: Mapping[str, Interval]
    recorded: Mapping[str, Interval]
    chief: str = ""
    verdict: str = UNKNOWN
    why: str = ""


class Labels:
    """A table of labels: `key` is the column that tells requests apart, `label` what came true."""

    def __init__(self, table: pa.Table, key: str, label: str | None, where: str) -> None:
        names = table.column_names
        _check(key, names, where)
        others = [each for each in names if each != key]
        if label is None and len(others) != 1:
            raise DataError(f"{where} has several columns: {', '.join(others[:8])}", hint="say which: --label COLUMN")
        self.label = label or others[0]
        _check(self.label, names, where)
        self.by_key: dict[Any, Any] = {}
        self.twice = 0
        for each, value in zip(table[key].to_pylist(), table[self.label].to_pylist(), strict=True):
            self.twice += each in self.by_key
            self.by_key.setdefault(each, value)


def _check(name: str, names: Sequence[str], where: str) -> None:
    if name not in names:
        raise DataError(
            f"{where} has no column {name!r}{nearest(name, names)}", hint=f"it has: {', '.join(names[:12])}"
        )


def live_quality(
    requests: pa.Table, labels: Labels, key: str, predictions: Sequence[str], recorded: tuple[Any, Any] | None
) -> Quality:
    """Join labels to the rows of requests by the column `key`, and measure the columns of `predictions`.

    `recorded` are the truth and the answers of the recorded rows, if they are in the store.
    """
    _check(key, requests.column_names, "the log")
    found = [labels.by_key.get(each) for each in requests[key].to_pylist()]
    rows = [at for at, value in enumerate(found) if value is not None and value == value]
    if not rows:
        return Quality(0, requests.num_rows, labels.twice, {}, {}, why="no answered row has a label")
    truth = [found[at] for at in rows]
    live = _measured(truth, _answers(requests.take(rows), predictions))
    former = _measured(*recorded) if recorded else {}
    return _judged(Quality(len(rows), requests.num_rows, labels.twice, live, former))


def _answers(table: pa.Table, predictions: Sequence[str]) -> Any:
    if len(predictions) == 1:
        return table[predictions[0]].to_numpy()
    return table.select(list(predictions))


def _measured(truth: Any, answers: Any) -> dict[str, Interval]:
    sample = read_sample(truth, answers)
    return intervals(sample, resamples=RESAMPLES, seed=0)


def _judged(found: Quality) -> Quality:
    from dataclasses import replace

    chief = next((each for each in CHIEF if each in found.live), "")
    if not chief or chief not in found.recorded:
        why = "no metric can be measured" if not chief else "the recorded rows have no such label to compare with"
        return replace(found, chief=chief, why=why)
    change = difference_of(found.recorded[chief], found.live[chief])
    if change.low is None or change.high is None:
        return replace(found, chief=chief, why="there are too few rows for an interval")
    if change.low <= 0 <= change.high:
        return replace(found, chief=chief, verdict=SAME)
    risen = change.low > 0
    return replace(found, chief=chief, verdict=BETTER if risen == (direction(chief) == "higher") else WORSE)
