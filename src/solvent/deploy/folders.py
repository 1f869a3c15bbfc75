"""Putting a bundle in its folder: whole or not at all, and never over something that is no bundle."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from solvent.errors import BundleError, SolventError
from solvent.serving.folder import MANIFEST
from solvent.serving.manifest import read_manifest


@contextmanager
def replacing(folder: str, endpoint: str, *, forced: bool = False) -> Iterator[str]:
    """Give an empty folder beside `folder`, and put it in its place when the block ends well.

    BundleError at once if something else is there: only an earlier bundle of the same endpoint is replaced, or with
    `forced` any bundle.
    """
    folder = os.path.abspath(folder)
    check_free(folder, endpoint, forced=forced)
    parent, name = os.path.split(folder)
    try:
        os.makedirs(parent, exist_ok=True)
        own = tempfile.mkdtemp(prefix=f".{name}-", dir=parent)
    except OSError as error:
        raise BundleError(f"no bundle can be written to {folder}: {error.strerror}") from error
    made = os.path.join(own, "new")
    try:
        os.mkdir(made)
        yield made
        if os.path.lexists(folder):
            os.rename(folder, os.path.join(own, "old"))
        os.rename(made, folder)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def check_free(folder: str, endpoint: str, *, forced: bool = False) -> None:
    """Refuse to write over anything but an empty folder and an earlier bundle of this endpoint."""
    if os.path.islink(folder) or (os.path.lexists(folder) and not os.path.isdir(folder)):
        raise BundleError(f"{folder} is there already, and is no folder", hint="choose another with -o FOLDER")
    if not os.path.isdir(folder) or not os.listdir(folder):
        return
    try:
        with open(os.path.join(folder, MANIFEST), "rb") as file:
            found = read_manifest(file.read()).endpoint
    except FileNotFoundError:
        raise BundleError(
            f"{folder} is there already, and is no bundle: nothing in it is touched",
            hint="choose another with -o FOLDER",
        ) from None
    except (OSError, SolventError):
        found = ""
    if found != endpoint and not forced:
        what = f"a bundle of endpoint {found}" if found else "a bundle that can't be read"
        raise BundleError(f"{folder} is {what}", hint="choose another with -o FOLDER, or replace it with --force")
