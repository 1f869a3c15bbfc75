"""From where on a change of a column warns and alerts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

LIMITS: Mapping[str, tuple[float, float]] = {
    # deepchecks alerts at a distance of 0.2 for each number; half of it warns.
    "ks": (0.1, 0.2),
    # The convention of credit scoring: Lewis (1994), Siddiqi (2006).
    "psi": (0.1, 0.25),
    # evidently's limit above 1,000 rows warns; twice of it alerts.
    "js": (0.1, 0.2),
    # TFDV and Vertex AI show 0.01 in their examples, which every sample of 10,000 rows exceeds by chance.
    "l_infinity": (0.05, 0.15),
    "nulls": (0.01, 0.05),
    "infinite": (0.01, 0.05),
    # deepchecks passes no new category; one row in a hundred alerts.
    "unseen": (0.0, 0.01),
}
"""Beyond the first number a measure warns, beyond the second it alerts. Without a source: our judgement."""

FEW_ROWS = 1000
"""With fewer rows on either side a measure counts only where chance is excluded, too."""
ROWS_PER_BIN = 100
"""The same for shares of many categories: chance alone moves more bins further."""
CHANCE = 0.01
"""The adjusted p-value below which chance is excluded."""

VERSIONS = 10
"""From so many versions on a column is judged by its own history. NannyML sets its limits so."""
NEWEST = 20
"""Older versions say little of what is usual now."""
DEVIATIONS = (2.0, 3.0)
_FLOORS = {"psi": (0.02, 0.05), "nulls": (0.001, 0.005), "infinite": (0.001, 0.005), "unseen": (0.0, 0.01)}
_FLOOR = (0.01, 0.02)
"""However still a column was so far, learnt limits are never closer to nothing than this."""


def learnt(name: str, values: Sequence[float]) -> tuple[float, float]:
    """Give the limits of a measure from its values between consecutive versions: mean and 2, and 3, deviations."""
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in values) / (len(values) - 1))
    floors = _FLOORS.get(name, _FLOOR)
    return max(mean + DEVIATIONS[0] * deviation, floors[0]), max(mean + DEVIATIONS[1] * deviation, floors[1])


def severity(value: float, limits: tuple[float, float]) -> int:
    """Give 0 for within the limits, 1 for a warning, 2 for an alert."""
    return (value > limits[0]) + (value > limits[1])


def few(rows: tuple[int, int], bins: int = 10) -> bool:
    """Whether there are so few rows that measures alone say nothing. Yurdakul and Naranjo (2020) show it for the PSI."""
    return min(rows) < max(FEW_ROWS, ROWS_PER_BIN * bins)
