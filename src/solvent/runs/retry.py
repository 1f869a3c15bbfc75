"""When a failed step is tried again, and how long to wait before."""

from __future__ import annotations

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0


def backoff_seconds(attempt: int) -> float:
    """Give the wait after the failed attempt `attempt`: 0.5 s, doubled each time, at most 30 s."""
    return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** (attempt - 1))
