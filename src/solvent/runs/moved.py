"""Paths of a recorded run in the project as it lies now: the folder may have been moved or copied since."""

from __future__ import annotations

import os
from collections.abc import Iterable

from solvent.model import RunRecord
from solvent.runs.target import split_target


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
