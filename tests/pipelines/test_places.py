import functools
import inspect
from pathlib import Path

import pytest

from solvent.pipelines.places import calling_line, line_of, shorten, user_line


def test_the_calling_line_is_the_nearest_outside() -> None:
    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    assert calling_line() == f"{__file__}:{line}"


def test_the_users_line_skips_libraries() -> None:
    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    found = functools.reduce(lambda before, item: user_line(), [1, 2])
    assert str(found).endswith(f"test_places.py:{line}")


def test_a_place_below_the_working_folder_is_shown_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shorten(f"{tmp_path}/a/b.py:3") == "a/b.py:3"
    assert shorten("/elsewhere/b.py:3") == "/elsewhere/b.py:3"
    assert line_of(None) == "?"
