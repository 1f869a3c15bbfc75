"""Paths of a recorded run in the project as it lies now: the folder may have been moved or copied since."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from solvent.environments.snapshot import Snapshot, take_snapshot
from solvent.metadata.makers import files_of_run
from solvent.model import RunRecord
from solvent.runs.target import split_target

if TYPE_CHECKING:
    from solvent.runs.stores import Stores


class Moved:
    """From where a project was when a run was recorded to where it is; `files` are absolute paths of its code then."""

    def __init__(self, run: RunRecord, files: Iterable[str], root: str) -> None:
        place = os.sep + split_target(run.target)[0].replace("/", os.sep)
        self._from = next((file.removesuffix(place) for file in files if file.endswith(place)), root)
        self._to = root

    def here(self, path: str) -> str:
        """Give the path that something inside the project has now; what lies outside stays where it was."""
        inside = (path + os.sep).startswith(self._from + os.sep)
        return os.path.normpath(os.path.join(self._to, os.path.relpath(path, self._from))) if inside else path


def taken_again(stores: Stores, digest: str, run_ids: Iterable[str]) -> Snapshot | None:
    """Take the snapshot of a run once more, from the project's files of now; None if it is not the same any more."""
    root = str(stores.project.root)
    for run_id in run_ids:
        files = files_of_run(stores.metadata, run_id)
        moved = Moved(stores.metadata.find_run(run_id), files, root)
        snapshot = take_snapshot(map(moved.here, files), root)
        if snapshot.digest == digest:
            return snapshot
    return None
