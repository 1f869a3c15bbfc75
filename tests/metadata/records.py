"""The records of the contract suites, and a way to write them where a store lies in a file."""

from pathlib import Path

from solvent.metadata.store import MetadataStore
from solvent.model import RunRecord, StepRunRecord
from solvent.testing.records import INT, add, artifact, digest, execution, run, step_run, stored, taken

__all__ = ["INT", "add", "artifact", "digest", "execution", "run", "step_run", "stored", "taken", "write"]


def write(path: Path, *records: RunRecord | StepRunRecord) -> None:
    """Write runs and step runs to the store at `path` in one transaction."""
    with MetadataStore.open(path) as store:
        add(store, *records)
