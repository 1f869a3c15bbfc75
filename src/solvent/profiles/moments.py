"""Mean and standard deviation that hold for numbers far from zero, and that merge."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

BLOCK = 1 << 16
"""So many numbers at a time stay in the processor's cache."""

_HUGE = 1e150
_SCALE = 2.0**-600
"""Numbers whose squares are no floats any more are counted in units of 2 ** 600."""


class Moments:
    """Count, mean and sum of squared deviations of numbers, each taken relative to a pivot among them.

    Blocks are combined as by Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance".
    """

    def __init__(self) -> None:
        self.count = 0
        self._pivot: Any = None
        self._scale = 1.0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, ordered: Any) -> None:
        """Take finite numbers in ascending order, as a NumPy array of integers or floats."""
        if not len(ordered):
            return
        if self._pivot is None:
            middle = ordered[len(ordered) // 2].item()
            self._pivot = middle
            self._scale = _SCALE if max(abs(ordered[0].item()), abs(ordered[-1].item())) > _HUGE else 1.0
        elif self._scale == 1.0 and max(abs(ordered[0].item()), abs(ordered[-1].item())) > _HUGE:
            self._rescale()
        for start in range(0, len(ordered), BLOCK):
            self._block(ordered[start : start + BLOCK])

    def _block(self, block: Any) -> None:
        import numpy as np

        from_pivot = self._from_pivot(block)
        count = len(block)
        mean = float(from_pivot.sum()) / count
        np.square(from_pivot, out=from_pivot)  # `dot` would start threads for so little
        # Little cancels: the pivot is in the middle of numbers that count in the deviation.
        self._combine(count, mean, max(float(from_pivot.sum()) - mean * mean * count, 0.0))

    def _from_pivot(self, block: Any) -> Any:
        """Give the differences from the pivot as floats; those of integers are taken before they are rounded."""
        import numpy as np

        if self._scale != 1.0:
            return block.astype(np.float64) * self._scale - float(self._pivot) * self._scale
        if block.dtype.kind in "iu" and type(self._pivot) is int:
            far = max(abs(block[0].item() - self._pivot), abs(block[-1].item() - self._pivot))
            if far < 2**63:
                wide = block.astype(np.int64 if block.dtype.kind == "i" else np.uint64, copy=False)
                return (wide - wide.dtype.type(self._pivot)).view(np.int64).astype(np.float64)
        return np.subtract(block, float(self._pivot), dtype=np.float64)

    def _combine(self, count: int, mean: float, squares: float) -> None:
        total = self.count + count
        apart = mean - self._mean
        self._mean += apart * count / total
        self._squares += squares + apart * apart * self.count * count / total
        self.count = total

    def _rescale(self) -> None:
        self._scale = _SCALE
        self._mean *= _SCALE
        self._squares *= _SCALE * _SCALE

    def merge(self, other: Moments) -> None:
        """Take in what another has counted."""
        if not other.count:
            return
        if not self.count:
            self.__dict__.update(other.__dict__)
            return
        mean, squares = other._mean, other._squares
        if self._scale != other._scale:
            if self._scale == 1.0:
                self._rescale()
            else:
                mean, squares = mean * _SCALE, squares * _SCALE * _SCALE
        pivots_apart = float(Fraction(other._pivot) - Fraction(self._pivot)) if self._scale == 1.0 else 0.0
        if self._scale != 1.0:
            pivots_apart = float(other._pivot) * _SCALE - float(self._pivot) * _SCALE
        self._combine(other.count, mean + pivots_apart, squares)

    @property
    def mean(self) -> float | None:
        if not self.count:
            return None
        if self._scale != 1.0:
            return float(self._pivot) + self._mean / _SCALE
        return float(Fraction(self._pivot) + Fraction(self._mean))

    @property
    def std(self) -> float | None:
        """The standard deviation of a population: divided by the count."""
        if not self.count:
            return None
        return math.sqrt(max(self._squares, 0.0) / self.count) / self._scale
