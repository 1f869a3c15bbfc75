from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Declare = Callable[[str], None]


@pytest.fixture
def declare(project: Path) -> Declare:
    """Writes the catalogue of the project, of which only the entries are given."""
    (project / "configs").mkdir()

    def write(entries: str) -> None:
        lines = ["sources:", *(f"  {line}" for line in entries.strip("\n").splitlines())]
        (project / "configs" / "sources.yaml").write_text("\n".join(lines) + "\n")

    return write
