from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.errors import DataError
from solvent.profiles.conditions import rows_where

COLUMNS: dict[str, list[Any]] = {
    "hour": [23, 4, 12, None, 22],
    "carrier": ["AA", "UA", None, "B6", "AA"],
    "late": [True, False, None, True, False],
    "the delay": [1.5, -2.0, 30.0, float("nan"), 0.0],
    "day": ["2013-01-01", "2013-06-01", None, "2013-12-31", "2013-05-31"],
}


def table(library: str) -> Any:
    arrow = pa.table(COLUMNS)
    arrow = arrow.set_column(4, "day", arrow.column("day").cast(pa.timestamp("us")))
    return {"arrow": arrow, "polars": pl.DataFrame(arrow), "pandas": arrow.to_pandas()}[library]


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("hour >= 22 or hour < 5", "11001"),
        ("5 <= hour < 23", "00101"),
        ("not hour >= 22", "01110"),
        ("carrier == 'AA' and hour != 23", "00001"),
        ("carrier in ('UA', \"B6\")", "01010"),
        ("carrier not in ['UA', 'B6']", "10001"),
        ("carrier != 'AA'", "01010"),
        ("carrier is None", "00100"),
        ("hour is not None", "11101"),
        ("late", "10010"),
        ("not late", "01101"),
        ("`the delay` * 2 > hour - 20", "01100"),
        ("-hour % 4 == 2 or hour // 2 == 2", "01001"),
        ("day >= '2013-06-01'", "01010"),
        ("hour in ()", "00000"),
    ],
)
def test_a_condition_holds_for_these_rows(library: str, condition: str, rows: str) -> None:
    assert "".join(str(int(each)) for each in rows_where(table(library), condition)) == rows


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("hour >=", "can't be read"),
        ("houre > 3", "did you mean 'hour'"),
        ("__import__('os').system('true')", "does not know __import__"),
        ("carrier.__class__ == 1", "does not know carrier.__class__"),
        ("[x for x in (1,)] == hour", "does not know"),
        ("hour == 'three'", "compares 'three' with a column of numbers"),
        ("carrier > 3", "compares 3 with a column of texts"),
        ("day > 'soon'", "'soon' is no time"),
        ("hour", "neither true nor false"),
        ("1 == 1", "no column"),
        ("carrier + 1 > 2", "no numbers"),
        ("hour is 3", "a column and None"),
        ("hour in 3", "a column and a list"),
        ("hour > 1 / 0", "divides by zero"),
        ("(" * 500 + "hour" + ")" * 500, "can't be read"),
        ("`the delay`.x > 1", "`the delay`.x"),
    ],
)
def test_what_is_no_condition_is_refused_by_name(condition: str, says: str) -> None:
    with pytest.raises(DataError, match=".*".join(map(_literal, says.split("...")))):
        rows_where(table("pandas"), condition)


def _literal(text: str) -> str:
    import re

    return re.escape(text)


def test_columns_of_pandas_own_types_are_read() -> None:
    frame = pd.DataFrame(
        {
            "a": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.Categorical(["x", None, "y"]),
            "c": pd.to_datetime(["2013-01-01", None, "2013-02-01"]).tz_localize("UTC"),
        }
    )
    assert rows_where(frame, "a > 1").tolist() == [False, False, True]
    assert rows_where(frame, "b == 'x'").tolist() == [True, False, False]
    assert rows_where(frame, "c < '2013-01-15'").tolist() == [True, False, False]
    assert np.array_equal(rows_where(frame, "a is None"), [False, True, False])
