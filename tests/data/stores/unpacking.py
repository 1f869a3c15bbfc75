"""Real stores of released schemas, ready to open."""

from __future__ import annotations

import tarfile
from pathlib import Path

RELEASED = sorted(Path(__file__).parent.glob("schema-*.tar.gz"))


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a fixture and give its project; the store is `.solvent` in it."""
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / "shop"
