"""What a run recorded about an endpoint: the rows that stand for the request, and the answers to them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from solvent.errors import BundleError
from solvent.runs.views import Run
from solvent.serving.folder import ANNOTATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from solvent.deploy.slice import Slice
    from solvent.runs.stores import Stores


def annotate(run_id: str, slice: Slice) -> dict[str, Any]:
    """Note beside a bundle which outputs of which run it was cut between."""
    nodes = {"request": slice.request, "response": slice.response}
    return {"run": run_id} | {name: {"position": node.position, "field": node.field} for name, node in nodes.items()}


def read_recorded(folder: str, stores: Stores) -> tuple[Run, Any, Any]:
    """Give the run that a bundle was cut out of, and the request and the response that it recorded.

    What is not stored any more is made again. BundleError if the bundle does not say where it comes from.
    """
    try:
        with open(os.path.join(folder, ANNOTATIONS), encoding="utf-8") as file:
            notes = json.load(file)
        run = Run(stores.metadata.find_run(notes["run"]), stores)
        return run, _output(run, notes["request"]), _output(run, notes["response"])
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise BundleError(
            f"the bundle does not say which rows of which run it was cut out of ({error!r})",
            where=folder,
            hint="make it again with `solvent bundle`",
        ) from error


def _output(run: Run, place: Mapping[str, Any]) -> Any:
    step = next(each for each in run.steps if each.position == place["position"])
    return step.artifacts[place["field"]].value() if place["field"] else step.output
