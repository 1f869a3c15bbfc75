"""Every command, setting and error has a heading in docs/reference/."""

import re

import pytest

from solvent import errors
from solvent.cli.main import COMMANDS
from solvent.config.project import Settings
from tests.shape.source import REPOSITORY

REFERENCE = REPOSITORY / "docs" / "reference"
UNWRITTEN: set[str] = set()
"""Pages of the reference that are still to be written; a page that is there leaves this list."""


def headings(page: str) -> set[str]:
    """Words in code quotes in the headings of a page."""
    if page in UNWRITTEN:
        pytest.skip(f"docs/reference/{page} is not written yet")
    text = re.sub(r"^```.*?^```$", "", (REFERENCE / page).read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {word for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE) for word in re.findall(r"`([^`]+)`", line)}


ERRORS = [name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.SolventError)]


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_a_heading(name: str) -> None:
    assert name in headings("errors.md")


@pytest.mark.parametrize("name", Settings._fields)
def test_a_setting_has_a_heading(name: str) -> None:
    assert name in headings("config.md")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_heading(name: str) -> None:
    assert f"solvent {name}" in headings("commands.md")


def test_a_page_that_is_written_is_not_called_unwritten() -> None:
    assert [page for page in sorted(UNWRITTEN) if (REFERENCE / page).exists()] == []
