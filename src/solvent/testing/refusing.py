"""The one thing that the suites would need of a test runner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Refusal:
    """What a `refused` block caught."""

    value: Any


@contextmanager
def refused(kind: type[BaseException], pattern: str = "") -> Iterator[Refusal]:
    """Expect the block to raise an error of this kind whose text holds the pattern."""
    caught = Refusal()
    try:
        yield caught
    except kind as error:
        caught.value = error
        if re.search(pattern, str(error)):
            return
        raise AssertionError(f"{error} does not hold {pattern!r}") from error
    raise AssertionError(f"no {kind.__name__} was raised")
