"""The ends of a run's record: the row that opens it, and what closes it: result, code, environment and git state."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

from solvent.artifacts.saving import save
from solvent.config.masking import masked, masked_bytes, masked_json
from solvent.environments.capture import Environment
from solvent.environments.git import GitProbe
from solvent.environments.snapshot import take_snapshot
from solvent.errors import RunInterrupted
from solvent.fingerprint.values import identify
from solvent.metadata.store import MetadataStore
from solvent.model import ArtifactRef, Blob, CodeFingerprint, RunRecord
from solvent.pipelines.ref import Ref, path_of
from solvent.runs.result import encode_result
from solvent.runs.runner import Runner
from solvent.runs.state import FINISHED


class Seal:
    """Opens and closes the record of one run."""

    def __init__(self, runner: Runner, root: str, environment: Environment, git: GitProbe) -> None:
        self._runner = runner
        self._root = root
        self._environment = environment
        self._git = git
        self._kept: list[ArtifactRef] = []
        self._began = time.monotonic()
        self._names: list[Blob] = []

    def begin(self, record: RunRecord, code: CodeFingerprint) -> None:
        environment = self._environment

        def write(metadata: MetadataStore) -> None:
            metadata.add_code(code)
            metadata.add_run(record)

        self._files = set(code.files)
        self._runner.writer.add(write)
        self._runner.writer.add(lambda m: m.add_environment(environment.digest, environment.record, environment.lock))

    def encode(self, result: Any) -> str:
        """Give what the record says of the pipeline's result; its artifacts are stored with the last write."""
        return encode_result(result, self._keep)

    def end(self, record: RunRecord, result: str | None, error: BaseException | None) -> RunRecord:
        """Queue the last write of a run: after it the run is done, failed or interrupted."""
        fields: dict[str, Any] = {"environment": self._environment.digest}
        if result is not None:
            fields["result"] = masked_json(result)
        fields["snapshot"] = self._store_snapshot()
        fields.update(self._git_fields())
        status = _status(error)
        if error is not None and status == "failed":
            fields["error"] = masked(str(error)) or type(error).__name__
        fields["counts"] = json.dumps(self._runner.counts())
        # A clock that was put back in mid-run makes no run end before it began.
        ended_at = max(time.time(), record.started_at + time.monotonic() - self._began)
        kept = self._kept
        self._names += [blob for artifact in kept for blob in artifact.all_blobs()]

        def write(metadata: MetadataStore) -> None:
            for artifact in kept:
                metadata.add_artifact(artifact)
            metadata.end_run(record.id, status, ended_at, **fields)

        self._runner.writer.add(write, self._names)
        return dataclasses.replace(record, status=status, ended_at=ended_at, **fields)

    def _keep(self, value: Any) -> ArtifactRef:
        """Give the artifact of a Ref, or make one of a value that the pipeline's body made."""
        runner = self._runner
        if type(value) is Ref:
            state, path = runner.state_of(value), path_of(value)
            if state.status not in FINISHED:
                raise runner.error_for(state)
            output = runner.output(state, path)
            if output.artifact is None:
                made = runner.read(state, path)
                output.artifact = save(made, output.identity, runner.stores.blobs)
                self._kept.append(output.artifact)
            return output.artifact
        artifact = save(value, identify(value, path="result"), runner.stores.blobs)
        self._kept.append(artifact)
        return artifact

    def _store_snapshot(self) -> str:
        snapshot = take_snapshot(self._files | self._runner.keyer.files(), self._root)
        blobs = self._runner.stores.blobs
        stored = [blobs.put(content) for content in (*snapshot.contents.values(), snapshot.manifest.encode())]
        self._names += stored
        return stored[-1].digest

    def _git_fields(self) -> dict[str, Any]:
        state = self._git.join()
        diff = self._runner.stores.blobs.put(masked_bytes(state.diff)) if state.diff else None
        self._names += [diff] if diff else []
        return {"git_commit": state.commit, "git_branch": state.branch, "git_diff": diff and diff.digest}


def _status(error: BaseException | None) -> str:
    if error is None:
        return "done"
    return "interrupted" if isinstance(error, RunInterrupted | KeyboardInterrupt) else "failed"
