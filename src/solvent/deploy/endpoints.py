"""Finding the endpoint that a person means: by its name, or as TARGET:NAME."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from solvent.errors import NotFoundError, nearest
from solvent.pipelines.endpoint import Endpoint
from solvent.runs.target import load_module, split_target

if TYPE_CHECKING:
    from solvent.runs.stores import Stores


def find_endpoint(reference: str, stores: Stores) -> Endpoint:
    """Find a declared endpoint, in the module of a target or in those of the pipelines that were run, newest first."""
    place, name = split_target(reference)
    if name:
        return _choose(name, endpoints_of(load_module(place)), place)
    found: dict[str, Endpoint] = {}
    for target in dict.fromkeys(run.target for run in stores.metadata.list_runs(limit=1000)):
        file = split_target(target)[0]
        for each in endpoints_of(load_module(os.path.join(stores.project.root, file))):
            found.setdefault(each.name, each)
    return _choose(reference, list(found.values()), "the pipelines that were run")


def endpoints_of(module: Any) -> list[Endpoint]:
    """Give the endpoints that a module declares."""
    return [each for each in vars(module).values() if isinstance(each, Endpoint)]


def _choose(name: str, endpoints: list[Endpoint], place: str) -> Endpoint:
    names = {each.name: each for each in endpoints}
    if name not in names:
        raise NotFoundError(
            f"no endpoint {name!r} in {place}{nearest(name, names)}",
            hint=f'declare it beside its pipeline: Endpoint("{name}", pipeline=..., request=..., response=...)',
        )
    return names[name]
