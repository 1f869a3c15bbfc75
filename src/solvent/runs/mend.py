"""What readers and runs do about stored bytes that are gone or damaged: they are made again first, and checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from solvent.errors import BlobError, NotFoundError
from solvent.metadata.results import Name
from solvent.model import ArtifactRef
from solvent.runs.remake import remake
from solvent.runs.state import CallState
from solvent.runs.stores import Stores

if TYPE_CHECKING:
    from solvent.runs.runner import Runner


def with_bytes(ref: ArtifactRef, stores: Stores) -> ArtifactRef:
    """Give an artifact whose bytes are all there and checked, made again if need be; BlobError if that can't be."""
    try:
        for blob in ref.all_blobs():
            stores.blobs.checked_path(blob)
    except BlobError as error:
        return made_again(ref, stores, error)
    return ref


def made_again(ref: ArtifactRef, stores: Stores, error: BlobError) -> ArtifactRef:
    """Make an artifact again because of `error`, and give it as it is stored now; it is told on standard error.

    Raises BlobError, with the reason, if it can't be made again.
    """
    current = _as_stored(ref, stores)
    if current is not None and current.blobs != ref.blobs and not stores.blobs.missing(current.all_blobs()):
        return current  # it was written anew since the reader looked
    made = remake(stores, [ref]).artifacts[0]
    if made.why:
        raise BlobError(
            f"{error.problem}, and they can't be made again: {made.why}",
            where=error.where,
            hint="`solvent verify` says what depends on them",
        ) from None
    return _as_stored(ref, stores) or ref


def _as_stored(ref: ArtifactRef, stores: Stores) -> ArtifactRef | None:
    try:
        return stores.metadata.find_artifact(ref.digest, ref.type)
    except NotFoundError:
        return None


def mend(runner: Runner, states: Iterable[CallState]) -> bool:
    """Make the outputs of ended calls again that are missing from the store; tell whether any were.

    Raises BlobError if one can't be made again, with the reason.
    """
    ended = list(states)
    lost = [name for name, artifact in _stored(ended) if runner.stores.blobs.missing(artifact.all_blobs())]
    if not lost:
        return False
    runner.writer.flush()
    # A connection of its own: this may be another thread than the one that the run's belongs to.
    with Stores(runner.stores.project, create=False) as stores:
        found = remake(stores, lost, tell=runner.watcher.notice)
        for each in found.artifacts:
            if each.why:
                raise BlobError(f"the bytes of {each.digest[:12]} are missing and can't be made again: {each.why}")
        _take(ended, {name: stores.metadata.find_artifact(*name) for name in lost})
    return True


def _stored(states: Iterable[CallState]) -> Iterable[tuple[Name, ArtifactRef]]:
    for state in states:
        for path, output in state.outputs.items():
            if output.artifact is not None and len(path) < 2:
                yield (output.artifact.digest, output.artifact.type), output.artifact


def _take(states: Iterable[CallState], made: dict[Name, ArtifactRef]) -> None:
    """Read from where the bytes are now; parts of outputs are found anew."""
    for state in states:
        for path, output in list(state.outputs.items()):
            if output.artifact is not None and len(path) > 1:
                del state.outputs[path]
            elif output.artifact is not None:
                output.artifact = made.get((output.artifact.digest, output.artifact.type), output.artifact)
