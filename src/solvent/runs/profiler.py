"""The thread that makes profiles of what steps gave, after it is committed and off the critical path."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from solvent.metadata.profiles import (
    FAILED,
    MADE,
    PENDING,
    StoredProfile,
    add_profile,
    expect_profile,
    find_profile,
)
from solvent.metadata.store import MetadataStore
from solvent.model import ArtifactRef
from solvent.runs.state import FINISHED, CallState
from solvent.runs.stores import Stores

_TYPES = (
    *("pandas:DataFrame", "pandas:Series", "polars:DataFrame", "polars:Series"),
    *("pyarrow:Table", "pyarrow:RecordBatch", "numpy:ndarray"),
)
_NOTHING: Any = object()


def is_profiled(type: str) -> bool:
    """Whether artifacts of a type ("module:class") get a profile."""
    module, _, name = type.partition(":")
    return f"{module.partition('.')[0]}:{name}" in _TYPES


class Expected(NamedTuple):
    """A committed artifact whose profile is to be made: of the value itself, if it is at hand."""

    artifact: ArtifactRef
    value: Any


def expect_profiles(metadata: MetadataStore, state: CallState, values: Mapping[str, Any]) -> list[Expected]:
    """Note the tables and arrays of an ended call that have no profile yet, in the transaction that commits the call."""
    if state.status not in FINISHED:
        return []
    expected = []
    for field, output in state.field_outputs().items():
        artifact = output.artifact
        if artifact is not None and is_profiled(artifact.type):
            found = find_profile(metadata, artifact.digest, artifact.type)
            if found is None:
                expect_profile(metadata, artifact.digest, artifact.type)
            if found is None or found.status == PENDING:
                expected.append(Expected(artifact, values.get(field, _NOTHING)))
    return expected


class Profiler:
    """Makes one profile at a time, each in a transaction of its own; what goes wrong is recorded and fails nothing.

    A profile that was not made because the process died stays pending, and is made at the next use of the artifact.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._jobs: deque[Expected] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def add(self, expected: Expected) -> None:
        """Have the profile of a committed artifact made."""
        with self._changed:
            self._jobs.append(expected)
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="solvent-profiler", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Return when every profile is made."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        metadata = self._stores.open_metadata()
        try:
            while (job := self._take()) is not None:
                self._make(metadata, job)
        finally:
            metadata.close()

    def _take(self) -> Expected | None:
        with self._changed:
            while not self._jobs:
                if self._closing:
                    return None
                self._changed.wait()
            return self._jobs.popleft()

    def _make(self, metadata: MetadataStore, job: Expected) -> None:
        began = time.perf_counter()
        try:
            profile = StoredProfile(MADE, None, None, self._text(job))
        except Exception as error:  # whatever a column holds, the step that gave it is done
            profile = StoredProfile(FAILED, None, f"{type(error).__name__}: {error}", None)
        profile = profile._replace(seconds=time.perf_counter() - began)
        artifact = job.artifact
        metadata.write(lambda: add_profile(metadata, artifact.digest, artifact.type, profile))

    def _text(self, job: Expected) -> str:
        from solvent.artifacts.saving import load
        from solvent.profiles.make import make_profile
        from solvent.profiles.records import to_json

        value = load(job.artifact, self._stores.blobs) if job.value is _NOTHING else job.value
        sensitive = self._stores.project.settings.sensitive_columns
        return to_json(make_profile(value, digests=job.artifact.identity.columns, sensitive=sensitive))
