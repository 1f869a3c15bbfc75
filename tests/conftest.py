"""What every test starts from: no setting of the outside reaches it, and property tests are short and repeatable."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "solvent",
    max_examples=50,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("solvent")

for _name in [name for name in os.environ if name.startswith("SOLVENT_")]:
    del os.environ[_name]
os.environ["NO_COLOR"] = "1"
os.environ["COLUMNS"] = "80"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the working folder; its store is `.solvent/` in it."""
    (tmp_path / "solvent.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path
