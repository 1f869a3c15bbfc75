"""The bytes of an artifact as files: one file for a value that is one, else a folder with its parts."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial

from solvent.errors import SolventError
from solvent.model import ArtifactRef, Blob, Blobs

Write = Callable[[str], object]


def save_bytes(artifact: ArtifactRef, blobs: Blobs, path: str) -> None:
    """Write an artifact's bytes, each checked against its digest, to a path that is new."""
    if os.path.lexists(path):
        raise SolventError(f"{path} is there already", hint="give a path that is new; nothing is overwritten")
    parts = list(_parts(artifact, blobs))
    try:
        if len(parts) == 1 and artifact.format != "folder":
            parts[0][1](path)
            return
        os.makedirs(path)
        for name, write in parts:
            full = os.path.join(path, *name.split("/"))
            os.makedirs(os.path.dirname(full), exist_ok=True)
            write(full)
    except OSError as error:
        raise SolventError(f"can't write {error.filename or path}: {error.strerror}") from error


def _parts(artifact: ArtifactRef, blobs: Blobs) -> Iterator[tuple[str, Write]]:
    """Give the name of each file and what writes it."""
    if artifact.inline is not None:
        yield "value", partial(_write, artifact.inline)
    for blob in artifact.blobs:
        yield _safe(blob.role) or "value", partial(_copy, blobs, blob)
    for name, text in artifact.meta.get("parts", {}).items():
        yield _safe(name), partial(_write, base64.b64decode(text))
    for name in artifact.meta.get("empty", ()) if artifact.format == "folder" else ():
        yield _safe(name), os.mkdir
    for number, child in enumerate(artifact.children):
        yield str(number), partial(save_bytes, child, blobs)


def _safe(role: str) -> str:
    """Let no stored name lead out of the folder."""
    if role.startswith("/") or ".." in role.split("/") or os.path.isabs(role):
        raise SolventError(f"the stored path {role!r} leads out of its folder")
    return role


def _write(data: bytes, path: str) -> None:
    with open(path, "xb") as file:
        file.write(data)


def _copy(blobs: Blobs, blob: Blob, path: str) -> None:
    with open(blobs.checked_path(blob), "rb") as source, open(path, "xb") as file:
        shutil.copyfileobj(source, file)
