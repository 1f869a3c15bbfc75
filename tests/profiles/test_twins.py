"""Rows that a part has in common with train: copies are told, what is alike by chance is not."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from solvent.profiles.rowset import Rows
from solvent.profiles.sides import Sides
from solvent.profiles.twins import Twins, find_twins

ROWS = 2000


def rich(rows: int = ROWS) -> pd.DataFrame:
    """A table with a number that no two rows share, two categories and a rare target."""
    random = np.random.default_rng(0)
    columns = {"x": random.normal(size=rows), "k": random.integers(0, 5, rows), "c": random.choice(list("abc"), rows)}
    return pd.DataFrame(columns | {"y": (random.random(rows) < 0.1).astype(int)})


def answers() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {f"q{at}": np.clip(np.round(random.normal(3, 1, 3000)), 1, 5) for at in range(6)}
        | {"y": random.integers(0, 2, 3000)}
    )


def purchases() -> pd.DataFrame:
    """Each product has its price and kind, and is bought again and again."""
    random = np.random.default_rng(0)
    products = pd.DataFrame({"p": range(300), "price": random.random(300), "kind": random.choice(list("ab"), 300)})
    return products.iloc[random.integers(0, 300, 20_000)].assign(y=random.integers(0, 2, 20_000))


def fleet() -> pd.DataFrame:
    """Aircraft of few models: what else is known of one follows from its model and year."""
    random = np.random.default_rng(0)
    models = pd.DataFrame({"model": [f"A{at}" for at in range(40)], "seats": random.integers(50, 400, 40)})
    found = models.iloc[random.integers(0, 40, ROWS)].assign(year=random.integers(1990, 2000, ROWS))
    return found.assign(y=random.integers(0, 2, ROWS))


def ratings() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"film": random.integers(0, 50, ROWS), "y": random.integers(0, 2, ROWS)})


def find(table: pd.DataFrame, key: tuple[str, ...] = ()) -> Twins | None:
    """Look for twins in a split by chance, a fifth of the rows for test."""
    codes = np.where(np.random.default_rng(1).random(len(table)) < 0.2, 2, 0).astype(np.uint8)
    return next(find_twins(Sides([Rows(table)], codes), key, "y"), None)


@pytest.mark.parametrize("make", [answers, purchases, fleet, ratings])
def test_rows_of_a_few_kinds_are_no_copies(make: Callable[[], pd.DataFrame]) -> None:
    found = find(make())
    assert found is not None
    assert found.by_chance > 100
    assert found.rows <= found.by_chance * 0.01


def test_a_table_without_equal_rows_has_no_twins() -> None:
    assert find(rich()) is None


@pytest.mark.parametrize("times", [2, 5])
def test_rows_drawn_again_and_again_are_copies(times: int) -> None:
    found = find(rich().sample(ROWS * times, replace=True, random_state=0))
    assert found is not None
    assert found.rows > ROWS * times * 0.1
    assert found.same_target == found.rows


def test_a_rare_class_that_was_multiplied_before_the_split_is_found_under_new_numbers() -> None:
    table = rich()
    more = pd.concat([table] + [table[table.y == 1]] * 8, ignore_index=True)
    more["id"] = range(len(more))
    found = find(more)
    assert found is not None
    assert found.rows > 100
    assert found == find(more, ("id",))


def test_copies_of_some_rows_are_all_told() -> None:
    table = pd.concat([rich(), rich().head(500)])
    found = find(table)
    assert found is not None
    assert found.by_chance == 0
    assert 100 < found.rows < 220


def test_a_copy_with_another_target_is_told_apart() -> None:
    copied = rich().head(500).assign(y=7)
    found = find(pd.concat([rich(), copied]))
    assert found is not None
    assert found.rows > 100
    assert found.same_target == 0
