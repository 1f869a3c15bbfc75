"""What came of a check: how many rows of which column fail it, and the first of them.

Nothing here looks at rows one by one: columns are compared whole, in Arrow and NumPy. Of 1,000,000 rows a check takes
milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from solvent.config.masking import masked
from solvent.model import CheckResult
from solvent.pipelines.checks import Check, is_schema
from solvent.pipelines.places import raising_line
from solvent.profiles.checked_columns import Column, Unfit, find_column, is_tabular, names_of, truths

PASSED, WARNED, FAILED, BROKEN = "passed", "warned", "failed", "broken"

TOLD, KEPT, PROBLEMS = 3, 10, 20
"""How many bad rows a message names and a record keeps, and how many problems of one check are told."""

HIDDEN = "***"


class Problem(NamedTuple):
    """What is wrong: in words, and as data for the record."""

    text: str
    facts: dict[str, Any]


class Checked(NamedTuple):
    """The result of a check, and the error of one that is broken."""

    result: CheckResult
    error: Exception | None = None


def evaluate(check: Check, value: Any, *, sensitive: Collection[str] = ()) -> Checked:
    """Hold a value against a check. Columns whose names match one of `sensitive` (as in a shell) tell no values."""
    try:
        problems = _EVALUATE[check.kind](check, value, sensitive)
    except Exception as error:
        line = raising_line(error)
        message = masked(f"it raised {type(error).__name__}: {error}" + (f" ({line})" if line else ""))
        return Checked(CheckResult(check.field, str(check), BROKEN, message), error)
    if not problems:
        return Checked(CheckResult(check.field, masked(str(check)), PASSED, ""))
    more = f"; and {len(problems) - PROBLEMS} more" if len(problems) > PROBLEMS else ""
    message = masked("; ".join(each.text for each in problems[:PROBLEMS]) + more)
    detail = masked(json.dumps({"problems": [each.facts for each in problems[:PROBLEMS]]}, ensure_ascii=False))
    status = WARNED if check.warning else FAILED
    return Checked(CheckResult(check.field, masked(str(check)), status, message, detail))


def _words(text: str) -> Problem:
    return Problem(text, {"message": text})


# The words of the vocabulary


def _by_column(look: Callable[[Check, Column], tuple[str, Any]]) -> Callable[..., list[Problem]]:
    """Make a check of several columns from one of a single column, which gives what is wrong and where."""

    def evaluate(check: Check, value: Any, sensitive: Collection[str]) -> list[Problem]:
        _expect_table(value)
        names = check.columns or names_of(value)
        prefixed = len(names) > 1 or not check.columns
        found = []
        for name in names:
            problem = _look(check, value, name, look, sensitive)
            if problem is not None:
                found.append(problem._replace(text=f"{name}: {problem.text}") if prefixed else problem)
        return found

    return evaluate


def _look(check: Check, value: Any, name: Any, look: Any, sensitive: Collection[str]) -> Problem | None:
    try:
        column = find_column(value, name)
        what, bad = look(check, column)
    except Unfit as unfit:
        return Problem(str(unfit), {"column": str(name), "message": str(unfit)})
    return _describe(what, bad, [column], sensitive)


def _describe(what: str, bad: Any, columns: Sequence[Column], sensitive: Collection[str]) -> Problem | None:
    """Say how many rows are bad, and show the first; None if there is none."""
    import numpy as np

    count = int(np.count_nonzero(bad))
    if not count:
        return None
    rows = [int(row) for row in np.flatnonzero(bad)[:KEPT]]
    tells = columns and what != MISSING
    first = [[row, _values(columns, row, sensitive) if tells else None] for row in rows]
    shown = ", ".join(f"row {row}" + ("" if text is None else f": {text}") for row, text in first[:TOLD])
    shown += ", ..." if count > TOLD else ""
    facts = {"column": ", ".join(str(each.name) for each in columns), "bad": count, "rows": len(bad), "first": first}
    return Problem(f"{count:,} of {len(bad):,} rows {what} ({shown})", facts)


def _values(columns: Sequence[Column], row: int, sensitive: Collection[str]) -> str:
    return ", ".join(HIDDEN if _is_sensitive(each.name, sensitive) else each.value_at(row) for each in columns)


def _is_sensitive(name: Any, patterns: Collection[str]) -> bool:
    text = str(name)
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _expect_table(value: Any) -> None:
    if not is_tabular(value):
        raise TypeError(f"it looks at columns of tables and arrays, and the output is a {type(value).__name__}")


MISSING = "have no value"


def _not_null(check: Check, column: Column) -> tuple[str, Any]:
    return MISSING, column.missing()


def _between(check: Check, column: Column) -> tuple[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values: Any = column.arrow()
    compute: Any = pc
    low, high = check.parameters["low"], check.parameters["high"]
    try:
        outside = []
        if low is not None:
            outside.append(compute.less(values, _bound(low, values.type, up=True)))
        if high is not None:
            outside.append(compute.greater(values, _bound(high, values.type, up=False)))
        bad = outside[0] if len(outside) == 1 else compute.or_(*outside)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise Unfit(
            f"values of type {column.type} can't be compared with {low if low is not None else high!r}"
        ) from None
    return "lie outside", truths(bad)


def _bound(bound: Any, kind: Any, *, up: bool) -> Any:
    """Give an end of a range as a scalar that compares exactly with a column."""
    import math
    from decimal import Decimal

    import pyarrow as pa

    if pa.types.is_boolean(kind):
        raise TypeError("truths have no order")
    number = _number(bound)
    if number is None:
        return pa.scalar(bound, type=kind) if pa.types.is_temporal(kind) else pa.scalar(bound)
    if pa.types.is_integer(kind):
        if isinstance(number, float) and math.isinf(number):
            return pa.scalar(Decimal(math.copysign(10**30, number)))
        # Decimals hold each integer of 64 bits and whatever people write; floats do not.
        whole = math.ceil(number) if up else math.floor(number)
        return pa.scalar(whole, type=kind) if _fits(whole, kind) else pa.scalar(Decimal(whole))
    if pa.types.is_floating(kind):
        return pa.scalar(float(number))
    if pa.types.is_decimal(kind):
        return pa.scalar(number if isinstance(number, Decimal) else Decimal(repr(number)))
    raise TypeError("a number for what is no number")


def _number(bound: Any) -> Any:
    from decimal import Decimal

    if hasattr(bound, "item") and type(bound).__module__ == "numpy":
        bound = bound.item()
    return bound if isinstance(bound, int | float | Decimal) else None


def _fits(number: int, kind: Any) -> bool:
    import pyarrow as pa

    signed = pa.types.is_signed_integer(kind)
    half = 1 << (int(kind.bit_width) - 1)
    return -half <= number < half if signed else 0 <= number < 2 * half


def _one_of(check: Check, column: Column) -> tuple[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values: Any = column.arrow()
    compute: Any = pc
    kind = values.type
    known = [each for each in (_scalar(value, kind) for value in check.parameters["values"]) if each is not None]
    missing = compute.is_null(values, nan_is_null=True)
    try:
        inside = compute.is_in(values, value_set=pa.array(known, type=kind))
    except (pa.ArrowException, TypeError):
        raise Unfit(f"values of type {column.type} can't be compared") from None
    return "hold another value", ~truths(compute.or_(inside, missing))


def _scalar(value: Any, kind: Any) -> Any:
    """Give a value as one of a column's type, or None if it can't be one: then it is equal to none of them."""
    import pyarrow as pa

    if hasattr(value, "item") and type(value).__module__ == "numpy":
        value = value.item()
    if isinstance(value, bool) != pa.types.is_boolean(kind):
        return None
    if isinstance(value, float) and pa.types.is_integer(kind):
        if not value.is_integer():
            return None
        value = int(value)
    try:
        return pa.scalar(value, type=kind).as_py()
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None


def _matches(check: Check, column: Column) -> tuple[str, Any]:
    import pyarrow as pa

    from solvent.profiles.patterns import unmatched

    values = column.arrow()
    if pa.types.is_null(values.type):
        return "do not match", column.missing() & False
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise Unfit(f"values of type {column.type} are no text")
    return "do not match", unmatched(values, check.parameters["pattern"], check.parameters.get("flags", 0))


def _unique(check: Check, value: Any, sensitive: Collection[str]) -> list[Problem]:
    from solvent.profiles.repeats import repeated

    _expect_table(value)
    columns, unfit = [], []
    for name in check.columns:
        try:
            columns.append(find_column(value, name))
        except Unfit as error:
            unfit.append(Problem(str(error), {"column": str(name), "message": str(error)}))
    if unfit:
        return unfit
    try:
        bad = repeated(columns)
    except Unfit as error:
        return [_words(str(error))]
    problem = _describe("repeat an earlier one", bad, columns, sensitive)
    return [problem] if problem is not None else []


def _row_count(check: Check, value: Any, sensitive: Collection[str]) -> list[Problem]:
    count = _rows(value)
    least, most = check.parameters.get("at_least"), check.parameters.get("at_most")
    if least is not None and count < least:
        return [_counted(f"it has {count:,} rows, {least - count:,} too few", count)]
    if most is not None and count > most:
        return [_counted(f"it has {count:,} rows, {count - most:,} too many", count)]
    return []


def _rows(value: Any) -> int:
    rows = getattr(value, "num_rows", None)
    return int(rows) if isinstance(rows, int) else len(value)


def _counted(text: str, count: int) -> Problem:
    return Problem(text, {"message": text, "rows": count})


# Functions and schemas of the user


def _passes(check: Check, value: Any, sensitive: Collection[str]) -> list[Problem]:
    if is_schema(check.function):
        from solvent.profiles.pandera import validate

        return [_schema_problem(sensitive, *each) for each in validate(check.function, value)]
    try:
        found = check.function(value)
    except AssertionError as error:
        return [_words(str(error) or "an assertion does not hold")]
    return _judge(found, value, sensitive)


def _schema_problem(
    sensitive: Collection[str], column: str | None, expected: str, count: int, first: list[tuple[Any, str]]
) -> Problem:
    hidden = column is not None and _is_sensitive(column, sensitive)
    shown = [[row, HIDDEN if hidden else text] for row, text in first]
    cases = ", ".join(text if row is None else f"row {row}: {text}" for row, text in shown[:TOLD])
    told = f"{column}: {expected}" if column is not None else expected
    text = f"{told}: {count:,} {'case' if count == 1 else 'cases'} ({cases}{', ...' if count > TOLD else ''})"
    return Problem(text, {"column": column, "message": expected, "bad": count, "first": shown[:KEPT]})


def _judge(found: Any, value: Any, sensitive: Collection[str]) -> list[Problem]:
    """Make problems of what a function of the user gave back."""
    if found is None or _is_truth(found):
        return [] if found is None or bool(found) else [_words("it gave False")]
    if isinstance(found, str):
        return [_words(found)] if found.strip() else []
    if isinstance(found, list | tuple) and all(isinstance(each, str) for each in found):
        return [_words(each) for each in found]
    bad = _bad_rows(found)
    if bad is None:
        raise TypeError(
            f"it gave a {type(found).__name__}; give True, False, words, a list of words, or a truth for each row"
        )
    problem = _describe("fail", bad, [], sensitive)
    return [problem] if problem is not None else []


def _is_truth(found: Any) -> bool:
    return isinstance(found, bool) or (type(found).__module__ == "numpy" and type(found).__name__ in ("bool", "bool_"))


def _bad_rows(found: Any) -> Any:
    """Give the rows for which a column of truths says no; what it does not know is no failure. None if it is none."""
    import pyarrow as pa

    if not is_tabular(found) or len(names_of(found)) != 1:
        return None
    values = find_column(found, names_of(found)[0]).arrow()
    return ~truths(values.fill_null(True)) if pa.types.is_boolean(values.type) else None


_EVALUATE: dict[str, Callable[[Check, Any, Collection[str]], list[Problem]]] = {
    "not_null": _by_column(_not_null),
    "unique": _unique,
    "between": _by_column(_between),
    "one_of": _by_column(_one_of),
    "matches": _by_column(_matches),
    "row_count": _row_count,
    "passes": _passes,
}
