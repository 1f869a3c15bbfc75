"""What came of a dataset version: the runs that it went into, and the models that were fitted on it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from solvent.metadata.lineage import ArtifactNode, StepNode

if TYPE_CHECKING:
    from solvent.metadata.database import Database
    from solvent.runs.datasets import DatasetVersion
    from solvent.runs.stores import Stores

MODEL_FORMATS = ("skops", "lightgbm", "xgboost", "safetensors")
"""Formats that hold nothing but models."""

_PACKAGES = frozenset({"sklearn", "lightgbm", "xgboost", "catboost", "torch", "statsmodels"})
_DATA = ("Tensor", "Dataset", "DMatrix", "Bunch")
"""What the names of their classes that hold data end with."""


class FittedModel(NamedTuple):
    """An estimator, booster or network that depends on a version: its artifact, and the newest step run that made it."""

    digest: str
    type: str
    step: str
    run_id: str


class Consumers(NamedTuple):
    """The runs, newest first, that gave, reused or took a version, and the models that they fitted on it."""

    runs: tuple[str, ...]
    models: tuple[FittedModel, ...]


def find_consumers(version: DatasetVersion, stores: Stores) -> Consumers:
    """Walk down the lineage from a version, as every type that it was given as."""
    metadata = stores.metadata
    runs = {use.run_id for use in version.uses}
    made: dict[ArtifactNode, StepNode] = {}
    for type_name in sorted({use.type for use in version.uses}):
        for edge in metadata.walk_down(version.digest, type_name):
            for node in edge[:2]:
                if isinstance(node, StepNode):
                    runs.add(node.run_id)
            if isinstance(edge.start, StepNode) and isinstance(edge.end, ArtifactNode):
                before = made.get(edge.end)
                made[edge.end] = max(before, edge.start) if before else edge.start
    there = {id for (id,) in metadata.rows_among("SELECT id FROM runs WHERE id", sorted(runs))}
    fitted = find_fitted(metadata, made)
    models = [FittedModel(*node, made[node].step, made[node].run_id) for node in made if node in fitted]
    models.sort(key=lambda model: (model.run_id, model.step, model.digest), reverse=True)
    return Consumers(tuple(sorted(there, reverse=True)), tuple(models))


def find_fitted(database: Database, nodes: Collection[ArtifactNode]) -> set[ArtifactNode]:
    """Tell which artifacts are estimators, boosters or networks, or hold one."""
    digests = {node.digest for node in nodes}
    sql = "SELECT digest, type, format FROM artifacts WHERE digest"
    found = {
        ArtifactNode(digest, type_name)
        for digest, type_name, format in database.rows_among(sql, sorted(digests))
        if is_fitted(type_name, format)
    }
    sql = (
        "SELECT c.parent_digest, c.parent_type, a.type, a.format FROM children c"
        " JOIN artifacts a ON a.digest = c.digest AND a.type = c.type WHERE c.parent_digest"
    )
    for digest, type_name, child_type, format in database.rows_among(sql, sorted(digests)):
        if is_fitted(child_type, format):
            found.add(ArtifactNode(digest, type_name))
    return found & set(nodes)


def is_fitted(type_name: str, format: str) -> bool:
    """Tell from its type and format whether an artifact is an estimator, a booster or a network."""
    package, _, name = type_name.partition(":")
    if name.endswith(_DATA):
        return False
    return format in MODEL_FORMATS or package.partition(".")[0] in _PACKAGES
