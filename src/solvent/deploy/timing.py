"""What each live step costs, and reading and writing the bodies around them, for one row and for several."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from solvent.deploy.replay import body_of
from solvent.serving.model import Model
from solvent.serving.verification import StepTime

BATCH_ROWS = 32
_SECONDS = 0.06
_ROUNDS = 3


def time_steps(model: Model, recorded: Mapping[str, Sequence[Any]], rows: int) -> tuple[StepTime, ...]:
    """Measure the processor time of each live step on recorded rows, and of decoding and encoding."""
    alone = _costs(model, body_of({name: values[:1] for name, values in recorded.items()}))
    many = [at % rows for at in range(BATCH_ROWS)]
    among = _costs(model, body_of({name: [values[row] for row in many] for name, values in recorded.items()}))
    return tuple(StepTime(name, cost * 1000, BATCH_ROWS, among[name] * 1000) for name, cost in alone.items())


def _costs(model: Model, body: bytes) -> dict[str, float]:
    request = model.codec.decode(body, "application/json").value
    found = {"decode": cost(lambda: model.codec.decode(body, "application/json").value)}
    results: list[Any] = []
    for at, call in enumerate(model.program.calls):
        answer = call.run(request, results)
        name = call.call.step if call.call.step not in found else f"{call.call.step} ({at + 1})"
        found[name] = cost(lambda call=call: call.run(request, results))  # type: ignore[misc]
        results.append(answer)
    value = model.program.answer(request, results)
    found["encode"] = cost(lambda: model.codec.encode(value, b""))
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
