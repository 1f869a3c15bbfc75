"""Tables at the width of the terminal."""

from __future__ import annotations

import pytest

from solvent.cli.output import table


def test_what_people_copy_is_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    row = ("20261124-125927-e37ea7", "interrupted", "a long result that has to give way")
    lines = table(("run", "status", "result"), [row], stretch=2, whole=(0,)).splitlines()
    assert lines[1].startswith("20261124-125927-e37ea7  ")
    assert all(len(line) <= 40 for line in lines)
