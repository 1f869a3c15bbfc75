from pathlib import Path

import pytest

from solvent.config.project import Project
from solvent.runs.stores import Stores


def test_a_file_url_is_a_folder_and_not_a_reference_to_a_secret(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLVENT_ARTIFACTS", f"file://{tmp_path}/share")
    with Stores(Project.find()) as stores:
        blob = stores.blobs.put(b"bytes" * 9)
    assert (tmp_path / "share" / "objects" / blob.digest[:2] / blob.digest[2:]).read_bytes() == b"bytes" * 9


def test_an_url_may_be_a_reference(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", f"file://{tmp_path}/share")
    monkeypatch.setenv("SOLVENT_ARTIFACTS", "env:WHERE")
    with Stores(Project.find()) as stores:
        assert stores.place.artifacts == f"file://{tmp_path}/share"
