import os
import subprocess
import sys

import pytest

from tests.shape.source import SOURCE

HEAVY = ("pandas", "numpy", "pyarrow", "pydantic", "rich", "asyncio", "polars", "yaml", "cloudpickle", "sqlite3")


def loaded_by(statement: str) -> set[str]:
    """Names of all modules that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def added() -> set[str]:
    return loaded_by("import solvent") - loaded_by("pass")


def test_import_adds_at_most_88_modules(added: set[str]) -> None:
    assert len(added) <= 88, sorted(added)


def test_import_loads_nothing_heavy(added: set[str]) -> None:
    assert [name for name in HEAVY if name in added] == []


def test_authoring_words_stay_light() -> None:
    added = loaded_by("from solvent import step, pipeline, value, log, seed, rng") - loaded_by("pass")
    assert len(added) <= 88, sorted(added)
    assert [name for name in HEAVY if name in added] == []
