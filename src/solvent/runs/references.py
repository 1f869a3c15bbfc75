"""From what a person types to an output: "flights@7", a digest, "run/step", "run/step[1]", "run/step[1].field"."""

from __future__ import annotations

import re

from solvent.errors import NotFoundError, nearest
from solvent.runs.datasets import find_version, has_dataset, near_dataset
from solvent.runs.stores import Stores
from solvent.runs.views import Artifact, Run, StepRun

_STEP = re.compile(r"(?P<name>[^\[\].]+)(?:\[(?P<index>\d+)\])?(?:\.(?P<field>\w+))?")


def find_output(reference: str, stores: Stores) -> Artifact:
    """Find the artifact that a reference means."""
    if "@" in reference:
        return find_version(reference, stores).artifact
    run, slash, rest = reference.partition("/")
    if not slash:
        return _find_named(reference, stores)
    step_run, field = find_step_run(f"{run}/{rest}", stores)
    found = step_run.artifacts
    if field is None and len(found) == 1:
        return next(iter(found.values()))
    if field in found:
        return found[field]
    if not found:
        raise NotFoundError(f"`{step_run.label}` of run {step_run.run_id} has no output: it is {step_run.status}")
    problem = (
        f"`{step_run.label}` has no output {field!r}{nearest(field, found)}"
        if field
        else f"`{step_run.label}` has several outputs"
    )
    raise NotFoundError(problem, hint="choose one: " + ", ".join(f"{run}/{step_run.label}.{name}" for name in found))


def is_output(reference: str) -> bool:
    """Whether a reference can only mean an output: RUN/STEP, or a dataset version."""
    return "/" in reference or "@" in reference


def _find_named(reference: str, stores: Stores) -> Artifact:
    """Find the current version of the dataset of that name, else the artifact whose digest begins like that."""
    if has_dataset(reference, stores):
        return find_version(reference, stores).artifact
    try:
        return Artifact(stores.metadata.find_artifact(reference), stores)
    except NotFoundError as no_artifact:
        if near := near_dataset(reference, stores):
            raise NotFoundError(
                f"there is no dataset or artifact {reference!r}; did you mean {near!r}?",
                hint="`solvent data` lists the datasets",
            ) from None
        raise no_artifact


def find_step_run(reference: str, stores: Stores) -> tuple[StepRun, str | None]:
    """Find a step run by "run/step[index]"; without a run it is that of the latest run. A field after it is given back."""
    run_text, slash, step_text = reference.rpartition("/")
    run = Run(stores.metadata.find_run(run_text if slash else "latest"), stores)
    parsed = _STEP.fullmatch(step_text)
    if parsed is None:
        raise NotFoundError(f"{step_text!r} is not the name of a step run", hint="write step, step[1] or step[1].field")
    calls = run[parsed["name"]]
    index = int(parsed["index"] or 0)
    if index >= len(calls):
        raise NotFoundError(
            f"run {run.id} called `{parsed['name']}` {len(calls)} times; there is no [{index}]",
            hint=f"the last one is {parsed['name']}[{len(calls) - 1}]",
        )
    return calls[index], parsed["field"]
