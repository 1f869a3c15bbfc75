"""The two stores of a project, opened once for a run or a reader."""

from __future__ import annotations

import os
from typing import Any

from solvent.artifacts.store import LocalBlobs
from solvent.config.project import Project
from solvent.errors import StoreError
from solvent.metadata.locks import ByteLocks
from solvent.metadata.store import MetadataStore


class Stores:
    """The artifact store, the metadata store and the locks of one project.

    Raises StoreError if they can't be opened or, with `create=False`, if there are none.
    """

    def __init__(self, project: Project, *, create: bool = True) -> None:
        self.project = project
        self.home = str(project.home)
        if create:
            self._make_home()
        elif not os.path.isdir(self.home):
            raise StoreError(
                f"no store at {self.home}: nothing was run here yet",
                hint="run a pipeline first, or set SOLVENT_HOME to the store you mean",
            )
        self.metadata = self.open_metadata(create=create)
        self.blobs = LocalBlobs(self.home)
        self.locks = ByteLocks(os.path.join(self.home, "locks"))

    def open_metadata(self, *, create: bool = True) -> MetadataStore:
        """Open one more connection, for a thread of its own."""
        return MetadataStore.open(os.path.join(self.home, "metadata.sqlite"), create=create)

    @property
    def cache_folder(self) -> str:
        return os.path.join(self.home, "cache")

    def close(self) -> None:
        self.metadata.close()

    def __enter__(self) -> Stores:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _make_home(self) -> None:
        try:
            # Each by itself: of a path that is made in one go only the last folder gets the mode.
            os.makedirs(self.home, mode=0o700, exist_ok=True)
            os.makedirs(os.path.join(self.home, "cache"), mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"can't write the store at {self.home}: {error.strerror}",
                hint="make the folder writable, or set SOLVENT_HOME to another place",
            ) from error
