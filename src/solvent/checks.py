"""The vocabulary of `@step(checks=[...])`: what the output of a step must be like.

Each word makes a check. A missing value is a null, or NaN in a column of floats, whichever library made the table; all
checks but `not_null` leave missing values out. With `warn=True` a check that fails is told and stops nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from solvent.pipelines.checks import Check, custom_check, wrong_check

__all__ = ["Check", "between", "matches", "not_null", "one_of", "passes", "row_count", "unique"]


def not_null(*columns: str | int, warn: bool = False) -> Check:
    """Check that no value of these columns is missing; without columns, that none of the table or array is."""
    return Check("not_null", _columns("not_null", columns), warning=warn)


def unique(*columns: str | int, warn: bool = False) -> Check:
    """Check that no two rows have the same value in a column, or the same values in several together.

    Rows in which one of these is missing are left out.
    """
    if not columns:
        raise wrong_check("unique() names no column", 'write unique("id")')
    return Check("unique", _columns("unique", columns), warning=warn)


def between(column: str | int, low: Any, high: Any, *, warn: bool = False) -> Check:
    """Check that values lie between two ends, which belong to it; None leaves an end open."""
    columns = _columns("between", (column,))
    if low is None and high is None:
        raise wrong_check(f"between({column!r}, None, None) allows everything", "give one of the two ends")
    try:
        sound = (low is None or low == low) and (high is None or high == high)
        sound = sound and (low is None or high is None or bool(low <= high))
    except TypeError:
        sound = False
    if not sound or isinstance(low, bool) or isinstance(high, bool):
        raise wrong_check(
            f"between({column!r}, {low!r}, {high!r}): expected a low end and a high end that is not below it"
        )
    return Check("between", columns, (("low", low), ("high", high)), warning=warn)


def one_of(column: str | int, values: Iterable[Any], *, warn: bool = False) -> Check:
    """Check that each value is one of these."""
    columns = _columns("one_of", (column,))
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise wrong_check(
            f"one_of({column!r}, {values!r}): expected a list of values", f"one_of({column!r}, [{values!r}])"
        )
    # A set has no order of its own, and the order makes no difference.
    known = {(type(each).__name__, repr(each)): each for each in _plain(values)}
    if not known:
        raise wrong_check(f"one_of({column!r}, []) allows nothing", "give the values that are allowed")
    return Check("one_of", columns, (("values", tuple(known[name] for name in sorted(known))),), warning=warn)


def matches(column: str | int, pattern: str | re.Pattern[str], *, warn: bool = False) -> Check:
    """Check that each text matches a regular expression of Python from its beginning to its end."""
    columns = _columns("matches", (column,))
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise wrong_check(f"matches({column!r}, {pattern!r}): this is no regular expression: {error}") from None
    if not isinstance(compiled.pattern, str):
        raise wrong_check(f"matches({column!r}, {pattern!r}): expected a pattern of text, not of bytes")
    flags = compiled.flags & ~re.UNICODE
    given = (("pattern", compiled.pattern), *((("flags", int(flags)),) if flags else ()))
    return Check("matches", columns, given, warning=warn)


def row_count(*, at_least: int | None = None, at_most: int | None = None, warn: bool = False) -> Check:
    """Check the number of rows of a table or array, or the length of a list."""
    given = tuple((name, each) for name, each in (("at_least", at_least), ("at_most", at_most)) if each is not None)
    for name, each in given:
        if not isinstance(each, int) or isinstance(each, bool) or each < 0:
            raise wrong_check(f"row_count({name}={each!r}): expected a whole number, 0 or more")
    if not given:
        raise wrong_check("row_count() allows everything", "write row_count(at_least=1)")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise wrong_check(f"row_count(at_least={at_least}, at_most={at_most}) allows nothing")
    return Check("row_count", (), given, warning=warn)


def passes(check: Any, *, name: str | None = None, warn: bool = False) -> Check:
    """Make a check of your own function, or of a pandera schema, where it needs a name or is only to warn.

    The function takes the output. It gives back True or None if all is well, False or words (a text or a list of texts) if
    not, or one truth for each row. An AssertionError in it means that the check failed; another error, that it is broken.
    """
    return custom_check(check, name=name, warning=warn)


def _columns(word: str, columns: tuple[Any, ...]) -> tuple[Any, ...]:
    for each in columns:
        if not isinstance(each, (str, int)) or isinstance(each, bool):
            raise wrong_check(f"{word}({each!r}): expected the name of a column", f'write {word}("id", ...)')
    return columns


def _plain(values: Iterable[Any]) -> Iterable[Any]:
    """Give the values of a list, set, Series or array as Python's own."""
    for name in ("tolist", "to_list", "to_pylist"):
        if hasattr(values, name):
            plain: Iterable[Any] = getattr(values, name)()
            return plain
    return values
