"""The ready-made step that looks for leaks between the parts of a split that was made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from solvent.model import Finding
from solvent.pipelines.step import step
from solvent.profiles import leaks
from solvent.profiles.rowset import Name


def check_leakage(
    train: Any,
    test: Any,
    validation: Any = None,
    *,
    target: Name | None = None,
    key: Name | Sequence[Name] | None = None,
    group: Name | Sequence[Name] | None = None,
    time: Name | None = None,
) -> list[Finding]:
    """Look for leaks between the parts of any split: pandas or polars frames, Arrow tables or NumPy arrays.

    Found are rows of train that are in another part as well, keys and groups on both sides, train rows later than test, a
    column that alone predicts the target, a target that is spread otherwise, and categories that train has not. Rows that
    are alike by chance, as in a table of a few categories, are left out. NotFoundError for a column that is not there.
    In a pipeline it is a step, and what it finds is told at the end of the run.
    """
    return leaks.check_leakage(train, test, validation, target=target, key=key, group=group, time=time)


if not TYPE_CHECKING:  # through a Step, checkers would see no list
    check_leakage = step(check_leakage)
