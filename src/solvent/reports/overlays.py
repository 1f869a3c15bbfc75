"""What runs logged, laid over one another: series, curves of evaluations, and pictures of the same name."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from solvent.errors import SolventError
from solvent.profiles.plots import COLOURS, Series, curve_chart, line_chart
from solvent.profiles.records import Curve
from solvent.profiles.svg import Svg
from solvent.reports.measures import evaluation
from solvent.reports.pictures import stored_value
from solvent.runs.views import Artifact, Run, StepRun
from solvent.runs.words import size_text

MOST_PICTURE_BYTES = 2_000_000
"""A larger picture is named, not shown; so are those that come once a page holds ten times as much."""
T = TypeVar("T")
_CURVES = ("roc", "precision_recall", "calibration")


class Drawn(NamedTuple):
    """One chart with what it is of; what has more than six lines comes in several, each with the first run."""

    name: str
    drawings: tuple[Svg, ...]


class Picture(NamedTuple):
    """A picture of one or more runs; `source` is a data: URI, or `problem` says why there is none."""

    runs: str
    source: str = ""
    problem: str = ""


class Pictures(NamedTuple):
    """The pictures of one name, side by side."""

    name: str
    pictures: tuple[Picture, ...]


def draw_series(runs: Sequence[tuple[str, Run]]) -> list[Drawn]:
    """Draw each metric that was logged more than once, all runs in one chart."""
    found: dict[str, list[Series]] = {}
    for letter, run in runs:
        for step in run.steps:
            for name in step.metrics:
                points = step.series(name)
                if len(points) > 1:
                    x = [float(at if count is None else count) for at, (count, _) in enumerate(points)]
                    found.setdefault(f"{step.label}.{name}", []).append(Series(letter, x, [y for _, y in points]))
    return [
        Drawn(name, tuple(line_chart(lines, name, x_name="step", width=420) for lines in _in_sixes(series)))
        for name, series in found.items()
    ]


def _in_sixes(lines: Sequence[T]) -> list[Sequence[T]]:
    """Part lines into as many as a chart can tell apart, the first one in each."""
    if len(lines) <= COLOURS:
        return [lines]
    rest, number = lines[1:], COLOURS - 1
    return [[lines[0], *rest[at : at + number]] for at in range(0, len(rest), number)]


def draw_curves(runs: Sequence[tuple[str, Run]]) -> list[Drawn]:
    """Draw the curves of evaluations, all runs in one chart."""
    found: dict[tuple[str, str, str], list[tuple[str, Curve]]] = {}
    for letter, run in runs:
        for step in run.steps:
            metrics = evaluation(step)
            for curve in metrics.curves if metrics else ():
                if curve.name in _CURVES:
                    found.setdefault((step.label, curve.name, curve.label), []).append((letter, curve))
    return [
        Drawn(" ".join([label, name.replace("_", "-"), of]).strip(), tuple(curve_chart(each, name) for each in sixes))
        for (label, name, of), curves in found.items()
        for sixes in [_in_sixes(curves)]
    ]


def find_pictures(runs: Sequence[tuple[str, Run]]) -> list[Pictures]:
    """Give the figures and images of each name, those of equal content once, as data: URIs."""
    found: dict[str, dict[str, tuple[list[str], Artifact]]] = {}
    for letter, run in runs:
        for step in run.steps:
            for name, artifact in _shown(step):
                letters, _ = found.setdefault(name, {}).setdefault(artifact.digest, ([], artifact))
                letters.append(letter)
    room, shown = 10 * MOST_PICTURE_BYTES, []
    for name, equal in found.items():
        pictures = []
        for letters, artifact in equal.values():
            picture = _picture(", ".join(letters), artifact, min(room, MOST_PICTURE_BYTES))
            room -= len(picture.source)
            pictures.append(picture)
        shown.append(Pictures(name, tuple(pictures)))
    return shown


def _shown(step: StepRun) -> list[tuple[str, Artifact]]:
    logged = [(f"{step.label}.{name}", each) for name, each in step.attachments.items()]
    given = [(f"{step.label}{'.' + name if name != 'output' else ''}", each) for name, each in step.artifacts.items()]
    return [(name, each) for name, each in [*logged, *given] if each.format in ("figure", "image")]


def _picture(letters: str, artifact: Artifact, room: int) -> Picture:
    if artifact.size_bytes > room:
        return Picture(letters, problem=f"not shown: it is of {size_text(artifact.size_bytes)}")
    try:
        media_type, data = _encoded(artifact)
    except (SolventError, ImportError, OSError, ValueError) as error:
        return Picture(letters, problem=f"can't be read: {str(error).splitlines()[0]}")
    return Picture(letters, f"data:{media_type};base64,{base64.b64encode(data).decode()}")


def _encoded(artifact: Artifact) -> tuple[str, bytes]:
    """Give the media type and the bytes of a figure or image: never as markup of the page, so no script in it runs."""
    value: Any = stored_value(artifact)
    if artifact.format == "figure":
        return ("image/svg+xml" if value.media_type == "image/svg+xml" else "image/png"), value.data
    out = io.BytesIO()
    value.save(out, format="png")
    return "image/png", out.getvalue()
