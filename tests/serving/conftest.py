from pathlib import Path

import pytest

from tests.serving.servers import make_bundle


@pytest.fixture(scope="session")
def cancer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `tests/stories/cancer.py`; nobody may change it."""
    return make_bundle(tmp_path_factory.mktemp("cancer"))
