"""What a run recorded about an endpoint: the rows that stand for the request, and the answers to them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.selection import without
from solvent.errors import BundleError
from solvent.runs.views import Run
from solvent.serving.folder import ANNOTATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from solvent.deploy.slice import Slice
    from solvent.runs.stores import Stores


def annotate(run_id: str, slice: Slice, label: str | None = None) -> dict[str, Any]:
    """Note beside a bundle which outputs of which run it was cut between, and what column of the request is the label."""
    nodes = {"request": slice.request, "response": slice.response}
    left_out = {"left_out": slice.left_out, "columns": slice.all_columns} if slice.left_out else {}
    return {"run": run_id, "label": label, **left_out} | {
        name: {"position": node.position, "field": node.field} for name, node in nodes.items()
    }


class Recorded(NamedTuple):
    """The run that a bundle was cut out of, and what it recorded; the response came of the call at that position."""

    run: Run
    request: Any
    response: Any
    response_position: int

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the steps that looked at the response, as "step.metric"; of all steps if none did."""
        steps = self.run.steps
        looking = {self.response_position}
        for step in steps:
            if any(each.run_id == self.run.id and each.position in looking for each in step.input_records):
                looking.add(step.position)
        chosen = [step for step in steps if step.position in looking and step.metrics] or steps
        return {f"{step.name}.{name}": value for step in chosen for name, value in step.metrics.items()}


def read_recorded(folder: str, stores: Stores) -> Recorded:
    """Give the run that a bundle was cut out of, and the request and the response that it recorded.

    What is not stored any more is made again. BundleError if the bundle does not say where it comes from.
    """
    with _reading(folder) as notes:
        run = Run(stores.metadata.find_run(notes["run"]), stores)
        request, response = (_output(run, notes[name]) for name in ("request", "response"))
        if notes.get("left_out"):
            request = without(request, notes["columns"], notes["left_out"])
        return Recorded(run, request, response, notes["response"]["position"])


class Whole(NamedTuple):
    """The recorded request with all its columns, those that the slice leaves out too; `label` names what is to be learnt."""

    request: Any
    columns: tuple[str, ...]
    left_out: frozenset[str]
    label: str | None

    @property
    def truth(self) -> Any:
        """The column of the label."""
        if hasattr(self.request, "columns"):
            return self.request[self.label]
        return self.request[:, self.columns.index(str(self.label))]

    def asked_of(self, other: Whole) -> Any:
        """Give these rows as another bundle, with what it leaves out, takes them; tables keep the columns that it lacks."""
        if hasattr(self.request, "columns") or not other.left_out:
            return self.request
        return without(self.request, other.columns, other.left_out)


def read_whole(folder: str, stores: Stores) -> Whole:
    """Give all columns of the request that the run of a bundle recorded."""
    with _reading(folder) as notes:
        request = _output(Run(stores.metadata.find_run(notes["run"]), stores), notes["request"])
        columns, left_out = notes.get("columns", ()), notes.get("left_out", ())
        return Whole(request, tuple(columns), frozenset(left_out), notes.get("label"))


@contextmanager
def _reading(folder: str) -> Iterator[Any]:
    """Give what a bundle says beside its digest."""
    try:
        with open(os.path.join(folder, ANNOTATIONS), encoding="utf-8") as file:
            notes = json.load(file)
        yield notes
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise BundleError(
            f"the bundle does not say which rows of which run it was cut out of ({error!r})",
            where=folder,
            hint="make it again with `solvent bundle`",
        ) from error


def _output(run: Run, place: Mapping[str, Any]) -> Any:
    step = next(each for each in run.steps if each.position == place["position"])
    return step.artifacts[place["field"]].value() if place["field"] else step.output
