"""The two stores of a project, opened once for a run or a reader."""

from __future__ import annotations

import os
import sys
from typing import Any

from solvent.artifacts.opening import open_blobs
from solvent.artifacts.saving import load, runs_code
from solvent.config.masking import learn_urls, masked
from solvent.config.private import make_folder
from solvent.config.project import Project
from solvent.config.secrets import is_reference, read_url
from solvent.errors import BlobError, StoreError, way_out
from solvent.metadata.opening import open_locks, open_metadata
from solvent.metadata.store import MetadataStore
from solvent.model import ArtifactRef, Place


class Stores:
    """The artifact store, the metadata store and the locks of one project.

    Raises StoreError if they can't be opened or, with `create=False`, if there are none.
    """

    def __init__(self, project: Project, *, create: bool = True) -> None:
        self.project = project
        self.home = str(project.home)
        if create:
            self._make_home()
        elif not os.path.isdir(self.home) and not project.settings.metadata:
            raise StoreError(
                f"no store at {self.home}: nothing was run here yet",
                hint="run a pipeline first, or set SOLVENT_HOME to the store you mean",
            )
        self._metadata_url = _revealed(project.settings.metadata)
        artifacts = _revealed(project.settings.artifacts)
        learn_urls(f"{self._metadata_url or ''}\n{artifacts or ''}")
        self.place = Place(self.home, artifacts, int(project.settings.cache_gb * (1 << 30)))
        self.project_name = project.name
        try:
            self.metadata = self.open_metadata(create=create)
            try:
                self.blobs = open_blobs(self.place)
                self.locks = open_locks(self.home, self._metadata_url)
            except BaseException:
                self.metadata.close()
                raise
        except StoreError as error:
            error.problem, error.where = masked(error.problem), error.where and masked(error.where)
            raise

    def open_metadata(self, *, create: bool = True) -> MetadataStore:
        """Open one more connection, for a thread of its own."""
        metadata = open_metadata(self.home, self._metadata_url, create=create)
        metadata.project = self.project_name
        if metadata.kept_copy is not None:
            print(f"solvent: the store got a new schema; as it was before: {metadata.kept_copy}", file=sys.stderr)
        return metadata

    def doubt(self, artifact: ArtifactRef) -> str:
        """Say why an artifact may not be read here, where reading it would run code; nothing if it may."""
        if not runs_code(artifact):
            return ""
        from solvent.runs.trust import doubt

        return doubt(artifact, self.metadata, self.project_name, allow_pickle=self.project.settings.allow_pickle)

    def load(self, artifact: ArtifactRef) -> Any:
        """Read an artifact back; TrustError if that would run code of another project that nobody vouched for.

        Bytes that are missing or damaged are made again from the record; BlobError says why, where that can't be.
        """
        if doubt := self.doubt(artifact):
            from solvent.runs.trust import refused

            raise refused(artifact, doubt)
        try:
            return load(artifact, self.blobs)
        except BlobError as error:
            from solvent.runs.mend import made_again

            return load(made_again(artifact, self, error), self.blobs)

    @property
    def metadata_url(self) -> str | None:
        """Where the metadata store is unless it is in the home folder; it may hold a password."""
        return self._metadata_url

    @property
    def cache_folder(self) -> str:
        return os.path.join(self.home, "cache")

    def close(self) -> None:
        self.metadata.close()
        self.blobs.close()

    def __enter__(self) -> Stores:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _make_home(self) -> None:
        try:
            make_folder(self.cache_folder)
        except OSError as error:
            raise StoreError(
                f"can't write the store at {self.home}: {error.strerror}",
                hint=way_out(error) or "set SOLVENT_HOME to another place",
            ) from error


def _revealed(setting: str | None) -> str | None:
    """Give a URL that may be written as a reference, since it may hold a password."""
    if setting is None or setting.startswith("file://") or not is_reference(setting):
        return setting
    return read_url(setting)
