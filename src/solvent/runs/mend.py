"""What a run does about a stored input whose bytes are gone or damaged: it is made again, and the run goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from solvent.errors import BlobError
from solvent.metadata.results import Name
from solvent.model import ArtifactRef
from solvent.runs.remake import remake
from solvent.runs.state import CallState
from solvent.runs.stores import Stores

if TYPE_CHECKING:
    from solvent.runs.runner import Runner


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
