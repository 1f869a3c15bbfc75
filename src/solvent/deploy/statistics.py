"""The statistics that a bundle carries for its server, from the profiles of what the run trained on and answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from solvent.model import ArtifactRef
from solvent.pipelines.ref import Ref, call_of, path_of
from solvent.profiles.categories import counts_of
from solvent.profiles.cumulative import cumulative
from solvent.profiles.make import is_sensitive, make_profile, mask_profile
from solvent.profiles.measures import binned, deciles
from solvent.profiles.records import ColumnProfile, Profile
from solvent.serving.schema import Schema
from solvent.serving.statistics import ColumnStatistics, Origin, Statistics

if TYPE_CHECKING:
    from solvent.deploy.slice import Slice
    from solvent.runs.demand import Demand
    from solvent.runs.stores import Stores

CATEGORIES = 50
"""More categories than a profile keeps are not counted one by one."""


def statistics_of(slice: Slice, demand: Demand, stores: Stores, request: Schema, response: Schema) -> Statistics:
    """Describe what the model was fitted on, as far as a request has its columns, and what the run answered.

    The training data is what training had in the place of the request; the recorded request where that can't be told.
    Sensitive columns tell what is missing, and no more.
    """
    sensitive = stores.project.settings.sensitive_columns
    names = [each.name for each in request.columns]
    asked, answered = ((node.position, node.field) for node in (slice.request, slice.response))
    training = _training(slice, demand, names) or asked
    before, origin = _profile(training, demand, stores, names, sensitive)
    recorded = origin if training == asked else _profile(asked, demand, stores, names, sensitive)[1]
    after, answers = _profile(answered, demand, stores, [each.name for each in response.columns], sensitive)
    return Statistics(
        _columns(before, request),
        _columns(after, response),
        origin,
        recorded,
        answers,
        tuple(each.name for each in (*request.columns, *response.columns) if is_sensitive(each.name, sensitive)),
    )


Place = tuple[int, str]
"""An output of the run: the index of its call, and its declared field, "" for the whole."""


def _training(slice: Slice, demand: Demand, names: Sequence[str]) -> Place | None:
    """Find what training had in the place of the request: a table of the same columns, before anything was made of it.

    The steps that take the request were mostly called for the training part as well: then it is what they took there. Else
    it is another output of the call that gave the request. A table farther on, such as a scaled one, may have the same names
    and other numbers.
    """
    request = (slice.request.position, slice.request.field)
    live = {call.index for call in slice.live}
    for call in slice.live:
        for name in (path for path, ref in call.refs if _place(ref) == request):
            for state in demand.states:
                if state.call.step is call.step and state.call.index not in live:
                    place = next((_place(other) for path, other in state.call.refs if path == name), None)
                    if place not in (None, request) and _has_columns(demand, place, names):
                        return place
    siblings = [
        (request[0], field) for field in demand.states[request[0]].field_outputs() if (request[0], field) != request
    ]
    return next((place for place in siblings if _has_columns(demand, place, names)), None)


def _place(ref: Ref) -> Place | None:
    """Give the output that a Ref stands for; None for a part of one."""
    path = path_of(ref)
    if len(path) > 1 or not all(isinstance(part, str) for part in path):
        return None
    return call_of(ref).index, str(path[0]) if path else ""


def _has_columns(demand: Demand, place: Place | None, names: Sequence[str]) -> bool:
    if place is None:
        return False
    index, field = place
    artifact = _artifact(demand, index, (field,) if field else ())
    columns = artifact.identity.columns if artifact is not None else None
    return columns is not None and set(names) <= set(columns)


def _profile(
    place: Place, demand: Demand, stores: Stores, names: Sequence[str], sensitive: Collection[str]
) -> tuple[Profile | None, Origin]:
    from solvent.runs.datasets import read_profile

    index, field = place
    state = demand.states[index]
    path = (field,) if field else ()
    artifact = _artifact(demand, index, path)
    found = read_profile(stores, artifact.digest, artifact.type) if artifact else None
    if found is None:
        try:
            found = make_profile(demand.read(state, path), sensitive=sensitive)
        except TypeError:
            return None, Origin()
    if artifact is None:
        return _named(mask_profile(found, sensitive), names), Origin(rows=found.rows)
    output = f"{state.label}.{field}" if field else state.label
    return _named(mask_profile(found, sensitive), names), Origin(artifact.digest, artifact.type, found.rows, output)


def _artifact(demand: Demand, index: int, path: tuple[str, ...]) -> ArtifactRef | None:
    found: Any = demand.states[index].outputs.get(path)
    return found.artifact if found is not None else None


def _named(profile: Profile, names: Sequence[str]) -> Profile:
    """Give the columns of an array the names that the schema has for them."""
    from dataclasses import replace

    if profile.kind == "table" and set(names) <= {each.name for each in profile.columns}:
        return profile
    if len(profile.columns) != len(names):
        return profile
    columns = tuple(replace(each, name=name) for each, name in zip(profile.columns, names, strict=True))
    return replace(profile, columns=columns)


def _columns(profile: Profile | None, schema: Schema) -> tuple[ColumnStatistics, ...]:
    if profile is None:
        return ()
    there = {each.name: each for each in profile.columns}
    return tuple(column_statistics(there[each.name]) for each in schema.columns if each.name in there)


def column_statistics(column: ColumnProfile) -> ColumnStatistics:
    """Give the bins of a column's values and their shares; none for ids, times, masked columns and what has no values."""
    missing = column.missing / column.rows if column.rows else 0.0
    bare = ColumnStatistics(column.name, missing)
    if column.masked or column.problem or column.role == "id" or column.rows <= column.missing:
        return bare
    if column.kind == "number":
        distribution = cumulative(column)
        if distribution is None:
            return bare
        ends = deciles(distribution, column.quantiles)
        return bare._replace(
            ends=tuple(ends),
            shares=_rounded(binned(distribution, ends)),
            low=distribution.values[0],
            high=distribution.values[-1],
        )
    counts, rows = counts_of(column)
    if column.kind not in ("text", "boolean") or not counts or len(counts) > CATEGORIES or not rows:
        return bare
    rest = max(rows - sum(counts.values()), 0)
    names = [name.lower() for name in counts] if column.kind == "boolean" else list(counts)
    shares = [each / rows for each in (*counts.values(), rest)]
    return bare._replace(categories=tuple(names), shares=_rounded(shares), complete=rest == 0)


def _rounded(shares: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(each, 9) for each in shares)
