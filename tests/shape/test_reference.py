"""Every command, setting and error has a heading in docs/reference/."""

import os
import re
import subprocess
import sys
from functools import cache

import pytest

from solvent import errors
from solvent.config.project import Settings
from tests.shape.source import REPOSITORY, SOURCE

REFERENCE = REPOSITORY / "docs" / "reference"
UNWRITTEN = {"commands.md", "config.md", "errors.md"}
"""Pages of the reference that are still to be written; a page that is there leaves this list."""


def headings(page: str) -> set[str]:
    """Words in code quotes in the headings of a page."""
    if page in UNWRITTEN:
        pytest.skip(f"docs/reference/{page} is not written yet")
    text = re.sub(r"^```.*?^```$", "", (REFERENCE / page).read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {word for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE) for word in re.findall(r"`([^`]+)`", line)}


ERRORS = [name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.SolventError)]


@cache
def command_names() -> list[str]:
    """Commands as `solvent --help` lists them: indented, followed by what they do."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    command = [sys.executable, "-m", "solvent", "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return re.findall(r"^ +([a-z]+) {2,}\S", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_a_heading(name: str) -> None:
    assert name in headings("errors.md")


@pytest.mark.parametrize("name", Settings._fields)
def test_a_setting_has_a_heading(name: str) -> None:
    assert name in headings("config.md")


def test_every_command_has_a_heading() -> None:
    written = headings("commands.md")
    assert {"run", "plan", "why", "runs", "show"} <= set(command_names())
    assert [name for name in command_names() if f"solvent {name}" not in written] == []


def test_a_page_that_is_written_is_not_called_unwritten() -> None:
    assert [page for page in sorted(UNWRITTEN) if (REFERENCE / page).exists()] == []
