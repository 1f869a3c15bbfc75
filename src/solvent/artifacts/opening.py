"""Which artifact store a project has: its folder, or the one that a URL names."""

from __future__ import annotations

from solvent.artifacts.store import LocalBlobs
from solvent.model import Blobs, Place


def open_blobs(place: Place) -> Blobs:
    """Open the artifact store of a project; StoreError says what is wrong with its URL or its answer."""
    if place.artifacts is None:
        return LocalBlobs(place.home)
    from solvent.artifacts.objects import open_objects

    return open_objects(place, place.artifacts)
