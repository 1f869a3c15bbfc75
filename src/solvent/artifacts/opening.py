"""Which artifact store a project has: its folder, or the one that a URL names."""

from __future__ import annotations

from solvent.artifacts.store import LocalBlobs
from solvent.errors import StoreError
from solvent.model import Blobs, Place


def open_blobs(place: Place) -> Blobs:
    """Open the artifact store of a project; StoreError says what is wrong with its URL or its answer."""
    if place.artifacts is None:
        return LocalBlobs(place.home)
    scheme, found, _ = place.artifacts.partition("://")
    if not found:
        raise StoreError(
            f"setting `artifacts`: {place.artifacts!r} is no URL", hint="write one such as s3://bucket/folder"
        )
    raise StoreError(f"setting `artifacts`: no artifact store for {scheme}:// URLs")
