from typing import Any

import numpy as np
import pandas as pd
import pytest

from solvent.steps import split


def people(rows: int) -> pd.DataFrame:
    generator = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "id": [None if at % 10 == 0 else f"p{at}" for at in range(rows)],
            "ward": generator.integers(0, 2, rows),
            "day": pd.Timestamp("2013-01-01"),
            "height": generator.normal(170, 10, rows),
        }
    )


@pytest.mark.parametrize(
    ("rows", "arguments", "kind", "severity", "message", "fix"),
    [
        (3, {"test": 0.01}, "empty part", "alert", "test is empty: 1 % of 3 rows were asked", "by="),
        (400, {"by": "time", "time": "day"}, "empty part", "alert", "test is empty: 20 % of 400", "test_from="),
        (400, {"by": "group", "group": "ward", "salt": "10"}, "share", "warn", "and 20 % were", "balanced"),
        (400, {"key": "id"}, "missing key", "warn", "40 rows have no value of 'id': all of them are in", "leave them"),
    ],
)
def test_what_came_otherwise_than_asked_is_told(
    rows: int, arguments: dict[str, Any], kind: str, severity: str, message: str, fix: str
) -> None:
    found = split(people(rows), **arguments).record.findings
    assert [(each[0], each[1]) for each in found if each[0] == kind] == [(kind, severity)]
    told = next(each for each in found if each[0] == kind)
    assert message in told[3]
    assert fix in told[4]


@pytest.mark.parametrize("arguments", [{}, {"by": "random"}, {"by": "group", "group": "height"}, {"test": 0.0}])
def test_shares_within_chance_are_no_matter(arguments: dict[str, Any]) -> None:
    assert split(people(400), **arguments).record.findings == ()
