"""The thread that makes profiles of what steps gave, after it is committed and off the critical path."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.artifacts.saving import load, load_pieces
from solvent.errors import StoreError
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

if TYPE_CHECKING:
    from solvent.profiles.records import Profile

HELD_BYTES = 256 << 20
"""So much may wait in memory for its profile; what comes on top is read back from the store when its turn is there."""
PIECE_ROWS = 1 << 17

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


def hold(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give values as they are now: of a pandas frame a shallow copy, to which a later step can add no columns."""
    return {field: value.copy(deep=False) if _is_frame(value) else value for field, value in values.items()}


def _is_frame(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"


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
        self._seen: set[tuple[str, str]] = set()
        self._held_bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def add(self, expected: Expected) -> None:
        """Have the profile of a committed artifact made; asked for twice, it is made once."""
        with self._changed:
            named = (expected.artifact.digest, expected.artifact.type)
            if named in self._seen:
                return
            self._seen.add(named)
            size_bytes = _held_bytes(expected)
            if self._held_bytes and self._held_bytes + size_bytes > HELD_BYTES:
                expected = expected._replace(value=_NOTHING)
                size_bytes = 0
            self._held_bytes += size_bytes
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
        try:
            metadata = self._stores.open_metadata()
        except Exception:  # the profiles stay pending, and are made at the next use
            return
        try:
            while (job := self._take()) is not None:
                size_bytes = _held_bytes(job)
                artifact, made = job.artifact, _make(job, self._stores)
                store_profile(metadata, artifact, made)
                del job  # while this waits for the next, nothing stays alive
                with self._changed:
                    self._held_bytes -= size_bytes
        except Exception:  # a store that can't be written is told by those who have to write it
            pass
        finally:
            metadata.close()

    def _take(self) -> Expected | None:
        with self._changed:
            while not self._jobs:
                if self._closing:
                    return None
                self._changed.wait()
            return self._jobs.popleft()


def _held_bytes(expected: Expected) -> int:
    """Estimate the memory that a waiting value keeps from being free: that of its columns, without what they point at."""
    value = expected.value
    if value is _NOTHING:
        return 0
    if _is_frame(value):
        return int(value.memory_usage(index=False).sum())
    if hasattr(value, "estimated_size"):
        return int(value.estimated_size())
    return int(getattr(value, "nbytes", 0))


def _make(job: Expected, stores: Stores) -> StoredProfile:
    from solvent.profiles.records import to_json

    began = time.perf_counter()
    try:
        made = StoredProfile(MADE, None, None, to_json(_profile(job, stores)))
    except Exception as error:  # whatever a column holds, the step that gave it is done
        made = StoredProfile(FAILED, None, f"{type(error).__name__}: {error}", None)
    return made._replace(seconds=time.perf_counter() - began)


def store_profile(metadata: MetadataStore, artifact: ArtifactRef, made: StoredProfile) -> None:
    """Write a profile, or why there is none, in a transaction of its own."""
    metadata.write(lambda: add_profile(metadata, artifact.digest, artifact.type, made))


def _profile(job: Expected, stores: Stores) -> Profile:
    artifact = job.artifact
    columns = artifact.identity.columns
    sensitive = stores.project.settings.sensitive_columns
    value = job.value
    if value is _NOTHING:
        pieces = load_pieces(artifact, stores.blobs, PIECE_ROWS)
        if pieces is not None:
            from solvent.profiles.batches import profile_batches

            return profile_batches(pieces, digests=columns, sensitive=sensitive, held_bytes=HELD_BYTES)
        value = load(artifact, stores.blobs)
    from solvent.profiles.make import make_profile

    return make_profile(value, digests=columns, sensitive=sensitive)


def profile_of(artifact: ArtifactRef, stores: Stores) -> Profile | None:
    """Give the profile of a stored table or array, made now if it has none; None for anything else.

    Columns that are sensitive now tell no values. None, too, if it can't be made: the record in the store says why.
    """
    if not is_profiled(artifact.type):
        return None
    found = find_profile(stores.metadata, artifact.digest, artifact.type)
    if found is None or found.status == PENDING:
        if stores.doubt(artifact):
            return None
        found = _make(Expected(artifact, _NOTHING), stores)
        with suppress(StoreError):  # of a store that can only be read, it is made each time
            store_profile(stores.metadata, artifact, found)
    if found.record is None:
        return None
    return profile_from_record(found.record, stores)


def profile_from_record(record: str, stores: Stores) -> Profile:
    """Read a profile as it was stored; columns that are sensitive now tell no values."""
    from solvent.profiles.make import mask_profile
    from solvent.profiles.records import profile_from_json

    return mask_profile(profile_from_json(record), stores.project.settings.sensitive_columns)
