"""What readers do about bytes that are gone: they are made again first, and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvent.errors import BlobError, NotFoundError
from solvent.model import ArtifactRef

if TYPE_CHECKING:
    from solvent.runs.stores import Stores


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
    from solvent.runs.remake import remake

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
