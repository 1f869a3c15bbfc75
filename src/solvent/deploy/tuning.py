"""How an endpoint is best served, by what was measured of it."""

from __future__ import annotations

import os
from typing import Any

from solvent.serving.verification import StepTime, Verification

INLINE_MS = 1.0
"""Steps that take longer block the other clients of a process: they run in a thread, and in several processes."""
BATCH_GAIN_SHARE, BATCH_GAIN_MS = 0.3, 0.1
"""So much of the processor time of a request a batch has to save, and so much time: collecting requests costs some 0.05 ms
of each, and the first of a batch waits for the others."""
BATCH_ROWS, LONGEST_WAIT_MS = 32, 2.0
_MOST_WORKERS = 4


def serving_settings(verification: Verification) -> dict[str, Any]:
    """Say how to serve a bundle: in a `thread` or not, with how many `workers`, and whether to `batch` requests.

    `batch` is None, or the most `rows` of a batch and how long (`wait_ms`) its first request waits. A batch pays where the
    steps cost much less for a row among 32 than for one alone.
    """
    steps = [each for each in verification.times if each.step not in ("decode", "encode")]
    alone = sum(each.cpu_ms for each in steps)
    slow = alone > INLINE_MS
    return {
        "thread": slow,
        "workers": min(_MOST_WORKERS, os.cpu_count() or 1) if slow else 1,
        "batch": _batch(steps, alone, verification.measure("cpu_ms") or alone),
    }


def _batch(steps: list[StepTime], alone_ms: float, request_ms: float) -> dict[str, Any] | None:
    """Batch requests if that saves enough."""
    among_ms = sum(each.batch_cpu_ms / max(1, each.batch_rows) for each in steps)
    saved_ms = alone_ms - among_ms
    if saved_ms < BATCH_GAIN_MS or saved_ms < BATCH_GAIN_SHARE * request_ms:
        return None
    return {"rows": BATCH_ROWS, "wait_ms": round(min(LONGEST_WAIT_MS, alone_ms), 3)}
