"""Looking a key up: a former execution counts only if all that it observed still holds and all its bytes are there."""

from __future__ import annotations

import os
import sys

from solvent.model import ArtifactRef, FileMemo, Observation, StepRunRecord, StepSpec
from solvent.runs.observe import describe, recall_observed, still_holds
from solvent.runs.stores import Stores


class Cache:
    """Former executions by key, newest first."""

    def __init__(self, stores: Stores, *, root: str, run_seed: int, memo: FileMemo) -> None:
        self._metadata = stores.metadata
        self._blobs = stores.blobs
        self._doubt = stores.doubt
        self._root = root
        self._run_seed = str(run_seed)
        self._memo = memo

    def look_up(self, spec: StepSpec, key: str, *, reuse: bool) -> tuple[StepRunRecord | None, str]:
        """Give what a call of this step may reuse; else None, and in words why it may not or what is wrong with it."""
        if not spec.cache:
            return None, "it is not cached (cache=False)"
        if not reuse:
            return None, "the run was asked to reuse nothing"
        return self.find(key)

    def adopt(self, run_id: str, spec: StepSpec, key: str, occurrence: int) -> StepRunRecord | None:
        """Give what an interrupted run has done of a step that is not cached, if it still counts."""
        record = self._metadata.find_adoptable(run_id, spec.name, key, occurrence)
        return record if record is not None and not self.refusal(record) else None

    def find(self, key: str) -> tuple[StepRunRecord | None, str]:
        """Give the newest execution under `key` that still counts; else None, and in words why the newest does not."""
        why = ""
        for record in self._metadata.find_executions(key):
            reason = self.refusal(record)
            if not reason:
                return record, ""
            why = why or reason
        return None, why

    def refusal(self, record: StepRunRecord) -> str:
        """Say why an execution does not count any more, or nothing if it does."""
        if record.execution is None:
            return "its outputs are not in the store"
        recall_observed(record.execution.observations, self._root, self._memo)
        for observation in record.execution.observations:
            if not self._holds(observation):
                return self._changed(observation)
        for field, artifact in record.execution.outputs.items():
            if not self.present(artifact):
                return f"the stored bytes of its output{' ' + field if field else ''} are missing, damaged or dropped"
            if doubt := self._doubt(artifact):
                return f"its output{' ' + field if field else ''} {doubt}"
            for name in artifact.identity.classes:
                if not _at_hand(name):
                    return f"its output holds `{name.replace(':', '.')}`, which is not there any more"
        return ""

    def present(self, artifact: ArtifactRef) -> bool:
        return not self._blobs.missing(artifact.all_blobs())

    def _holds(self, observation: Observation) -> bool:
        if observation.kind == "seed":
            return observation.token == self._run_seed
        return still_holds(observation, self._root, self._memo)

    def _changed(self, observation: Observation) -> str:
        if observation.kind == "seed":
            return f"run seed {observation.token} -> {self._run_seed}"
        return describe(observation)


def _at_hand(name: str) -> bool:
    """Whether a class of the user can be found as "module:qualname", and is the very one that this program uses."""
    if name.partition(":")[0] == _main_module():
        return False  # importing the running script a second time would give a twin of its class
    from solvent.artifacts.tags import find_class

    try:
        find_class(name)
    except Exception:  # the user's module may fail in any way
        return False
    return True


def _main_module() -> str | None:
    """Name the module that importing the running script would give."""
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:
        return str(spec.name)
    return os.path.splitext(os.path.basename(file))[0] if file else None
