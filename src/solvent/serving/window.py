"""What requests and answers were like lately, beside the training data: counted in the server, for /metrics."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from solvent.serving.metrics import Sample
from solvent.serving.statistics import ColumnStatistics, Statistics

WINDOW_SECONDS = 3600.0
PARTS = 12
"""The window moves on by a twelfth at a time."""
ROWS_PER_SECOND = 200
"""No more rows are counted, so that counting takes at most a few thousandths of a core however many there are."""
TENTH = 0.1
ROWS = ROWS_PER_SECOND // 10
FEW = 200
"""With fewer rows chance alone gives an index of more than 0.05 over ten bins: none is told then."""


HELP = {
    "solvent_window_rows": "Rows of requests that were counted in the last hour.",
    "solvent_drift_psi": "Population stability index of a column against the training data.",
    "solvent_missing_share": "Share of rows without a value in a column.",
    "solvent_unseen_share": "Share of rows with a category that the training data has not.",
    "solvent_outside_share": "Share of rows with a number outside the range of the training data.",
    "solvent_prediction_psi": "Population stability index of the answers against those of the recorded run.",
    "solvent_prediction_share": "Share of answers in each tenth of those of the recorded run, or of each class.",
}
"""What each number means."""


class Window:
    """Counts requests and answers of the last hour by the bins of the training data; of more than 200 rows a second some.

    Not for several threads at once.
    """

    def __init__(
        self, statistics: Statistics, seconds: float = WINDOW_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._request = [_Counter(each) for each in statistics.request]
        self._response = [_Counter(each) for each in statistics.response]
        self._part_seconds = seconds / PARTS
        self._clock = clock
        self._turns_at = clock() + self._part_seconds
        self._tenth, self._left = -1, 0

    def wants(self) -> bool:
        """Whether the next request is to be counted: there is room in this tenth of a second."""
        tenth = int(self._clock() / TENTH)
        if tenth != self._tenth:
            self._tenth, self._left = tenth, ROWS
        return self._left > 0

    def add(self, columns: Mapping[str, Sequence[Any]], answer: Mapping[str, Sequence[Any]]) -> None:
        """Count a request and its answer, by column; of a request of many rows the first."""
        self._turn()
        for counter in self._request:
            if (values := columns.get(counter.name)) is not None:
                counter.add(values[:ROWS])
        for counter in self._response:
            if (values := answer.get(counter.name)) is not None:
                counter.add(values[:ROWS])
        self._left -= max((min(len(each), ROWS) for each in columns.values()), default=1)

    def samples(self) -> Iterator[Sample]:
        """Give the numbers of the window; an index only from 200 rows on."""
        self._turn()
        counted = [(each, each.total()) for each in self._request]
        yield Sample("solvent_window_rows", {}, max((sum(total[:-2]) for _, total in counted), default=0))
        for counter, total in counted:
            yield from counter.samples(total, "solvent_drift_psi")
        for counter in self._response:
            total = counter.total()
            yield from counter.samples(total, "solvent_prediction_psi")
            yield from counter.bins(total)

    def _turn(self) -> None:
        """Begin the next part of the window, and drop the oldest, as often as the time asks for."""
        now = self._clock()
        while now >= self._turns_at:
            late = now - self._turns_at >= PARTS * self._part_seconds
            self._turns_at = now + self._part_seconds if late else self._turns_at + self._part_seconds
            for counter in (*self._request, *self._response):
                counter.turn(PARTS if late else 1)


class _Counter:
    """The counts of one column in each part of the window: of its bins, then missing, unseen, outside."""

    def __init__(self, of: ColumnStatistics) -> None:
        self.of = of
        self.name = of.name
        self._places = {name: at for at, name in enumerate(of.categories)}
        self._size = max(len(of.shares), 1) + 3
        self._parts: deque[list[int]] = deque([[0] * self._size], PARTS)

    def add(self, values: Sequence[Any]) -> None:
        counts = self._parts[-1]
        add = self._add_number if self.of.ends else self._add_category if self._places else _add_any
        for value in values:
            if value is None or value != value:
                counts[-3] += 1
            else:
                add(counts, value)

    def _add_number(self, counts: list[int], value: Any) -> None:
        of = self.of
        counts[bisect_left(of.ends, value)] += 1
        if of.low is not None and of.high is not None and not of.low <= value <= of.high:
            counts[-1] += 1

    def _add_category(self, counts: list[int], value: Any) -> None:
        place = self._places.get(_word(value))
        if place is not None:
            counts[place] += 1
        else:
            counts[-4] += 1  # the last bin: all others
            counts[-2] += self.of.complete

    def turn(self, times: int) -> None:
        for _ in range(times):
            self._parts.append([0] * self._size)

    def total(self) -> list[int]:
        return [sum(each) for each in zip(*self._parts, strict=True)]

    def samples(self, total: list[int], index: str) -> Iterator[Sample]:
        labels = {"column": self.name}
        *bins, missing, unseen, outside = total
        rows = sum(bins) + missing
        if not rows:
            return
        yield Sample("solvent_missing_share", labels, missing / rows)
        if self.of.complete:
            yield Sample("solvent_unseen_share", labels, unseen / rows)
        if self.of.ends and self.of.low is not None:
            yield Sample("solvent_outside_share", labels, outside / rows)
        if self.of.shares and sum(bins) >= FEW:
            from solvent.profiles.measures import stability_index

            shares = [each / sum(bins) for each in bins]
            yield Sample(index, labels, stability_index(self.of.shares, shares))

    def bins(self, total: list[int]) -> Iterator[Sample]:
        bins = total[:-3]
        names = [*map(_short, self.of.ends), "+Inf"] if self.of.ends else [*self.of.categories, "others"]
        for name, count in zip(names, bins, strict=False):
            label = "upto" if self.of.ends else "category"
            yield Sample("solvent_prediction_share", {"column": self.name, label: name}, count / max(sum(bins), 1))


def _add_any(counts: list[int], value: Any) -> None:
    counts[0] += 1


def _word(value: Any) -> str:
    return value if type(value) is str else ("true" if value else "false") if type(value) is bool else str(value)


def _short(value: float) -> str:
    return f"{value:.6g}"
