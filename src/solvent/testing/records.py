"""Records as a run would leave them, with as little said as a suite needs."""

import hashlib
from collections.abc import Mapping
from typing import Any

from solvent.metadata.store import MetadataStore
from solvent.model import ArtifactRef, Blob, Execution, Identity, Input, RunRecord, StepRunRecord

INT = "builtins:int"


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def run(id: str, started_at: float = 1.0, **fields: Any) -> RunRecord:
    usual: dict[str, Any] = {"pipeline": "delays", "target": "p.py", "status": "running"}
    return RunRecord(id=id, started_at=started_at, **usual | fields)


def artifact(name: object, type: str = INT, **fields: Any) -> ArtifactRef:
    usual: dict[str, Any] = {"format": "json", "size_bytes": 1, "inline": b"7"}
    return ArtifactRef(identity=Identity(digest(name), type), **usual | fields)


def stored(name: object, **fields: Any) -> ArtifactRef:
    """An artifact whose bytes are in the artifact store."""
    blob = Blob(digest(name, "bytes"), 100, "data")
    return artifact(name, "pandas:DataFrame", format="parquet", inline=None, size_bytes=100, blobs=(blob,), **fields)


def execution(outputs: Mapping[str, ArtifactRef], **fields: Any) -> Execution:
    usual: dict[str, Any] = {
        "started_at": 10.0,
        "seconds": 0.5,
        "cpu_seconds": 0.25,
        "peak_memory_bytes": 1000,
        "memory_scope": "step",
    }
    return Execution(outputs=outputs, **usual | fields)


def step_run(run_id: str, position: int, name: str = "fit", **fields: Any) -> StepRunRecord:
    usual: dict[str, Any] = {"occurrence": position, "status": "done", "key": digest(run_id, position), "why": "new"}
    return StepRunRecord(run_id=run_id, position=position, name=name, **usual | fields)


def taken(name: str, made: ArtifactRef, run_id: str, position: int, field: str = "") -> Input:
    return Input(name, made.digest, made.type, run_id, position, field)


def add(store: MetadataStore, *records: RunRecord | StepRunRecord) -> None:
    """Write runs and step runs in one transaction."""
    with store.transaction():
        for record in records:
            if isinstance(record, RunRecord):
                store.add_run(record)
            else:
                store.add_step_run(record)
