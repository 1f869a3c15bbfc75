"""The vocabulary of checks: what can be declared, and what is refused at the line that declares it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from solvent import step
from solvent.checks import between, matches, not_null, one_of, passes, row_count, unique
from solvent.errors import AuthoringError

HERE = Path(__file__).name


class Parts(NamedTuple):
    train: list[int]
    test: list[int]


def plausible(output: Any) -> bool:
    return True


def parts(count: int) -> Parts:
    return Parts([1], [2])


def one(count: int) -> list[int]:
    return [count]


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (not_null("id", "date"), 'not_null("id", "date")'),
        (not_null(), "not_null()"),
        (unique("a", 0), 'unique("a", 0)'),
        (between("delay", -60, None), 'between("delay", -60, None)'),
        (one_of("carrier", {"UA", "AA"}), 'one_of("carrier", ["AA", "UA"])'),
        (one_of("n", range(100)), 'one_of("n", 100 values)'),
        (one_of("n", np.array([2, 1])), 'one_of("n", [1, 2])'),
        (matches("tail", r"N\w+"), r'matches("tail", r"N\w+")'),
        (row_count(at_least=1, at_most=9), "row_count(at_least=1, at_most=9)"),
        (passes(plausible, warn=True), "plausible"),
        (passes(lambda output: True, name="sound"), "sound"),
    ],
)
def test_a_check_reads_as_it_was_written(check: Any, text: str) -> None:
    assert str(check) == text
    if check.function is None:
        assert pickle.loads(pickle.dumps(check)) == check


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: not_null(None), "expected the name of a column"),  # type: ignore[arg-type]
        (lambda: unique(), "names no column"),
        (lambda: between("a", None, None), "allows everything"),
        (lambda: between("a", 2, 1), "a high end that is not below it"),
        (lambda: between("a", float("nan"), 1), "a high end that is not below it"),
        (lambda: between("a", 1, "x"), "a high end that is not below it"),
        (lambda: one_of("a", "AA"), "expected a list of values"),
        (lambda: one_of("a", []), "allows nothing"),
        (lambda: matches("a", "("), "no regular expression: missing"),
        (lambda: row_count(), "allows everything"),
        (lambda: row_count(at_least=-1), "a whole number, 0 or more"),
        (lambda: row_count(at_least=3, at_most=2), "allows nothing"),
        (lambda: passes(3), "can't be a check"),
        (lambda: passes(not_null("a")), "is a check already"),
        (lambda: step(checks=[not_null])(one), "is not made yet"),
        (lambda: step(checks=[lambda: True])(one), "must take one argument"),
        (lambda: step(checks=[step(one)])(one), "can't be a check"),
        (lambda: step(checks=not_null("a"))(one), "expected a list of checks"),  # type: ignore[arg-type]
        (lambda: step(checks={"output": "x"})(one), "expected a list of checks"),
        (lambda: step(checks={"train": [not_null()]})(one), "`one` has no output 'train'"),
        (lambda: step(checks={"tran": [not_null()]})(parts), r"no output 'tran'; did you mean 'train'\?"),
        (lambda: step(checks=[not_null("id")])(parts), "names none of them"),
    ],
)
def test_a_check_that_can_not_be_meant_is_refused_at_its_line(make: Any, words: str) -> None:
    with pytest.raises(AuthoringError, match=words) as caught:
        make()
    assert HERE in (caught.value.where or "")


def test_checks_are_given_as_a_list_or_by_field() -> None:
    checks = step(checks={"train": [row_count(at_least=1), plausible], "output": [plausible]})(parts).checks
    assert [(each.field, str(each)) for each in checks] == [
        ("train", "row_count(at_least=1)"),
        ("train", "plausible"),
        ("output", "plausible"),
    ]
    assert [each.field for each in step(checks=[plausible])(parts).checks] == [""]
