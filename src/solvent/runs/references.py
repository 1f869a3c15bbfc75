"""From what a person types to an output: a digest, "run/step", "run/step[1]", "run/step[1].field"."""

from __future__ import annotations

import re

from solvent.errors import NotFoundError, nearest
from solvent.runs.stores import Stores
from solvent.runs.views import Artifact, Run, StepRun

_STEP = re.compile(r"(?P<name>[^\[\].]+)(?:\[(?P<index>\d+)\])?(?:\.(?P<field>\w+))?")


def find_output(reference: str, stores: Stores) -> Artifact:
    """Find the artifact that a reference means."""
    run, slash, rest = reference.partition("/")
    if not slash:
        return Artifact(stores.metadata.find_artifact(reference), stores)
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
