"""The figures and texts that steps logged, made fit to stand in a page: pictures as data, texts as texts."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, NamedTuple

from solvent.errors import SolventError
from solvent.runs.views import Artifact, Run, StepRun
from solvent.runs.words import size_text

_MOST_BYTES = 400_000
_ALL_BYTES = 3_000_000
_TEXT = 6_000
_SHOWN = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")


class Picture(NamedTuple):
    """A logged figure: `source` is a data: address, or "" where `problem` says why it is not shown."""

    step: str
    name: str
    source: str
    problem: str = ""

    @property
    def label(self) -> str:
        return f"{self.step}: {self.name}"


class Text(NamedTuple):
    """A logged text, cut to a sensible length."""

    step: str
    name: str
    text: str
    rest: str = ""


class Logged(NamedTuple):
    """All that the steps of a run logged besides metrics."""

    pictures: list[Picture]
    texts: list[Text]


def logged(run: Run) -> Logged:
    """Read what the steps logged; pictures up to 3 MB together."""
    pictures: list[Picture] = []
    texts: list[Text] = []
    room = _ALL_BYTES
    for step, kind, name, artifact in _attachments(run.steps):
        if kind == "figure" or artifact.format == "figure":
            made = picture(step.label, name, artifact, room)
            room -= artifact.size_bytes if made.source else 0
            pictures.append(made)
        else:
            texts.append(_text(step.label, name, artifact))
    return Logged(pictures, texts)


def _attachments(steps: Iterable[StepRun]) -> Iterable[tuple[StepRun, str, str, Artifact]]:
    for step in steps:
        execution = step._record.execution
        for each in execution.attachments if execution else ():
            yield step, each.kind, each.name, Artifact(each.artifact, step._stores)


def stored_value(artifact: Artifact) -> Any:
    """Read an artifact back to show it; for that alone no step is executed again, so BlobError if its bytes are gone."""
    from solvent.artifacts.saving import load
    from solvent.runs.trust import refused

    stores = artifact._stores
    if doubt := stores.doubt(artifact.ref):
        raise refused(artifact.ref, doubt)
    return load(artifact.ref, stores.blobs)


def picture(step: str, name: str, artifact: Artifact, room: int = _ALL_BYTES) -> Picture:
    """Read a figure as a data: address. In an image neither scripts nor addresses of an SVG do anything."""
    if artifact.size_bytes > min(_MOST_BYTES, room):
        return Picture(step, name, "", f"not shown: it has {size_text(artifact.size_bytes)}")
    if artifact.format != "figure":
        return Picture(step, name, "", f"not shown: it is stored as {artifact.format}")
    try:
        found = stored_value(artifact)
    except SolventError as error:
        return Picture(step, name, "", f"it can't be read: {error.problem}")
    media_type = found.media_type if found.media_type in _SHOWN else "image/png"
    return Picture(step, name, f"data:{media_type};base64,{base64.b64encode(found.data).decode()}")


def _text(step: str, name: str, artifact: Artifact) -> Text:
    try:
        found = str(stored_value(artifact))
    except SolventError as error:
        return Text(step, name, "", f"It can't be read: {error.problem}.")
    rest = len(found) - _TEXT
    return Text(step, name, found[:_TEXT], f"{rest:,} more characters are not shown." if rest > 0 else "")
