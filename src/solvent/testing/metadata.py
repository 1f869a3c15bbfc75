"""What every metadata store must hold to."""

from __future__ import annotations

from solvent.testing.metadata_artifacts import ArtifactsContract
from solvent.testing.metadata_lineage import LineageContract
from solvent.testing.metadata_projects import ProjectsContract
from solvent.testing.metadata_runs import RunsContract
from solvent.testing.metadata_step_runs import StepRunsContract
from solvent.testing.metadata_transactions import TransactionsContract
from solvent.testing.metadata_writes import WritesContract


class MetadataStoreContract(
    WritesContract,
    StepRunsContract,
    RunsContract,
    ProjectsContract,
    ArtifactsContract,
    LineageContract,
    TransactionsContract,
):
    """All that a metadata store must hold to, in some eighty tests.

    Give two fixtures: `store`, an open and empty `MetadataStore`, and `open_store`, a function that opens the same store
    once more (before `store` was asked for: the first time).
    """
