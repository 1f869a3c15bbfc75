"""Whether an artifact can be made again, told from the record and the files of now, with nothing executed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from solvent.errors import SolventError
from solvent.fingerprint.files import digest_path
from solvent.metadata.makers import Maker
from solvent.metadata.results import Name
from solvent.model import StepRunRecord
from solvent.runs.memo import StoreMemo
from solvent.runs.observe import describe, still_holds
from solvent.runs.remake import ATTEMPTS, own_ways

if TYPE_CHECKING:
    from solvent.runs.stores import Stores


class Prospects:
    """Answers for one store, each artifact once. Whether a step gives the same again, only doing it shows."""

    def __init__(self, stores: Stores, *, uncached: bool = False) -> None:
        self._stores = stores
        self._uncached = uncached
        self._memo = StoreMemo(stores.metadata)
        self._root = str(stores.project.root)
        self._known: dict[Name, str] = {}

    def obstacle(self, name: Name) -> str:
        """Say what stands in the way of making an artifact again, or nothing."""
        if name not in self._known:
            self._known[name] = ""  # what leads to itself has no obstacle by that
            ways, found = own_ways(self._stores, name)
            if ways:
                obstacles = [self._of_way(way) for way in ways[:ATTEMPTS]]
                found = obstacles[0] if all(obstacles) else ""
            self._known[name] = found
        return self._known[name]

    def _of_way(self, way: Maker) -> str:
        if way.kind == "result":
            return ""
        return self._of_step(self._stores.metadata.step_run(way.run_id, way.position))

    def _of_step(self, record: StepRunRecord) -> str:
        if not record.cached and not self._uncached:
            return f"`{record.name}` has cache=False, so it is not run again unasked"
        for observation in record.execution.observations if record.execution else ():
            if observation.kind != "seed" and not still_holds(observation, self._root, self._memo):
                return f"`{record.name}` read what is not as it was: {describe(observation)}"
        return self._of_files(record) or self._of_inputs(record)

    def _of_files(self, record: StepRunRecord) -> str:
        for path, token in json.loads(record.parts).get("externals", {}).items():
            full = os.path.join(self._root, path)
            if not os.path.exists(full):
                return f"`{record.name}` needs {path}, which is gone"
            try:
                if digest_path(full, self._memo) != token:
                    return f"`{record.name}` needs {path}, which has changed"
            except (OSError, SolventError):
                return f"`{record.name}` needs {path}, which can't be read"
        return ""

    def _of_inputs(self, record: StepRunRecord) -> str:
        metadata, blobs = self._stores.metadata, self._stores.blobs
        for given in record.inputs:
            if given.run_id is None:
                continue
            try:
                artifact = metadata.find_artifact(given.digest, given.type)
            except SolventError:
                continue  # a part of an artifact, which is looked at where it was made
            if blobs.missing(artifact.all_blobs()):
                obstacle = self.obstacle((given.digest, given.type))
                if obstacle:
                    return f"`{record.name}` needs its input `{given.name}`: {obstacle}"
        return ""
