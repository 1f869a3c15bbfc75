"""Metrics of two runs compared: whether their 95 % intervals show a difference, and if so which run is better.

The interval of a change is that of the paired bootstrap where both runs evaluated the same rows (equal truth by digest) and
their predictions are stored: what both get wrong alike then cancels out. Else it is put together from the two intervals as
if these were independent (MOVER), which on the same rows is wider than it need be. There is no evidence of a difference
where it holds zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from solvent.errors import NotFoundError, SolventError
from solvent.profiles.records import Interval, Metrics
from solvent.runs.views import Run, StepRun
from solvent.runs.words import is_metrics

NO_EVIDENCE = "no evidence of a difference"
PAIRED, INDEPENDENT, NO_INTERVAL = "paired bootstrap", "independent intervals", "no interval"
CHEAP_BYTES = 20_000_000
"""Truth and predictions up to this size together are read for a paired comparison without being asked to."""
_RESAMPLES, _MOST_ROWS = 1000, 20_000
_READING = ("target", "task", "classes", "positive", "threshold")


class MetricDifference(NamedTuple):
    """A metric that differs: its value in both runs, and the second minus the first as `change`, with 95 % intervals.

    `verdict` is better, worse, or higher, lower where the name does not say which is good, or "no evidence of a
    difference"; `method` says what the interval of the change was made from.
    """

    name: str
    first: float | None
    second: float | None
    first_interval: tuple[float, float] | None = None
    second_interval: tuple[float, float] | None = None
    change: float | None = None
    change_interval: tuple[float, float] | None = None
    verdict: str = ""
    method: str = ""


def is_evaluation(step: StepRun) -> bool:
    """Whether a step gave `Metrics`."""
    return {"task", "values", "curves", "resamples"} <= step.artifacts.keys()


def evaluation_of(step: StepRun) -> Metrics | None:
    """Give what `solvent.steps.evaluate` found in a step run, read from the store; None for any other step."""
    found = step.artifacts
    if not is_evaluation(step):
        return None
    known = {each.name for each in fields(Metrics)}
    return Metrics(**{name: artifact.value() for name, artifact in found.items() if name in known})


def interval_text(found: Interval) -> str:
    """Show a metric with its interval: "0.7103 [0.6847, 0.7373]"."""
    ends = _ends(found)
    return f"{found.value:.4g}" + (f" [{ends[0]:.4g}, {ends[1]:.4g}]" if ends else "")


def headline_of(run: Run, result: Any) -> str | None:
    """Give the chief metric of a run whose result, as JSON shows it, is an evaluation; None for another result."""
    if not is_metrics(result):
        return None
    return chief_metric({name.rpartition(".")[2]: each for name, each in run.intervals.items()})


def chief_metric(values: Mapping[str, Interval]) -> str | None:
    """Show the one metric that says most, such as "0.7103 [0.6847, 0.7373] roc_auc"."""
    return next((f"{interval_text(values[word])} {word}" for word in _CHIEF if word in values), None)


_CHIEF = ("roc_auc", "accuracy", "rmse")


def compare_metrics(first: Run, second: Run, paired: bool | None = None) -> list[MetricDifference]:
    """Compare the metrics of two runs that differ.

    `paired` asks for the paired bootstrap whatever the size of the predictions; False for none at all.
    """
    old, new = first.intervals, second.intervals
    differing = [n for n in dict.fromkeys([*old, *new]) if n not in old or n not in new or old[n].value != new[n].value]
    changes = {} if paired is False else _paired_changes(first, second, set(differing), paired or False)
    return [difference_between(name, old.get(name), new.get(name), changes.get(name)) for name in differing]


def difference_between(
    name: str, old: Interval | None, new: Interval | None, paired: Interval | None
) -> MetricDifference:
    """Give how a metric changed, with its verdict; `paired` is its change on the same rows, where that is known."""
    if old is None or new is None:
        first, second = (None if each is None else each.value for each in (old, new))
        return MetricDifference(name, first, second, _ends(old), _ends(new))
    from solvent.profiles.bootstrap import difference_of

    change, method = difference_of(old, new), INDEPENDENT
    if paired is not None and _ends(paired):
        change, method = paired, PAIRED
    ends = _ends(change)
    if ends is None:
        method = NO_INTERVAL
    verdict = NO_EVIDENCE if ends and ends[0] <= 0 <= ends[1] else _verdict(name, old.value, new.value)
    return MetricDifference(name, old.value, new.value, _ends(old), _ends(new), change.value, ends, verdict, method)


def _ends(found: Interval | None) -> tuple[float, float] | None:
    return None if found is None or found.low is None or found.high is None else (found.low, found.high)


def _verdict(name: str, old: float, new: float) -> str:
    from solvent.profiles.metrics import direction

    good = direction(name)
    if good is None or old != old or new != new:
        return "higher" if new > old else "lower" if new < old else ""
    risen = abs(new) < abs(old) if good == "nearer zero" else (new > old) == (good == "higher")
    return "better" if risen else "worse"


def _paired_changes(first: Run, second: Run, differing: set[str], asked: bool) -> dict[str, Interval]:
    """Give the change of each metric of the evaluations that saw the same rows in both runs."""
    found: dict[str, Interval] = {}
    others = {step.label: step for step in second.steps}
    for step in first.steps:
        other = others.get(step.label)
        names = {name for name in step.intervals if f"{step.label}.{name}" in differing}
        if other is not None and names and _comparable(step, other, asked):
            changes = _changes(step, other)
            found |= {f"{step.label}.{name}": changes[name] for name in names & changes.keys()}
    return found


def _comparable(one: StepRun, two: StepRun, asked: bool) -> bool:
    """Whether two step runs evaluated stored predictions of the same stored rows, small enough to read them again."""
    old, new = _given(one), _given(two)
    if not old.keys() == new.keys() == {"truth", "predictions"} or old["truth"][:2] != new["truth"][:2]:
        return False
    if not is_evaluation(one) or not is_evaluation(two) or _options(one) != _options(two):
        return False
    return asked or sum(each[2] for each in (*old.values(), new["predictions"])) <= CHEAP_BYTES


def _given(step: StepRun) -> dict[str, tuple[str, str, int]]:
    """Give digest, type and size of the stored truth and predictions."""
    found = {}
    for each in step.input_records:
        if each.name in ("truth", "predictions"):
            try:
                size = step._stores.metadata.find_artifact(each.digest, each.type).size_bytes
            except NotFoundError:
                continue
            found[each.name] = (each.digest, each.type, size)
    return found


def _options(step: StepRun) -> Mapping[str, Any]:
    texts = step.parts.get("arguments", {})
    return {name: texts.get(name) for name in _READING}


def _changes(one: StepRun, two: StepRun) -> dict[str, Interval]:
    """Resample both; nothing where the data can't be read, or not without running code that nobody vouched for."""
    from solvent.profiles.bootstrap import differences
    from solvent.profiles.predictions import read_sample

    try:
        options = {name: one.inputs[name] for name in _READING if name in one.inputs}
        truth = one.inputs["truth"]
        samples = [read_sample(truth, step.inputs["predictions"], **options) for step in (one, two)]
    except (SolventError, KeyError, ImportError, TypeError):
        return {}
    if type(samples[0]) is not type(samples[1]):
        return {}
    return differences(*samples, resamples=_RESAMPLES, seed=0, most_rows=_MOST_ROWS)
