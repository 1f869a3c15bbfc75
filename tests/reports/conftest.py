"""The browser of this folder's tests, and tables to look at: moved ones, hostile ones, empty ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import Browser, started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found
