from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from solvent.config.project import Project
from solvent.fingerprint.files import process_memo
from solvent.sources.session import Sources, open_sources

Declare = Callable[[str], None]
Open = Callable[..., Sources]


@pytest.fixture
def declare(project: Path) -> Declare:
    """Writes the catalogue of the project, of which only the entries are given."""
    (project / "configs").mkdir()

    def write(entries: str) -> None:
        lines = ["sources:", *(f"  {line}" for line in entries.strip("\n").splitlines())]
        (project / "configs" / "sources.yaml").write_text("\n".join(lines) + "\n")

    return write


@pytest.fixture
def opened(project: Path) -> Open:
    """Writes the catalogue as it is given, and more for profiles, and opens it."""

    def write(text: str, profile: str | None = None, **over: str) -> Sources:
        (project / "configs").mkdir(exist_ok=True)
        (project / "configs" / "sources.yaml").write_text(text)
        for name, more in over.items():
            (project / "configs" / f"sources.{name}.yaml").write_text(more)
        return open_sources(Project.find(), profile, process_memo)

    return write
