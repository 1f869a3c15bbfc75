import re
import tomllib
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

import solvent
from tests.shape.source import REPOSITORY


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", each)[0].lower() for each in requirements}


def test_the_core_has_at_most_6_dependencies(project: dict[str, Any]) -> None:
    assert len(project["dependencies"]) <= 6


def test_the_core_needs_no_data_library(project: dict[str, Any]) -> None:
    assert not names(project["dependencies"]) & {"numpy", "pandas", "pyarrow", "polars", "scipy"}


def test_with_data_there_are_at_most_12_dependencies(project: dict[str, Any]) -> None:
    assert len(project["dependencies"]) + len(project["optional-dependencies"]["data"]) <= 12


@pytest.mark.parametrize("lock", ["demo", "dev"])
def test_a_lock_has_hashes_and_no_addresses(lock: str) -> None:
    text = (REPOSITORY / "requirements" / f"{lock}.txt").read_text("utf-8")
    assert "://" not in text
    pinned = re.findall(r"^[\w.-]+==", text, re.MULTILINE)
    hashed = re.findall(r"^[\w.-]+==.*\\\n +--hash=", text, re.MULTILINE)
    assert pinned
    assert len(pinned) == len(hashed)


def test_the_locks_cover_what_the_project_asks_for(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"]
    for lock, wanted in (("demo", extras["examples"]), ("dev", extras["dev"])):
        text = (REPOSITORY / "requirements" / f"{lock}.txt").read_text("utf-8")
        pinned = {name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
        asked = {name.replace("_", "-") for name in names([*project["dependencies"], *wanted])} - {"solvent"}
        assert asked <= pinned


def test_the_version_is_the_one_of_the_project(project: dict[str, Any]) -> None:
    try:
        assert solvent.__version__ == project["version"]
    except PackageNotFoundError:
        pytest.skip("the package is on the path and not installed")
