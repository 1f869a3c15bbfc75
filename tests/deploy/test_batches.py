"""Values of rows are counted, taken apart and laid out, whatever they are."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.deploy.batches import form_of, lay_out, take
from solvent.deploy.differences import compare
from solvent.deploy.odd import choose_rows, make_extreme


class Pair(NamedTuple):
    rows: np.ndarray
    names: list[str]


@dataclass(frozen=True)
class Named:
    table: pd.DataFrame
    scale: float


FRAME = pd.DataFrame({"x": [1.0, 2.0, np.nan], "c": ["a", "b", "a"]})
VALUES: list[Any] = [
    FRAME,
    FRAME["x"],
    FRAME.set_index("c"),
    pl.DataFrame({"x": [1, 2, None]}),
    pl.Series([1.0, 2.0, 3.0]),
    pa.table({"x": [1, 2, 3]}),
    np.arange(3.0),
    np.arange(12).reshape(3, 2, 2),
    np.array([(1, 2.0), (3, 4.0), (5, 6.0)], dtype=[("a", int), ("b", float)]),
    ["a", "b", "c"],
    [{"x": 1}, {"x": 2}, {"x": 3}],
    {"x": [1, 2, 3], "y": np.arange(3)},
    Pair(np.ones((3, 2)), ["a", "b", "c"]),
    Named(FRAME, 2.0),
    [np.arange(3), np.arange(3)],
    (np.arange(3), FRAME),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_rows_are_taken_from_whatever_holds_them(value: Any) -> None:
    form = form_of(value, 3)
    assert form.counts() == {3}
    taken = take(value, [2, 0, 2, 1], form)
    assert type(taken) is type(value)
    assert form_of(taken, 4).counts() == {4}
    laid = lay_out(value, form)
    assert not compare(laid, lay_out(taken, form_of(taken, 4)), [2, 0, 2, 1])
    assert compare(laid, lay_out(taken, form_of(taken, 4)), [0, 0, 2, 1])


@pytest.mark.parametrize("value", [3.0, "text", {"mean": 1.0}, None, np.float64(2)])
def test_a_summary_holds_no_rows(value: Any) -> None:
    assert form_of(value, 3).counts() == set()


def test_chosen_rows_have_the_extremes_the_missing_and_the_rare() -> None:
    table = pd.DataFrame({"x": [5.0] * 500, "c": ["often"] * 500})
    table.loc[17, "x"], table.loc[300, "x"], table.loc[401, "x"], table.loc[77, "c"] = 99.0, -99.0, np.nan, "rare"
    chosen, first = choose_rows(lay_out(table, form_of(table)), 500)
    assert len(chosen) == len(set(chosen)) == 64
    assert {chosen[place] for place in first} >= {17, 300, 401, 77}
    assert chosen != sorted(chosen)


def test_an_extreme_row_is_beyond_all_others_and_alone() -> None:
    made = make_extreme(FRAME, 1, form_of(FRAME))
    assert made["x"].tolist()[:2] == [1.0, 21.0]
    assert FRAME["x"][1] == 2.0
    assert make_extreme(["a"], 0, form_of(["a"])) == ["a"]
