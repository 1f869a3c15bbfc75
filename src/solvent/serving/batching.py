"""Requests of one row that come together are answered together, where that was measured to pay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from solvent.serving.exchange import Gone
from solvent.serving.model import Model

Outcomes = list[Any]
"""A value for each request, or the error of those that have none."""
Run = Callable[[Callable[[], Outcomes]], Awaitable[Outcomes]]


class _Waiting(NamedTuple):
    value: Any
    future: asyncio.Future[Any]
    gone: Callable[[], bool]


class Batcher:
    """Collects requests of one row for one model: at most `rows`, the first of which waits at most `seconds`.

    `run` carries out a call where predictions run. Rows are answered as they would be alone, but for the rounding of sums in
    another order: a bundle is verified to look at each row by itself. A request that fails fails no other: if the rows
    together fail, each is tried alone. One whose client has gone meanwhile is dropped.
    """

    def __init__(self, model: Model, rows: int, seconds: float, run: Run) -> None:
        self._model = model
        self._rows = rows
        self._seconds = seconds
        self._run = run
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, value: Any, gone: Callable[[], bool]) -> Any:
        """Give the response to a request of one row. Gone if its client was gone before its turn."""
        loop = asyncio.get_running_loop()
        one = _Waiting(value, loop.create_future(), gone)
        self._waiting.append(one)
        if len(self._waiting) >= self._rows:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(self._seconds, self._flush)
        return await one.future

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._answer_all(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_all(self, batch: list[_Waiting]) -> None:
        for one in batch:
            if one.gone():
                _settle(one, Gone())
        left = [one for one in batch if not one.future.done()]
        if not left:
            return
        try:
            outcomes = await self._run(lambda: answer_together(self._model.run, [one.value for one in left]))
        except Exception as error:
            # The queue is full, or the time is over: for all of them.
            outcomes = [error] * len(left)
        for one, outcome in zip(left, outcomes, strict=True):
            _settle(one, outcome)


def _settle(one: _Waiting, outcome: Any) -> None:
    if one.future.done():
        return
    if isinstance(outcome, Exception):
        one.future.set_exception(outcome)
    else:
        one.future.set_result(outcome)


def answer_together(run: Callable[[Any], Any], values: Sequence[Any]) -> Outcomes:
    """Answer requests of one row in one call, or each alone if that fails or gives no row for each."""
    if len(values) > 1:
        try:
            whole = run(join(values))
            if _count(whole) == len(values):
                return [part(whole, row) for row in range(len(values))]
        except Exception:
            # One of the rows, perhaps: whose it is shows below.
            pass
    return [_alone(run, value) for value in values]


def _alone(run: Callable[[Any], Any], value: Any) -> Any:
    try:
        return run(value)
    except Exception as error:
        return error


def join(values: Sequence[Any]) -> Any:
    """Put tables, arrays or lists of one kind below each other; TypeError for what is none."""
    first = values[0]
    package = type(first).__module__.partition(".")[0]
    if package == "numpy":
        import numpy as np

        return np.concatenate(values)
    if package == "pandas":
        import pandas as pd

        return pd.concat(values, ignore_index=True)
    if package == "polars":
        import polars as pl

        return pl.concat(values)
    if package == "pyarrow":
        import pyarrow as pa

        return pa.concat_tables(values)
    if isinstance(first, list):
        return [row for value in values for row in value]
    raise TypeError(f"rows of {type(first).__name__} can't be joined")


def part(value: Any, row: int) -> Any:
    """Give one row, as a table, array or list of one row."""
    if type(value).__module__.partition(".")[0] == "pandas":
        return value.iloc[row : row + 1].reset_index(drop=True)
    return value.slice(row, 1) if hasattr(value, "slice") else value[row : row + 1]


def _count(value: Any) -> int:
    return int(value.num_rows) if hasattr(value, "num_rows") else len(value)
