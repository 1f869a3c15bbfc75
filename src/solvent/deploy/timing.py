"""What each live step costs, for a request of one row and for one of several."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from solvent.deploy.batches import Form, take
from solvent.serving.program import Program
from solvent.serving.verification import StepTime

BATCH_ROWS = 32
_SECONDS = 0.06
_ROUNDS = 3


def time_steps(program: Program, request: Any, form: Form) -> tuple[StepTime, ...]:
    """Measure the processor time of each live step of a program on recorded rows."""
    rows = max(form.counts(), default=1)
    one = take(request, [0], form)
    many = take(request, [at % rows for at in range(BATCH_ROWS)], form)
    return tuple(
        StepTime(call.call.step, alone * 1000, BATCH_ROWS, among * 1000)
        for call, alone, among in zip(program.calls, _costs(program, one), _costs(program, many), strict=True)
    )


def _costs(program: Program, request: Any) -> list[float]:
    results: list[Any] = []
    found = []
    for call in program.calls:
        answer = call.run(request, results)
        found.append(cost(lambda call=call: call.run(request, results)))  # type: ignore[misc]
        results.append(answer)
    return found


def cost(work: Callable[[], Any]) -> float:
    """Give the processor seconds of one call: the least of some rounds, each long enough for the clock."""
    work()
    best = float("inf")
    for _ in range(_ROUNDS):
        began, calls, used = time.perf_counter(), 0, time.process_time()
        while calls == 0 or time.perf_counter() - began < _SECONDS / _ROUNDS:
            work()
            calls += 1
        best = min(best, (time.process_time() - used) / calls)
    return best
