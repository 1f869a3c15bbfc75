from typing import Any

import numpy as np
import polars as pl
import pytest

from solvent.errors import DataError
from solvent.profiles.slices import cut

TABLE = pl.DataFrame(
    {
        "carrier": ["AA", "UA", None, "AA"] * 25,
        "hour": list(range(100)),
        "month": [1, 2, 3, 4] * 25,
        "late": [True, False] * 50,
    }
)


def sizes(slices: Any, table: Any = TABLE) -> dict[str, int]:
    return {each.name: int(each.rows.sum()) for each in cut(slices, table, 100)}


def test_a_column_gives_a_slice_for_each_value_and_one_for_what_is_missing() -> None:
    assert sizes("carrier") == {"carrier = AA": 50, "carrier = UA": 25, "carrier is missing": 25}
    assert sizes(["month", "late"]) == {
        **{f"month = {month}": 25 for month in (1, 2, 3, 4)},
        "late = False": 50,
        "late = True": 50,
    }


def test_many_distinct_numbers_are_cut_into_quarters() -> None:
    found = sizes("hour")
    assert list(found) == ["hour from 0 to 25", "hour above 25 to 50", "hour above 50 to 74", "hour above 74 to 99"]
    assert sum(found.values()) == 100


def test_times_are_cut_into_quarters_too() -> None:
    import datetime as dt

    table = TABLE.with_columns(day=pl.Series([dt.date(2013, 1, 1) + dt.timedelta(days=n) for n in range(100)]))
    found = sizes("day", table)
    assert len(found) == 4
    assert sum(found.values()) == 100


def test_conditions_and_masks_have_names() -> None:
    slices = ["hour < 10", {"night": "hour >= 90 or hour < 5", "even": np.arange(100) % 2 == 0}]
    assert sizes(slices) == {"hour < 10": 10, "night": 15, "even": 50}
    assert sizes({"even": np.arange(100) % 2 == 0}, None) == {"even": 50}


def test_the_most_frequent_values_are_kept() -> None:
    table = pl.DataFrame({"tail": ["often"] * 10 + [f"N{n:03}" for n in range(90)]})
    found = sizes("tail", table)
    assert len(found) == 50
    assert found["tail = often"] == 10


@pytest.mark.parametrize(
    ("slices", "table", "says"),
    [
        ("carier", TABLE, "did you mean 'carrier'"),
        ("carrier", None, "slices need the table"),
        ("carrier", TABLE.head(5), "the table of the slices has 5 rows and truth has 100"),
        ({"x": [1, 2]}, TABLE, "a condition or a mask of booleans"),
        ({"x": [True, False]}, TABLE, "the mask of slice 'x' has 2 rows and truth has 100"),
        (["carrier", {"carrier = AA": "hour > 3"}], TABLE, "two slices are called 'carrier = AA'"),
    ],
)
def test_what_is_no_slice_is_refused(slices: Any, table: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        cut(slices, table, 100)
