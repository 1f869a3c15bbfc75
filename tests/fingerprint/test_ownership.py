"""Whose code a file or module is."""

import json
import os
import sys
from types import ModuleType

import pytest

import solvent
from solvent.fingerprint.ownership import is_user_class, is_user_function, is_user_module, user_file
from tests.fingerprint.conftest import Sources


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/home/me/project/steps.py", True),
        ("/home/me/project/src/package/steps.py", True),
        ("/tmp/ipykernel_1/123.py", True),
        ("<ipython-input-1-abc>", True),
        ("/home/me/project/.venv/lib/python3.11/site-packages/numpy/core.py", False),
        ("/usr/lib/python3/dist-packages/apt.py", False),
        (os.__file__, False),
        (json.__file__, False),
        (solvent.__file__, False),
        ("<frozen importlib._bootstrap>", False),
        ("<string>", False),
    ],
)
def test_a_file_is_the_users_unless_it_is_installed(path: str, own: bool) -> None:
    """Wherever the project is."""
    assert user_file(path) is own


@pytest.mark.parametrize("name", ["sys", "json", "pytest", "solvent.model", "no.such.module"])
def test_modules_of_python_of_packages_and_of_solvent_are_not_the_users(name: str) -> None:
    """Nor are those that are not loaded."""
    assert not is_user_module(name)


def test_main_without_a_file_is_the_users() -> None:
    """It is a notebook or a prompt."""
    assert is_user_module(ModuleType("__main__"))


def test_modules_and_folders_of_a_project_are_the_users(sources: Sources) -> None:
    """A folder without __init__.py too."""
    sources.write(bare__inner="def f(): pass\nclass C: pass\n")
    inner = sources.load("bare.inner")
    assert is_user_module(inner)
    assert is_user_module("bare")
    assert is_user_function(inner.f)
    assert is_user_class(inner.C)
    assert not is_user_class(json.JSONDecoder)


def test_a_folder_that_packages_were_installed_into_is_not_the_users(sources: Sources) -> None:
    """Its records say which files they brought; others in it are the user's."""
    sources.write(brought="K = 1\n", mine="K = 1\n", **{"pkg__brought": "K = 1\n"})
    record = sources.folder / "brought-1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("brought.py,sha256=x,6\npkg/brought.py,sha256=y,6\n")
    assert str(sources.folder) in sys.path
    assert not user_file(str(sources.folder / "brought.py"))
    assert not user_file(str(sources.folder / "pkg" / "brought.py"))
    assert user_file(str(sources.folder / "mine.py"))
