"""A model beside another on the same rows: the metrics of both with paired intervals where the truth is on record.

The rows are the recorded request of the newer model's run. What both get wrong alike cancels out in a paired interval (see
`profiles.bootstrap`), so that a small step forward shows on few rows. Where no truth is on record, how often the answers
agree is all that can be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.answering import answer
from solvent.deploy.batches import form_of, lay_out
from solvent.deploy.recorded import Recorded, Whole, read_recorded, read_whole
from solvent.deploy.registry import ModelVersion, materialise
from solvent.deploy.verify import with_columns
from solvent.errors import BundleError, SolventError
from solvent.fingerprint.values import identify
from solvent.runs.measured import PAIRED, MetricDifference, difference_between, is_evaluation
from solvent.serving.folder import open_bundle

if TYPE_CHECKING:
    from solvent.runs.stores import Stores
    from solvent.serving.manifest import Manifest

RESAMPLES, MOST_ROWS = 1000, 20_000
_TOLERANCE = 1e-9
_READING = ("target", "task", "classes", "positive", "threshold")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the second model answers compared with the first, on `rows` recorded rows of a run.

    `metrics` are second minus first; they are empty where no truth is on record, and `about` says why. `equal_rows` are
    answered alike to 1e-9; `mean_change` and `largest_change` are of answers that are numbers. `warning` says what makes the
    comparison unfair.
    """

    first: str
    second: str
    run_id: str
    rows: int
    metrics: tuple[MetricDifference, ...]
    about: str
    equal_rows: int
    mean_change: float | None
    largest_change: float | None
    warning: str = ""


class Truth(NamedTuple):
    """What is true of the recorded rows, how `evaluate` was told to read it, and whose word it is."""

    value: Any
    options: Mapping[str, Any]
    about: str


def compare_models(first: ModelVersion, second: ModelVersion, stores: Stores) -> Comparison:
    """Let both answer the rows that the newer one's run recorded, and compare; BundleError if one can't take them."""
    folders = [materialise(each, stores) for each in (first, second)]
    recorded = [read_recorded(folder, stores) for folder in folders]
    newer = 1 if second.number >= first.number else 0
    wholes = [read_whole(folder, stores) for folder in folders]
    answers = []
    for version, folder, whole in zip((first, second), folders, wholes, strict=True):
        manifest = open_bundle(folder).manifest
        asked = wholes[newer].asked_of(whole)
        _check_taken(asked, manifest, version.label, recorded[newer].run.id)
        answers.append(answer(folder, with_columns(asked, manifest.request)))
    metrics, about = _metrics(_truth(recorded[newer], wholes[newer]), answers)
    equal, mean, largest = _agreement(*answers)
    return Comparison(
        first=first.label,
        second=second.label,
        run_id=recorded[newer].run.id,
        rows=max(form_of(wholes[newer].request).counts(), default=0),
        metrics=metrics,
        about=about,
        equal_rows=equal,
        mean_change=mean,
        largest_change=largest,
        warning=_unfair(recorded, wholes, newer, (first.label, second.label)[1 - newer]),
    )


def _check_taken(request: Any, manifest: Manifest, label: str, run_id: str) -> None:
    """Make sure that a model can take recorded rows: it may need fewer columns, and no others."""
    wanted = [each.name for each in manifest.request.columns]
    if getattr(request, "ndim", 2) == 2 and hasattr(request, "columns"):
        lacking = [name for name in wanted if name not in list(request.columns)]
    else:
        shape = tuple(getattr(request, "shape", ()))[1:]
        lacking = wanted if shape and shape != tuple(manifest.request.shape or ()) else []
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise BundleError(
            f"{label} can't take the rows of run {run_id}: it needs {', '.join(map(repr, lacking[:3]))}{more}",
            hint="models of different requests can only be compared where both are asked",
        )


def _metrics(found: Truth | None, answers: Sequence[Any]) -> tuple[tuple[MetricDifference, ...], str]:
    """Compare the metrics of both answers with the recorded truth, or say why that can't be done."""
    from solvent.profiles.bootstrap import differences, intervals
    from solvent.profiles.predictions import read_sample

    if found is None:
        return (), "no truth is on record: the run evaluated the answers with no `evaluate`, and no label is declared"
    truth, options, about = found
    try:
        old, new = (read_sample(truth, _predictions(each), **options) for each in answers)
    except SolventError as error:
        return (), f"{about} does not fit the answers: {error.problem}"
    if type(old) is not type(new):
        return (), "the two answer in different ways, a class and a number"
    values = [intervals(each, resamples=RESAMPLES, seed=0, most_rows=MOST_ROWS) for each in (old, new)]
    paired = differences(old, new, resamples=RESAMPLES, seed=0, most_rows=MOST_ROWS)
    both = [name for name in values[0] if name in values[1]]
    made = (difference_between(name, values[0][name], values[1][name], paired.get(name)) for name in both)
    return tuple(made), f"{about}; {PAIRED}"


def _truth(recorded: Recorded, whole: Whole) -> Truth | None:
    """Find what is true of the recorded rows: what `evaluate` compared the answers with, or the declared label."""
    for step in recorded.run.steps:
        given = {each.name: each for each in step.input_records}
        looked_at = given.get("predictions")
        if is_evaluation(step) and looked_at is not None and looked_at.position == recorded.response_position:
            options = {name: step.inputs[name] for name in _READING if name in step.inputs}
            return Truth(step.inputs["truth"], options, f"the truth of step `{step.label}`")
    return Truth(whole.truth, {}, f"the label {whole.label!r}") if whole.label else None


def _predictions(given: Any) -> Any:
    """Give answers as something that can be evaluated: columns of a bundle's own type become a table."""
    if not isinstance(given, Mapping):
        return given
    import pyarrow as pa

    return next(iter(given.values())) if len(given) == 1 else pa.table(dict(given))


def _agreement(old: Any, new: Any) -> tuple[int, float | None, float | None]:
    """Count the rows that both answer alike, with the mean and the largest change of numbers."""
    one, two = (_laid(each) for each in (old, new))
    if one.keys() != two.keys():
        return 0, None, None
    changes: list[float] = []
    alike: list[bool] = [True] * len(next(iter(one.values()), ()))
    for name, before in one.items():
        for at, (a, b) in enumerate(zip(before, two[name], strict=True)):
            if _is_number(a) and _is_number(b):
                changes.append(float(b) - float(a))
                alike[at] = alike[at] and bool(abs(changes[-1]) <= _TOLERANCE or (a != a and b != b))
            else:
                alike[at] = alike[at] and bool(a == b)
    known = [each for each in changes if each == each]
    if not known:
        return sum(alike), None, None
    return sum(alike), sum(known) / len(known), max(map(abs, known))


def _laid(given: Any) -> Mapping[str, Sequence[Any]]:
    return given if isinstance(given, Mapping) else lay_out(given, form_of(given)).columns


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unfair(recorded: Sequence[Recorded], wholes: Sequence[Whole], newer: int, older: str) -> str:
    """Say that the older model may have learnt from the rows, unless its own run kept these very rows for its test."""
    if identify(wholes[0].request).digest == identify(wholes[1].request).digest:
        return ""
    return (
        f"the rows were kept from training in run {recorded[newer].run.id}; {older} comes of run"
        f" {recorded[1 - newer].run.id}, which had others for its test, and may have learnt from some of these"
    )
