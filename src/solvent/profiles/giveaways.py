"""Columns that alone predict the target: what is known only when the target is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from solvent.profiles.rowhash import mix_one
from solvent.profiles.rowset import Name
from solvent.profiles.sides import TRAIN, Sides
from solvent.profiles.targets import is_quantity

LOOKED_ROWS = 20_000
LEAST_ROWS, LEAST_CLASS = 50, 10
"""With fewer rows, or fewer rows of a class, nothing is said."""
CORRELATION, AUC, PURITY = 0.98, 0.98, 0.98
"""Above these a column gives the target away; the first two are the customary limits of such checks."""
GAIN = 0.9
"""The share of the errors of always saying the commonest class that a category must do away with."""
BINS = 100


class Giveaway(NamedTuple):
    """A column that predicts the target, by which measure, and how well."""

    name: Name
    measure: str
    value: float


def find_giveaways(sides: Sides, target: Name, known: set[Any]) -> Iterator[Giveaway]:
    """Find the columns of train, but the known ones, that predict the target alone; a look at 20,000 rows tells."""
    rows = sides.inside(TRAIN).nonzero()[0]
    rows = rows[:: max(1, len(rows) // LOOKED_ROWS)]
    goal = _goal(sides, target, rows)
    if goal is None:
        return
    for name in sides.names:
        if name != target and name not in known:
            found = goal.judge(sides, name)
            if found is not None:
                yield Giveaway(name, *found)


def _goal(sides: Sides, target: Name, rows: Any) -> _Quantity | _Classes | None:
    import numpy as np

    if is_quantity(sides.column(target)):
        numbers = sides.numbers(target)[rows]
        there = np.isfinite(numbers)
        numbers, rows = numbers[there], rows[there]
        return _Quantity(numbers, rows) if len(rows) >= LEAST_ROWS and numbers.std() > 0 else None
    hashes = sides.hashes(target)[rows]
    there = hashes != mix_one(0)
    rows = rows[there]
    _, classes = np.unique(hashes[there], return_inverse=True)
    sizes = np.bincount(classes) if len(classes) else np.zeros(0, int)
    enough = len(rows) >= LEAST_ROWS and (sizes >= LEAST_CLASS).sum() > 1
    return _Classes(classes, rows) if enough else None


class _Quantity:
    """A numeric target: correlation of numbers or of their ranks, explained variance of categories."""

    def __init__(self, numbers: Any, rows: Any) -> None:
        self._numbers, self._rows = numbers, rows

    def judge(self, sides: Sides, name: Name) -> tuple[str, float] | None:
        import numpy as np

        numbers = sides.numbers(name)
        if numbers is None:
            return self._judge_category(sides.hashes(name)[self._rows])
        numbers = numbers[self._rows]
        there = np.isfinite(numbers)
        if there.sum() < LEAST_ROWS:
            return None
        plain = abs(_correlation(numbers[there], self._numbers[there]))
        ranked = abs(_correlation(_ranks(numbers[there]), _ranks(self._numbers[there])))
        return ("correlation", max(plain, ranked)) if max(plain, ranked) > CORRELATION else None

    def _judge_category(self, hashes: Any) -> tuple[str, float] | None:
        """Judge by the half of the rows that the means were not taken from: each value must be met often to count."""
        import numpy as np

        _, values = np.unique(hashes, return_inverse=True)
        one, other = slice(0, None, 2), slice(1, None, 2)
        sizes = np.bincount(values[one], minlength=values.max() + 1)
        sums = np.bincount(values[one], self._numbers[one], minlength=len(sizes))
        means = np.where(sizes > 0, sums / np.maximum(sizes, 1), self._numbers[one].mean())
        rest = self._numbers[other] - means[values[other]]
        spread = float(self._numbers[other].var())
        explained = 1 - float((rest**2).mean()) / spread if spread else 0.0
        return ("correlation", explained**0.5) if explained > CORRELATION**2 else None


class _Classes:
    """A target of classes: the AUC of a number for two classes, else how pure its values or ranges are."""

    def __init__(self, classes: Any, rows: Any) -> None:
        self._classes, self._rows = classes, rows

    def judge(self, sides: Sides, name: Name) -> tuple[str, float] | None:
        import numpy as np

        numbers = sides.numbers(name)
        if numbers is not None:
            numbers = numbers[self._rows]
            if self._classes.max() == 1:
                found = self._auc(numbers)
                if found is not None and found > AUC:
                    return "AUC", found
            return self._purity(_ranges(numbers))
        return self._purity(np.unique(sides.hashes(name)[self._rows], return_inverse=True)[1])

    def _auc(self, numbers: Any) -> float | None:
        """Give the area under the ROC curve of a number, whichever side is up (Mann and Whitney's U)."""
        import numpy as np

        there = ~np.isnan(numbers)
        positive = self._classes[there] == 1
        many, few = int((~positive).sum()), int(positive.sum())
        if min(many, few) < LEAST_CLASS:
            return None
        ranks = _ranks(numbers[there])
        area = float((ranks[positive].sum() + few - few * (few + 1) / 2) / (many * few))
        return max(area, 1 - area)

    def _purity(self, values: Any) -> tuple[str, float] | None:
        """Judge by the half of the rows that the commonest classes were not taken from."""
        import numpy as np

        classes = self._classes
        one, other = slice(0, None, 2), slice(1, None, 2)
        kinds = int(classes.max()) + 1
        cells = np.unique(values[one] * kinds + classes[one], return_counts=True)
        order = np.argsort(cells[1], kind="stable")
        guess = np.full(int(values.max()) + 1, np.bincount(classes[one]).argmax())
        guess[cells[0][order] // kinds] = cells[0][order] % kinds
        right = float((guess[values[other]] == classes[other]).mean())
        base = float((classes[other] == np.bincount(classes[one]).argmax()).mean())
        gain = (right - base) / (1 - base) if base < 1 else 0.0
        return ("purity", right) if right > PURITY and gain > GAIN else None


def _ranges(numbers: Any) -> Any:
    """Cut numbers into up to 100 ranges of as many rows; those without a number are one of their own."""
    import numpy as np

    there = np.isfinite(numbers)
    if not there.any():
        return np.zeros(len(numbers), int)
    count = max(2, min(BINS, int(there.sum()) // 10))
    edges = np.unique(np.quantile(numbers[there], np.linspace(0, 1, count + 1)[1:-1]))
    return np.where(there, np.searchsorted(edges, np.where(there, numbers, 0), "right") + 1, 0)


def _ranks(numbers: Any) -> Any:
    """Give the rank of each number from 0, equal ones their mean rank."""
    import numpy as np

    _, places, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    return (ends - (sizes + 1) / 2)[places]


def _correlation(one: Any, other: Any) -> float:

    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 0 else 0.0
