from __future__ import annotations

from pathlib import Path

import pytest

from solvent.artifacts.store import LocalBlobs


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(str(tmp_path / "store"))
