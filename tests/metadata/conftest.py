"""An open, empty store for every test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from solvent.metadata.store import MetadataStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetadataStore]:
    with MetadataStore.open(tmp_path / "metadata.db") as opened:
        yield opened
