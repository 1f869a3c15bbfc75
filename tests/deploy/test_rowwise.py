"""The zoo of live steps: every leaky one is refused with its rows, no sound one is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from solvent.deploy.rowwise import AGAIN, CLOCK, FIRST, FROZEN, INPUT, SINGLE, Subject, check_step
from solvent.fingerprint.values import identify
from solvent.serving.verification import StepCheck
from tests.deploy import zoo_leaky, zoo_models, zoo_sound

QUICK = {"mean_fill", "rank", "years_since", "polars_total", "largest_of_row", "softmax_of_row", "polars_columns"}
"""One of each kind stays in the quick tests; the whole zoo takes some seconds."""


def make_table(rows: int = 32, seed: int = 0) -> pd.DataFrame:
    """Make recorded rows with missing values, a rare category and two equal rows."""
    draw = np.random.default_rng(seed)
    days = draw.integers(1, 13, (rows, 2))
    table = pd.DataFrame(
        {
            "id": draw.permutation(rows) + 1000,
            "fare": draw.gamma(2, 20, rows).round(2),
            "count": draw.integers(0, 9, rows),
            "age": np.where(draw.random(rows) < 0.2, np.nan, draw.normal(30, 9, rows).round()),
            "city": draw.choice(["lima", "oslo", "rome"], rows),
            "day": [f"2025-{month:02d}-{day:02d}" for month, day in days],
        }
    )
    table.loc[3, "city"] = "pune"
    table.loc[rows - 1] = table.loc[0]
    return table


TABLE = make_table()
IN_POLARS = pl.DataFrame(TABLE.to_dict("list")).with_columns(pl.col("age").fill_nan(None))


def checked(step: Callable[[Any], Any], **more: Any) -> StepCheck:
    table: Any = IN_POLARS if "polars" in str(getattr(step, "__annotations__", {}).get("table")) else TABLE
    name = getattr(step, "__name__", "step")
    subject = Subject(
        name, f"zoo:{name}", lambda given: step(given["table"]), {"table": table}, 32, source=step, **more
    )
    return check_step(subject, seconds=0.0)[0]


def zoo(steps: tuple[Callable[[Any], Any], ...]) -> list[Any]:
    return [
        pytest.param(each, id=each.__name__, marks=[] if each.__name__ in QUICK else pytest.mark.slow) for each in steps
    ]


@pytest.mark.parametrize("step", zoo(zoo_leaky.PLAIN + zoo_leaky.SKLEARN))
def test_a_step_that_looks_at_other_rows_is_refused(step: Callable[[Any], Any]) -> None:
    def fresh() -> Any:
        zoo_leaky.TABLE.clear()
        return lambda given: step(given["table"])

    found = checked(step, fresh=fresh)
    assert not found.ok
    assert found.relation
    assert found.hint


@pytest.mark.parametrize("step", zoo(zoo_sound.PLAIN))
def test_a_step_that_looks_at_its_row_alone_is_not(step: Callable[[Any], Any]) -> None:
    found = checked(step, first=(3, 5))
    assert found.ok, found
    assert all(each.held is not False for each in found.relations)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_fitted_estimators_are_row_wise_and_those_that_fit_anew_are_not() -> None:
    train = make_table(200, seed=1)
    label = (train["fare"] + train["count"] * 3 > 50).to_numpy().astype(int)
    steps = zoo_models.fitted_steps(train, label)
    refused = {}
    for name, step in steps.items():
        found = checked(step)
        if not found.ok:
            refused[name] = found
    assert refused == {}
    assert len(steps) >= 15
    assert not checked(zoo_models.refitted(train)).ok


def test_the_zoo_has_at_least_forty_steps_and_half_of_them_leak() -> None:
    leaky, sound = zoo_leaky.PLAIN + zoo_leaky.SKLEARN, zoo_sound.PLAIN
    assert len({*leaky, *sound}) == len(leaky) + len(sound) >= 40
    assert len(leaky) >= 40
    assert len(sound) >= 40


def test_a_refusal_names_row_value_line_and_way_out() -> None:
    found = checked(zoo_leaky.mean_fill)
    row = next(each for each in found.rows)
    assert found.relation == SINGLE
    assert (
        found.problem
        == f"answers row {row.row} alone otherwise than among 32 rows: age is missing instead of {row.cells[0].expected}"
    )
    assert [(each.column, each.found) for each in row.cells] == [("age", "missing")]
    assert found.causes == ('return table.assign(age=table["age"].fillna(table["age"].mean()))',)
    assert "training part" in found.hint


def test_an_error_on_a_single_row_is_told() -> None:
    found = checked(zoo_leaky.needs_several)
    assert found.problem == "raises ZeroDivisionError: division by zero on row 0 alone"


def test_what_gives_no_rows_is_refused_as_such() -> None:
    assert "gives no rows but a dict" in checked(zoo_leaky.summary).problem
    assert "gives 31 rows for 32" in checked(zoo_leaky.without_twins).problem


def test_lacking_columns_are_named() -> None:
    assert "lacks the columns city_" in checked(zoo_leaky.dummies).problem


def test_clock_and_state_have_relations_of_their_own() -> None:
    assert checked(zoo_leaky.years_since).relation == CLOCK
    assert checked(zoo_leaky.counter).relation == AGAIN

    def fresh() -> Any:
        zoo_leaky.TABLE.clear()
        return lambda given: zoo_leaky.remembers_the_first(given["table"])

    zoo_leaky.TABLE.clear()
    assert checked(zoo_leaky.remembers_the_first, fresh=fresh).relation == FIRST


def test_a_frozen_argument_that_changes_is_found_by_its_digest() -> None:
    frozen = {"mean": 3.0}

    def learns(table: pd.DataFrame) -> pd.Series:
        frozen["mean"] = 4.0
        return table["fare"]

    found = checked(learns, digests=lambda: {"means": identify(frozen).digest})
    assert (found.relation, found.ok) == (FROZEN, False)
    assert "frozen argument means" in found.problem


def test_an_input_that_a_later_step_takes_must_stay() -> None:
    def adds(table: pd.DataFrame) -> pd.DataFrame:
        table["double"] = table["fare"] * 2
        return table

    assert checked(adds).ok
    assert checked(adds, shared=frozenset({"table"})).relation == INPUT
