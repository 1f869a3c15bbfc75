"""The step that says how good predictions are: metrics with intervals, overall and by slices, and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from solvent.errors import DataError
from solvent.pipelines.context import log, seed
from solvent.pipelines.step import step
from solvent.profiles.bootstrap import MOST_ROWS, intervals
from solvent.profiles.curves import curves_of
from solvent.profiles.metrics import Classification, Regression
from solvent.profiles.predictions import read_sample
from solvent.profiles.records import Interval, Metrics, Slice
from solvent.profiles.slices import Cut, cut
from solvent.profiles.vectors import is_table

Sample = Classification | Regression

SLICE_ROWS = 10_000
"""From more rows than this, those of a slice are drawn for its intervals."""


@step
def evaluate(
    truth: Any,
    predictions: Any,
    *,
    target: str | None = None,
    task: str | None = None,
    classes: Sequence[Any] | None = None,
    positive: Any = None,
    threshold: float = 0.5,
    slices: str | Mapping[str, Any] | Sequence[Any] = (),
    table: Any = None,
    least_rows: int = 30,
    resamples: int = 1000,
) -> Metrics:
    """Say how good predictions are, each metric with its 95 % bootstrap interval, and log the overall ones.

    `truth` is a series, array or list, or a table with its column `target`. `predictions` are numbers or labels, the
    probability of the `positive` class (of two; by default the latter in order), or the probability of each class: a table
    with a column for each class, or an array with a column for each of `classes` (by default those of the truth, sorted).
    Rows belong together by their place. A positive class is predicted from a probability of `threshold` on.

    `task` is classification or regression. Without it, texts, booleans and probabilities by class mean classification; so
    do at most 20 distinct whole numbers, if each prediction is one of them, or if they are 0 and 1 and predictions lie
    between. All else is a regression.

    `slices` are names of columns of `table` (by default `truth`, if that is one), one slice for each value with at least
    `least_rows` rows, conditions such as "hour >= 22 or hour < 5", and mappings from a name to a condition or to a mask of
    booleans.

    The metrics, and how their intervals are made, are explained in `docs/how-to/evaluate-a-model.md`. DataError if the
    data are not like this.
    """
    _check_numbers(threshold, least_rows, resamples)
    sample = read_sample(
        truth, predictions, target=target, task=task, classes=classes, positive=positive, threshold=threshold
    )
    table = truth if table is None and is_table(truth) else table
    cuts = cut(slices, table, sample.rows)
    drawn = seed() if resamples else None
    values = measure(sample, resamples, drawn or 0, MOST_ROWS)
    for name, each in values.items():
        log.metric(name, each.value, interval=_ends(each))
    small = [each for each in cuts if each.rows.sum() < least_rows]
    kept = [_slice(each, sample, resamples, drawn or 0) for each in cuts if each not in small]
    return Metrics(
        task="regression" if isinstance(sample, Regression) else "classification",
        rows=sample.rows,
        values=values,
        slices=tuple(kept),
        curves=curves_of(sample),
        resamples=resamples,
        seed=drawn,
        notes=_notes(sample, values, small, least_rows),
        **_of_classes(sample),
    )


def measure(sample: Sample, resamples: int, seed: int, most_rows: int) -> dict[str, Interval]:
    """Give each metric with its interval; of many classes fewer rows are resampled, since each class costs as much."""
    if isinstance(sample, Classification) and sample.positive is None and sample.probabilities is not None:
        most_rows = max(1000, most_rows * 2 // len(sample.classes))
    return intervals(sample, resamples=resamples, seed=seed, most_rows=most_rows)


def _slice(one: Cut, sample: Sample, resamples: int, seed: int) -> Slice:
    part = sample.taken(one.rows.nonzero()[0])
    return Slice(one.name, part.rows, measure(part, resamples, seed, SLICE_ROWS))


def _ends(each: Interval) -> tuple[float, float] | None:
    return None if each.low is None or each.high is None else (each.low, each.high)


def _of_classes(sample: Sample) -> dict[str, Any]:
    if isinstance(sample, Regression):
        return {}
    return {
        "classes": sample.classes,
        "confusion": tuple(tuple(int(each) for each in row) for row in sample.confusion),
        "positive": "" if sample.positive is None else sample.classes[sample.positive],
    }


def _check_numbers(threshold: float, least_rows: int, resamples: int) -> None:
    if not 0 <= threshold <= 1:
        raise DataError(f"threshold should be a probability from 0 to 1, found {threshold}")
    if least_rows < 1:
        raise DataError(f"least_rows should be 1 or more, found {least_rows}")
    if resamples and resamples < 100:
        raise DataError(f"resamples should be at least 100, or 0 for no intervals; found {resamples}")


def _notes(sample: Sample, values: Mapping[str, Interval], small: Sequence[Cut], least_rows: int) -> tuple[str, ...]:
    """Say what was left out, and why."""
    notes = [_why_undefined(sample, name) for name in _expected(sample) if name not in values]
    if small:
        names = ", ".join(each.name for each in small[:5]) + (", ..." if len(small) > 5 else "")
        notes.append(f"slices of fewer than {least_rows} rows are left out: {names}")
    return tuple(notes)


def _expected(sample: Sample) -> tuple[str, ...]:
    if isinstance(sample, Regression):
        return ("mae", "rmse", "bias", "r2")
    return ("recall",) if sample.probabilities is None else ("recall", "roc_auc", "average_precision")


def _why_undefined(sample: Sample, name: str) -> str:
    if isinstance(sample, Regression):
        if name == "r2" and sample.truth.min() == sample.truth.max():
            return f"{name} is not defined: all values of the truth are equal"
        return f"{name} is too large for a number"
    held = sorted({sample.classes[number] for number in sample.truth.tolist()})
    return f"{name} is not defined: truth holds only {', '.join(held)}"
