"""The reference of the commands says what the commands say."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_commands", DOCS / "write_commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse words its help anew with each Python")
def test_the_page_shows_the_help_of_each_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    page = (DOCS / "reference" / "commands.md").read_text("utf-8")
    assert writer().updated(page) == page, "run: python docs/write_commands.py"
