"""Which versions of named datasets the outputs of a call are."""

from __future__ import annotations

from solvent.metadata.store import MetadataStore
from solvent.runs.state import FINISHED, CallState


def name_versions(metadata: MetadataStore, project: str, run_id: str, state: CallState) -> None:
    """Note the versions that an ended call gave, also if it was reused: a use makes a version the current one.

    It belongs to the transaction that commits the call, whatever becomes of the run.
    """
    datasets = state.call.step.spec.datasets
    if not datasets or state.status not in FINISHED:
        return
    from solvent.metadata.datasets import use_version

    outputs = state.field_outputs()
    for field, dataset in datasets:
        digest, type_name = outputs[field].identity[:2]
        use_version(metadata, project, dataset, digest, type_name, (run_id, state.index, field))
