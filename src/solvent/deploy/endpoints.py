"""Finding the endpoint that a person means, by its name or as TARGET:NAME, and the run that it is cut out of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.errors import BundleError, NotFoundError, SolventError, nearest
from solvent.pipelines.endpoint import Endpoint
from solvent.runs.api import target_of
from solvent.runs.lives import status_of
from solvent.runs.scripts import load_declarations, was_script
from solvent.runs.target import load_module, split_target

if TYPE_CHECKING:
    from solvent.model import RunRecord
    from solvent.runs.stores import Stores

_LOOKED_AT = 1000
"""So many of the newest runs say where endpoints may be declared."""


def find_endpoint(reference: str, stores: Stores) -> Endpoint:
    """Find a declared endpoint, in the module of a target or in those of the pipelines that were run.

    NotFoundError names the nearest one, and the modules that could not be looked into; BundleError if two modules declare
    different ones of that name.
    """
    place, name = split_target(reference)
    if name:
        return _only(name, [(each, place) for each in endpoints_of(load_module(place))], place, {})
    found: list[tuple[Endpoint, str]] = []
    broken: dict[str, str] = {}
    for file, path, script in _modules(stores):
        try:
            module = load_declarations(path) if script else load_module(path)
            found += [(each, file) for each in endpoints_of(module)]
        except SolventError as error:
            broken[file] = error.problem.strip().rpartition("\n")[2]
    return _only(reference, found, "the pipelines that were run", broken)


def endpoints_of(module: Any) -> list[Endpoint]:
    """Give the endpoints that a module declares."""
    return [each for each in vars(module).values() if isinstance(each, Endpoint)]


def _modules(stores: Stores) -> list[tuple[str, str, bool]]:
    """Give the files of the pipelines that were run, newest first: as recorded, where they are, and whether as scripts."""
    found: dict[str, tuple[str, str, bool]] = {}
    for run in stores.metadata.list_runs(limit=_LOOKED_AT, project=stores.metadata.project):
        file = split_target(run.target)[0]
        path = os.path.join(stores.project.root, *file.split("/"))
        if not file.startswith("<"):
            found.setdefault(file, (file, path, was_script(path, run.command)))
    return list(found.values())


def _only(name: str, found: list[tuple[Endpoint, str]], place: str, broken: dict[str, str]) -> Endpoint:
    named = {id(each): (each, file) for each, file in found if each.name == name}
    declared = list(named.values())
    if len({_declares(each) for each, _ in declared}) > 1:
        files = [f"  {file}: {each.pipeline.name}, {each.request} to {each.response}" for each, file in declared]
        raise BundleError(
            "\n".join([f"{len(declared)} endpoints are called {name!r}:", *files]),
            hint=f"give each a name of its own, or say which: {declared[0][1]}:{name}",
        )
    if declared:
        return declared[0][0]
    names = dict.fromkeys(each.name for each, _ in found)
    unread = [f"  {file} could not be looked into: {why}" for file, why in broken.items()]
    raise NotFoundError(
        "\n".join([f"no endpoint {name!r} in {place}{nearest(name, names)}", *unread]),
        hint=f"declared there: {', '.join(names)}"
        if names
        else f'declare it beside its pipeline: Endpoint("{name}", pipeline=..., request=..., response=...)',
    )


def _declares(endpoint: Endpoint) -> tuple[str, ...]:
    """Give what makes two endpoints the same one: a module may be loaded under two names."""
    code = getattr(endpoint.pipeline.__wrapped__, "__code__", None)
    return (getattr(code, "co_filename", ""), endpoint.pipeline.name, endpoint.request, endpoint.response)


class Chosen(NamedTuple):
    """The run that an endpoint is cut out of; `told` says that newer ones did not end well, or nothing."""

    run: RunRecord
    told: str


def choose_run(endpoint: Endpoint, reference: str | None, stores: Stores) -> Chosen:
    """Find the run to cut: the one that is named, else the newest of the pipeline that is done.

    BundleError if it failed, was interrupted or still runs, for then what it would have answered is not known.
    """
    metadata, pipeline = stores.metadata, endpoint.pipeline.name
    if reference:
        run = metadata.find_run(reference, pipeline)
        if run.status != "done":
            raise _unusable(endpoint, run, stores)
        return Chosen(run, "")
    latest = metadata.find_run("latest", pipeline)
    runs = metadata.list_runs(pipeline, limit=_LOOKED_AT, project=metadata.project) or [latest]
    target = target_of(endpoint.pipeline, stores.project)
    own = [run for run in runs if run.target == target] or runs
    done = next((run for run in own if run.status == "done"), None)
    if done is None:
        raise _unusable(endpoint, own[0], stores)
    if own[0] is done:
        return Chosen(done, "")
    return Chosen(done, f"run {own[0].id} {_how(own[0], stores)}; the newest that is done is {done.id}")


def _unusable(endpoint: Endpoint, run: RunRecord, stores: Stores) -> BundleError:
    return BundleError(
        f"endpoint {endpoint.name!r}: run {run.id} of pipeline {run.pipeline!r} {_how(run, stores)}",
        where=run.error.strip().rpartition("\n")[2][:200] if run.error else None,
        hint="an endpoint is cut out of a run that is done: "
        + ("wait for its end" if status_of(run, stores.locks) == "running" else f"`solvent run {run.target}`"),
    )


def _how(run: RunRecord, stores: Stores) -> str:
    status = status_of(run, stores.locks)
    return {"running": "is not done yet", "interrupted": "was interrupted"}.get(status, status)
