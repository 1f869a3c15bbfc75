"""Records as a run would leave them, with as little said as a test needs."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from solvent.metadata.store import MetadataStore
from solvent.model import ArtifactRef, Blob, Execution, Identity, Input, RunRecord, StepRunRecord

INT = "builtins:int"


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def run(id: str, started_at: float = 1.0, **fields: Any) -> RunRecord:
    return RunRecord(
        **{"id": id, "pipeline": "delays", "target": "p.py", "status": "running"} | fields, started_at=started_at
    )


def artifact(name: object, type: str = INT, **fields: Any) -> ArtifactRef:
    return ArtifactRef(
        **{"format": "json", "size_bytes": 1, "inline": b"7"} | fields, identity=Identity(digest(name), type)
    )


def stored(name: object, **fields: Any) -> ArtifactRef:
    """An artifact whose bytes are in the artifact store."""
    blob = Blob(digest(name, "bytes"), 100, "data")
    return artifact(name, "pandas:DataFrame", format="parquet", inline=None, size_bytes=100, blobs=(blob,), **fields)


def execution(outputs: Mapping[str, ArtifactRef], **fields: Any) -> Execution:
    usual = {
        "started_at": 10.0,
        "seconds": 0.5,
        "cpu_seconds": 0.25,
        "peak_memory_bytes": 1000,
        "memory_scope": "step",
    }
    return Execution(outputs=outputs, **usual | fields)


def step_run(run_id: str, position: int, name: str = "fit", **fields: Any) -> StepRunRecord:
    usual = {"occurrence": position, "status": "done", "key": digest(run_id, position), "why": "new"}
    return StepRunRecord(run_id=run_id, position=position, name=name, **usual | fields)


def taken(name: str, made: ArtifactRef, run_id: str, position: int, field: str = "") -> Input:
    return Input(name, made.digest, made.type, run_id, position, field)


def write(path: Path, *records: RunRecord | StepRunRecord) -> None:
    """Write runs and step runs to the store at `path` in one transaction."""
    with MetadataStore.open(path) as store:
        add(store, *records)


def add(store: MetadataStore, *records: RunRecord | StepRunRecord) -> None:
    """Write runs and step runs in one transaction."""
    with store.transaction():
        for record in records:
            if isinstance(record, RunRecord):
                store.add_run(record)
            else:
                store.add_step_run(record)
