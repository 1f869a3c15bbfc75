"""What every metadata store must hold to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from solvent.metadata.store import MetadataStore
from solvent.testing.metadata_artifacts import ArtifactsContract
from solvent.testing.metadata_data import DataContract
from solvent.testing.metadata_lineage import LineageContract
from solvent.testing.metadata_models import ModelsContract
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
    DataContract,
    ModelsContract,
    TransactionsContract,
):
    """All that a metadata store must hold to, in some hundred tests.

    Give one fixture: `open_store`, a function that opens the same store, at first empty, however often it is called.
    """

    @pytest.fixture
    def store(self, open_store: Callable[[], MetadataStore]) -> Iterator[MetadataStore]:
        """Open the store that most of the tests are about."""
        with open_store() as opened:
            yield opened
