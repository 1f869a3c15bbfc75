"""Rows of one part that are in another as well, told apart from rows that are alike by chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from solvent.profiles.rowhash import join, mix_one
from solvent.profiles.rowset import Name
from solvent.profiles.sides import TRAIN, Sides

LOOKED_ROWS = 1000
"""So many twins are looked at to tell how many of them are alike by chance."""
NEAR_ROWS = 200_000
"""Among so many rows of train those are looked for that differ from a twin in one column."""
REPEATS, FINE_REPEATS = 3, 10
"""Rows that are each there so often on average are of a few kinds; the second if a column of fractions tells them apart."""
CHANCE = 0.05
"""A row whose number of twins is at most 1 / CHANCE times what chance would give is no copy."""


class Twins(NamedTuple):
    """The rows of a part that train has too in all features; `same_target` of them in the target as well.

    `by_chance` is the number of rows that are alike too, but commonplace: they are not among `rows`.
    """

    code: int
    rows: int
    same_target: int
    by_chance: int


def find_twins(sides: Sides, key: Sequence[Name], target: Name | None) -> Iterator[Twins]:
    """Find for each part but train the rows that train has as well, row ids and keys left out of the comparison."""
    names = _compared(sides, key, target)
    if not names:
        return
    rows = _summed(sides, names)
    inside = sides.inside(TRAIN)
    known = sides.unique(rows[inside])
    few_kinds: bool | None = None
    for code in sides.others:
        places = sides.inside(code).nonzero()[0]
        twins = places[sides.among(rows[places], known)]
        if len(twins) and few_kinds is None:
            few_kinds = _are_few_kinds(sides, names, int(inside.sum()), len(known))
        if few_kinds and len(twins):
            yield Twins(code, 0, 0, len(twins))
        elif len(twins):
            yield _judged(sides, names, target, rows, twins, code)


def _compared(sides: Sides, key: Sequence[Name], target: Name | None) -> list[Name]:
    left_out = {*key, target}
    return [name for name in sides.names if name not in left_out and not _numbers_rows(sides, name)]


def _numbers_rows(sides: Sides, name: Name) -> bool:
    """Tell whether a column gives each row a number or a code of its own."""
    import pyarrow as pa

    column = sides.column(name)
    if isinstance(column, list) or len(column) < 20 or not _may_number(column.type):
        return False
    looked = column.slice(0, 1000)
    if looked.null_count or len(looked.unique()) < len(looked):
        return False
    if not pa.types.is_integer(column.type) and any(" " in each for each in looked.slice(0, 50).to_pylist()):
        return False
    return len(sides.unique(sides.hashes(name))) == len(sides)


def _may_number(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind))


def _summed(sides: Sides, names: Sequence[Name]) -> Any:
    """Give a hash of each row from which a column can be taken away again: the sum of one term for each column."""
    import numpy as np

    total = np.zeros(len(sides), np.uint64)
    for place, name in enumerate(names):
        total += _term(sides, place, name)
    return total


def _term(sides: Sides, place: int, name: Name) -> Any:
    return join(mix_one(place + 1), sides.hashes(name))


def _are_few_kinds(sides: Sides, names: Sequence[Name], rows: int, distinct: int) -> bool:
    """Tell whether rows are alike because there are but a few kinds of them, as in a table of categories."""
    repeats = rows / distinct
    if len(names) == 1:
        return repeats > 2
    return repeats > (FINE_REPEATS if any(_is_fine(sides, name, distinct) for name in names) else REPEATS)


def _is_fine(sides: Sides, name: Name, distinct: int) -> bool:
    """Tell whether a column has numbers with fractions, nearly one for each kind of row."""
    import numpy as np
    import pyarrow as pa

    column = sides.column(name)
    if isinstance(column, list) or not pa.types.is_floating(column.type):
        return False
    numbers = sides.numbers(name)
    numbers = numbers[np.isfinite(numbers)]
    return bool((numbers != np.floor(numbers)).any()) and len(np.unique(numbers)) * 2 > distinct


def _judged(sides: Sides, names: Sequence[Name], target: Name | None, rows: Any, twins: Any, code: int) -> Twins:
    """Tell how many of the rows that train has too are copies, by a look at some of them."""
    looked = twins[:: max(1, len(twins) // LOOKED_ROWS)]
    copies = _count(rows[sides.inside(TRAIN)], rows[looked]) * CHANCE > _by_chance(sides, names, rows, looked)
    count = round(len(twins) * float(copies.mean()))
    same = _same_target(sides, target, rows, looked[copies]) if count else 0.0
    return Twins(code, count, round(count * same), len(twins) - count)


def _by_chance(sides: Sides, names: Sequence[Name], rows: Any, looked: Any) -> Any:
    """Give for each row how many twins chance would give it in train.

    Where many rows differ in one column alone, and its value is frequent, some agree in that column too: of the rows that
    agree in all others as many as the value has odds. The column that explains most counts.
    """
    import numpy as np

    train = sides.inside(TRAIN).nonzero()[0]
    near = train[:: max(1, len(train) // NEAR_ROWS)]
    equal = _count(rows[near], rows[looked])
    most = np.zeros(len(looked))
    for place, name in enumerate(names):
        term = _term(sides, place, name)
        others = _count(rows[near] - term[near], rows[looked] - term[looked]) - equal
        frequent = (_count(term[near], term[looked]) - equal) / len(near)
        odds = frequent / np.maximum(1 - frequent, 1 / len(near))
        most = np.maximum(most, others * odds * (len(train) / len(near)))
    return most


def _count(hashes: Any, wanted: Any) -> Any:
    """Give for each wanted hash how often it is there."""
    import numpy as np

    values, places = np.unique(wanted, return_inverse=True)
    at = np.minimum(np.searchsorted(values, hashes), len(values) - 1)
    return np.bincount(at[values[at] == hashes], minlength=len(values))[places]


def _same_target(sides: Sides, target: Name | None, rows: Any, copies: Any) -> float:
    """Give the share of copies whose twin in train has the same target."""
    if target is None or not len(copies):
        return 1.0
    whole = rows + join(mix_one(0), sides.hashes(target))
    return float((_count(whole[sides.inside(TRAIN)], whole[copies]) > 0).mean())
