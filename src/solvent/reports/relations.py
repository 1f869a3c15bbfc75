"""Where a table came from and what came of it, in few lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from solvent.metadata.lineage import ArtifactNode, Edge, FileNode, StepNode
from solvent.profiles.records import SplitRecord
from solvent.runs.consumers import find_fitted
from solvent.runs.words import short_type

if TYPE_CHECKING:
    from solvent.model import ArtifactRef
    from solvent.runs.stores import Stores

_SHOWN = 12
_LOOKED_AT = 8


class Step(NamedTuple):
    """A step run that made or took something: as which field or argument, and when it ended."""

    run_id: str
    position: int
    name: str
    field: str
    at: float


class Relative(NamedTuple):
    """Something that a table came from or went into: `kind` is dataset, file, step or model."""

    kind: str
    name: str
    detail: str
    calls: int = 1


class Relations(NamedTuple):
    """The relatives of a table, and how many more there are than are shown."""

    origins: tuple[Relative, ...]
    results: tuple[Relative, ...]
    more_origins: int = 0
    more_results: int = 0


NO_RELATIONS = Relations((), ())


def find_relations(artifact: ArtifactRef, takers: Sequence[Step], stores: Stores) -> Relations:
    """Walk up to the sources and down to the models and datasets that depend on an artifact."""
    metadata = stores.metadata
    up = metadata.walk_up(artifact.digest, artifact.type)
    down = metadata.walk_down(artifact.digest, artifact.type)
    own = ArtifactNode(artifact.digest, artifact.type)
    origins = [*_datasets(up, own, stores), *_files(up)]
    results = [*_steps(takers), *_models(down, stores), *_datasets(down, own, stores)]
    return Relations(
        tuple(origins[:_SHOWN]),
        tuple(results[:_SHOWN]),
        max(0, len(origins) - _SHOWN),
        max(0, len(results) - _SHOWN),
    )


def _artifacts(edges: Collection[Edge], own: ArtifactNode) -> dict[ArtifactNode, StepNode | None]:
    """Give the artifacts of a walk with the step run that made each."""
    found: dict[ArtifactNode, StepNode | None] = {}
    for start, end, _ in edges:
        if isinstance(end, ArtifactNode) and end != own:
            found[end] = start if isinstance(start, StepNode) else found.get(end)
        if isinstance(start, ArtifactNode) and start != own:
            found.setdefault(start, None)
    return found


def _datasets(edges: Collection[Edge], own: ArtifactNode, stores: Stores) -> list[Relative]:
    digests = {node.digest for node in _artifacts(edges, own)}
    sql = "SELECT dataset, number, digest FROM dataset_versions WHERE digest"
    rows = sorted(set(stores.metadata.rows_among(sql, sorted(digests))))
    return [Relative("dataset", f"{dataset}@{number}", digest[:12]) for dataset, number, digest in rows]


def _files(edges: Collection[Edge]) -> list[Relative]:
    """Give the files that were read; folders that were only listed say little."""
    files = {edge.start: None for edge in edges if isinstance(edge.start, FileNode) and edge.name != "folder"}
    return [Relative("file", node.path, node.token[:12]) for node in files]


def _steps(takers: Sequence[Step]) -> list[Relative]:
    """Give each step that took it once, with the newest run."""
    found: dict[str, Relative] = {}
    for each in takers:
        before = found.get(each.name)
        newest = before.detail if before else f"as {each.field} in run {each.run_id}"
        found[each.name] = Relative("step", each.name, newest, (before.calls if before else 0) + 1)
    return list(found.values())


def _models(edges: Collection[Edge], stores: Stores) -> list[Relative]:
    made = {
        edge.end: edge.start
        for edge in edges
        if isinstance(edge.end, ArtifactNode) and isinstance(edge.start, StepNode)
    }
    fitted = find_fitted(stores.metadata, made)
    found = [(made[node], node) for node in made if node in fitted]
    found.sort(key=lambda each: (each[0].run_id, each[0].position), reverse=True)
    return [
        Relative("model", short_type(node.type), f"{node.digest[:12]}, by {step.step} in run {step.run_id}")
        for step, node in found
    ]


def find_split(steps: Sequence[Step], stores: Stores) -> SplitRecord | None:
    """Find how a table was split, or how the table was that it is a part of; the newest that is told."""
    from solvent.artifacts.saving import load

    for step in steps[:_LOOKED_AT]:
        execution = stores.metadata.step_run(step.run_id, step.position).execution
        for artifact in (execution.outputs if execution else {}).values():
            if artifact.type == f"{SplitRecord.__module__}:{SplitRecord.__qualname__}":
                record = load(artifact, stores.blobs)
                if isinstance(record, SplitRecord):
                    return record
    return None
