"""Errors that only the source of a pipeline shows: what a Ref can't see of its own use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def check_body(function: Callable[..., Any]) -> None:
    """Raise AuthoringError where a pipeline decides on a step's result without `value(...)`."""
