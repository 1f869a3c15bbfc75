"""Folders to work in that last as long as their process: what a killed one leaves is known by its lock, and removed."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from solvent.artifacts.removal import own_bytes
from solvent.config.private import make_folder
from solvent.errors import StoreError
from solvent.model import Locks

CUTTING, DEPLOYING = "bundle-", "deploy-"
"""What the names of such folders begin with."""


@contextmanager
def workplace(place: str, prefix: str, locks: Locks) -> Iterator[str]:
    """Give an empty folder in `place`, which is gone afterwards; those that killed processes left are removed first."""
    remove_abandoned(place, prefix, locks)
    name = f"{prefix}{uuid.uuid4().hex[:12]}"
    # The lock comes first: whoever sees the folder without it may remove it.
    if not locks.try_lock(name):
        raise StoreError(f"the name {name} is taken", hint="try again")
    folder = os.path.join(place, name)
    try:
        make_folder(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        locks.unlock(name)


def remove_abandoned(place: str, prefix: str, locks: Locks) -> int:
    """Remove the folders of processes that are no more, and tell how many bytes they had."""
    total = 0
    for name in os.listdir(place) if os.path.isdir(place) else ():
        folder = os.path.join(place, name)
        if name.startswith(prefix) and os.path.isdir(folder) and not locks.holder_alive(name):
            total += own_bytes(folder)
            shutil.rmtree(folder, ignore_errors=True)
    return total
