"""A model that is asked what the others are asked, beside the answers: its own are compared, and given to nobody."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any

from solvent.serving.exchange import to_json
from solvent.serving.model import Decoded, Model
from solvent.serving.tables import to_columns

WAITING = 64
"""So many requests may wait for the shadow; further ones are dropped."""
WAITING_ROWS = 20_000
STOP_SECONDS = 5.0


@dataclass(slots=True)
class Comparison:
    """What the shadow was asked: requests `compared`, of which it `agreed` within the tolerance of its bundle.

    `dropped` were not asked because it was busy, `failed` could not be answered by it. `largest` is the largest difference
    of two numbers, `seconds` the time that it took for all.
    """

    compared: int = 0
    agreed: int = 0
    dropped: int = 0
    failed: int = 0
    largest: float = 0.0
    seconds: float = 0.0


class Shadow:
    """Runs one model in a thread of its own; `offer` never waits and never raises."""

    def __init__(self, name: str, model: Model) -> None:
        self.name = name
        self.model = model
        self.found = Comparison()
        self._waiting: deque[tuple[Any, Any]] = deque()
        self._rows = 0
        self._changed = Condition()
        self._stopped = False
        self._thread = Thread(target=self._run, name=f"shadow {name}", daemon=True)
        self._thread.start()

    def offer(self, asked: Decoded, answer: Any) -> None:
        """Hand over a request and what was answered, if there is room."""
        with self._changed:
            if len(self._waiting) >= WAITING or self._rows + asked.rows > WAITING_ROWS:
                self.found.dropped += 1
                return
            self._waiting.append((asked, answer))
            self._rows += asked.rows
            self._changed.notify()

    def stop(self) -> None:
        """Ask nothing more; wait a little for what is being answered, since the model may be wanted elsewhere."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(STOP_SECONDS)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is waiting; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._rows, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    return
                asked, answer = self._waiting.popleft()
            self._compare(asked, answer)
            with self._changed:
                self._rows -= asked.rows
                self._changed.notify_all()

    def _compare(self, asked: Decoded, answer: Any) -> None:
        found = self.found
        begun = time.perf_counter()
        try:
            # By its own schema, which may be another one: what lacks a column that it needs is counted as failed.
            body = to_json({"columns": asked.columns()})
            mine = self.model.run(self.model.codec.decode(body, "application/json").value)
            found.seconds += time.perf_counter() - begun
            names = [each.name for each in self.model.bundle.manifest.response.columns]
            difference, same = differ(to_columns(answer, names), to_columns(mine, names))
        except Exception:
            # Nobody asked the shadow for anything: what it can't do is counted.
            found.failed += 1
            return
        found.compared += 1
        found.largest = max(found.largest, difference)
        found.agreed += same and difference <= self.model.bundle.manifest.tolerance


def differ(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> tuple[float, bool]:
    """Give the largest difference of two numbers in answers, and whether all else is equal."""
    largest, same = 0.0, one.keys() == other.keys()
    for name, values in one.items():
        mine, same = list(_cells(values)), same and name in other
        theirs = list(_cells(other.get(name, [])))
        if len(mine) != len(theirs):
            return largest, False
        for a, b in zip(mine, theirs, strict=True):
            if _is_number(a) and _is_number(b):
                gap = abs(a - b)
                largest = max(largest, gap) if math.isfinite(gap) else largest
                same = same and (math.isfinite(gap) or a == b or (a != a and b != b))
            else:
                same = same and a == b
    return largest, same


def _cells(values: Sequence[Any]) -> Iterator[Any]:
    for each in values:
        if isinstance(each, list | tuple):
            yield from _cells(each)
        else:
            yield each


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
