"""What checks find, in the tables of every library alike: how many rows, which, and what is in them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.checks import Check, between, matches, not_null, one_of, passes, row_count, unique
from solvent.model import CheckResult
from solvent.profiles.checks import evaluate
from solvent.profiles.patterns import _PLAIN, unmatched

HERE = Path(__file__).name

ROWS: dict[str, list[Any]] = {
    "id": [1, 2, 2, 3, None, None],
    "delay": [-75.0, 0.5, None, 2000.0, 2000.5, 1.0],
    "carrier": ["AA", "UA", None, "AA", "ZZ", "DL"],
    "tail": ["N1", "x", "N2\n", None, "N_3", ""],
    "day": [dt.date(2013, 1, day) for day in (1, 2, 3, 4, 5, 6)],
    "good": [True, False, None, True, True, True],
}
TYPES = {"id": pa.int64(), "delay": pa.float64(), "day": pa.date32()}
ARROW = pa.table({name: pa.array(values, type=TYPES.get(name)) for name, values in ROWS.items()})
TABLES: dict[str, Callable[[pa.Table], Any]] = {
    "arrow": lambda table: table,
    "chunks": lambda table: pa.concat_tables([table[:2], table[2:2], table[2:]]),
    "batch": lambda table: pa.record_batch([table[name].combine_chunks() for name in ROWS], list(ROWS)),
    "polars": pl.from_arrow,
    "pandas": lambda table: table.to_pandas(),
    "nullable": lambda table: table.to_pandas().convert_dtypes(),
    "pandas of arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "categories": lambda table: table.to_pandas().astype({"carrier": "category", "tail": "category"}),
    "dictionaries": lambda table: table.set_column(2, "carrier", table["carrier"].dictionary_encode()),
}


def come_of(check: Check, value: Any, **options: Any) -> CheckResult:
    return evaluate(check, value, **options).result


@pytest.mark.parametrize("library", TABLES)
@pytest.mark.parametrize(
    ("check", "bad", "rows"),
    [
        (not_null("id"), 2, [4, 5]),
        (not_null("delay"), 1, [2]),
        (not_null("tail", "day"), 1, [3]),
        (not_null("day"), 0, []),
        (unique("id"), 1, [2]),
        (unique("day"), 0, []),
        (unique("carrier"), 1, [3]),
        (unique("id", "carrier"), 0, []),
        (between("delay", -60, 2000), 2, [0, 4]),
        (between("delay", None, 2000), 1, [4]),
        (between("id", 2, None), 1, [0]),
        (between("id", 1.5, 2**70), 1, [0]),
        (between("day", dt.date(2013, 1, 2), dt.date(2013, 1, 5)), 2, [0, 5]),
        (between("carrier", "AA", "UA"), 1, [4]),
        (one_of("carrier", ["AA", "UA", "DL"]), 1, [4]),
        (one_of("id", [1, 2, 3.0]), 0, []),
        (one_of("delay", [0.5, 1, 2000]), 2, [0, 4]),
        (one_of("good", [True]), 1, [1]),
        (matches("tail", r"N\w+"), 3, [1, 2, 5]),
        (matches("carrier", r"(?!Z).*"), 1, [4]),
        (row_count(at_least=6, at_most=6), 0, []),
    ],
    ids=lambda given: str(given),
)
def test_a_check_finds_the_same_in_every_table(library: str, check: Check, bad: int, rows: list[int]) -> None:
    result = come_of(check, TABLES[library](ARROW))
    assert result.status == ("failed" if bad else "passed"), result.message
    problems = json.loads(result.detail).get("problems", [])
    assert [row for each in problems for row, _ in each["first"]] == rows
    assert [each["bad"] for each in problems] == ([bad] if bad else [])


def test_a_message_names_the_rows_and_shows_what_is_in_them() -> None:
    assert (
        come_of(between("delay", -60, 2000), ARROW).message == "2 of 6 rows lie outside (row 0: -75.0, row 4: 2000.5)"
    )
    assert come_of(not_null("id", "tail"), ARROW).message == (
        "id: 2 of 6 rows have no value (row 4, row 5); tail: 1 of 6 rows have no value (row 3)"
    )
    assert come_of(one_of("tail", ["N1"]), ARROW).message == (
        "4 of 6 rows hold another value (row 1: 'x', row 2: 'N2\\n', row 4: 'N_3', ...)"
    )
    assert come_of(unique("a"), pd.DataFrame({"a": np.zeros(5000)})).message == (
        "4,999 of 5,000 rows repeat an earlier one (row 1: 0.0, row 2: 0.0, row 3: 0.0, ...)"
    )
    assert come_of(row_count(at_least=9), ARROW).message == "it has 6 rows, 3 too few"
    assert come_of(row_count(at_most=5), [1] * 6).message == "it has 6 rows, 1 too many"


def test_values_of_sensitive_columns_are_not_told() -> None:
    result = come_of(one_of("tail", ["N1"]), ARROW, sensitive=["ta*"])
    assert "row 1: ***" in result.message
    assert "N_3" not in str(result)
    assert "'UA'" in come_of(one_of("carrier", ["AA"]), ARROW, sensitive=["ta*"]).message
    assert (
        "row 2: 2, ***"
        in come_of(unique("id", "good"), pd.DataFrame({"id": [1, 2, 2], "good": 1}), sensitive=["good"]).message
    )


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (not_null("dela"), "there is no column 'dela'; did you mean 'delay'?"),
        (unique("id", "tial"), "there is no column 'tial'; did you mean 'tail'?"),
        (between("carrier", 1, 2), "can't be compared with 1"),
        (between("good", 0, 1), "can't be compared with 0"),
        (between("delay", "a", "b"), "can't be compared with 'a'"),
        (matches("id", "1"), "are no text"),
    ],
)
def test_a_column_that_is_not_there_or_of_another_type_fails_the_check(check: Check, words: str) -> None:
    for library in ("arrow", "polars", "pandas"):
        result = come_of(check, TABLES[library](ARROW))
        assert result.status == "failed"
        assert words in result.message


def test_a_check_of_columns_is_broken_on_what_has_none() -> None:
    found = evaluate(not_null("a"), {"a": 1})
    assert found.result.status == "broken"
    assert "the output is a dict" in found.result.message


def test_arrays_have_columns_by_number_and_series_one() -> None:
    array = np.array([[1.0, 2], [np.nan, 5]])
    assert come_of(not_null(), array).message == "0: 1 of 2 rows have no value (row 1)"
    assert come_of(between(1, 0, 3), array).message == "1 of 2 rows lie outside (row 1: 5.0)"
    assert come_of(between(0, 0, 3), np.array([1, 4])).status == "failed"
    assert come_of(unique("a"), np.array([(1, 2), (1, 3)], dtype=[("a", int), ("b", int)])).status == "failed"
    for series in (pd.Series([1, 4], name="x"), pl.Series("x", [1, 4])):
        assert come_of(between("x", 0, 3), series).message == "1 of 2 rows lie outside (row 1: 4)"
        assert come_of(between(0, 0, 3), series).status == "failed"
    assert come_of(between(0, 0, 3), pa.chunked_array([[1], [4]])).status == "failed"
    assert come_of(not_null(0), np.array(["2013-01-01", "NaT"], dtype="M8[D]")).status == "failed"


def test_a_level_of_the_index_is_a_column() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 7], name="id"))
    assert come_of(unique("id"), frame).message == "1 of 2 rows repeat an earlier one (row 1: 7)"


def test_numbers_compare_exactly() -> None:
    large = pa.table({"a": pa.array([2**53 + 1, 2**63 - 1]), "b": pa.array([2**64 - 1, 0], type=pa.uint64())})
    assert come_of(between("a", None, 2**53), large).status == "failed"
    assert come_of(between("a", 2**53 + 1, 2**63 - 1), large).status == "passed"
    assert come_of(between("b", -1, 2**64 - 1), large).status == "passed"
    assert come_of(between("b", -1.5, 2**64 - 2), large).status == "failed"
    money = pa.table({"m": pa.array([Decimal("0.10"), Decimal("9.99")])})
    assert come_of(between("m", 0.1, 9.99), money).status == "passed"
    assert come_of(between("m", Decimal("0.11"), 9), money).message.startswith("2 of 2")
    infinite = pa.table({"f": [float("inf"), 1.0, -0.0, 0.0]})
    assert come_of(between("f", 0, float("inf")), infinite).status == "passed"
    assert come_of(between("a", float("-inf"), float("inf")), large).status == "passed"
    assert come_of(unique("f"), infinite).message == "1 of 4 rows repeat an earlier one (row 3: 0.0)"


def test_values_of_mixed_types_fail_and_stop_nothing_else() -> None:
    frame = pd.DataFrame({"a": pd.Series([1, "x", None], dtype=object)})
    assert "can't be looked at in one way" in come_of(between("a", 0, 1), frame).message
    assert come_of(not_null("a"), frame).message == "1 of 3 rows have no value (row 2)"
    lists = pa.table({"a": [[1], [1]]})
    assert "can't be compared with each other" in come_of(unique("a"), lists).message


def test_an_empty_table_passes_what_speaks_of_rows() -> None:
    for make in TABLES.values():
        empty = make(ARROW[:0])
        for check in (not_null(), unique("id"), between("delay", 0, 1), one_of("carrier", ["x"]), matches("tail", "x")):
            result = come_of(check, empty)
            assert result.status == "passed", (check, result.message)
        assert come_of(row_count(at_least=1), empty).status == "failed"


def stumble(output: Any) -> bool:
    raise ZeroDivisionError("nought")


def insist(output: Any) -> None:
    assert len(output) > 9, "it is short"


@pytest.mark.parametrize(
    ("function", "status", "message"),
    [
        (lambda frame: True, "passed", ""),
        (lambda frame: None, "passed", ""),
        (lambda frame: [], "passed", ""),
        (lambda frame: np.True_, "passed", ""),
        (lambda frame: frame.id > 0, "passed", ""),
        (lambda frame: False, "failed", "it gave False"),
        (lambda frame: "too long", "failed", "too long"),
        (lambda frame: ["a", "b"], "failed", "a; b"),
        (lambda frame: frame.id > 1, "failed", "1 of 6 rows fail (row 0)"),
        (insist, "failed", "it is short"),
        (stumble, "broken", f"it raised ZeroDivisionError: nought ({HERE}:{stumble.__code__.co_firstlineno + 1})"),
        (lambda frame: 3, "broken", "it raised TypeError: it gave a int"),
        (lambda frame: frame, "broken", "it raised TypeError: it gave a DataFrame"),
    ],
)
def test_what_a_function_gives_back_is_the_verdict(function: Any, status: str, message: str) -> None:
    found = evaluate(passes(function), ARROW.to_pandas().convert_dtypes())
    assert found.result.status == status
    assert (
        found.result.message.replace(f"{Path(__file__).parent}/", "").replace("tests/profiles/", "").startswith(message)
    )
    assert (found.error is not None) == (status == "broken")


def test_a_check_that_is_to_warn_warns() -> None:
    assert come_of(not_null("id", warn=True), ARROW).status == "warned"


ATOMS = [
    "a",
    "N",
    "0",
    "-",
    " ",
    ".",
    r"\d",
    r"\w",
    r"\.",
    "[ab]",
    "[^a]",
    "[a-c0-2]",
    r"[\w-]",
    "[]a]",
    "(a|N)",
    "(a|)",
]
PIECES = st.tuples(st.sampled_from(ATOMS), st.sampled_from(["", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "??"]))
PATTERNS = st.lists(st.lists(PIECES.map("".join), max_size=3).map("".join), min_size=1, max_size=2).map("|".join)


@given(PATTERNS, st.lists(st.none() | st.text("aNbc01-_ .]\n\r\té٣", max_size=4), max_size=8))
def test_a_pattern_means_what_it_means_in_python(pattern: str, texts: list[str | None]) -> None:
    assert _PLAIN.fullmatch(pattern)
    bad = unmatched(pa.array(texts, type=pa.string()), pattern)
    assert bad.tolist() == [text is not None and re.fullmatch(pattern, text) is None for text in texts]


@pytest.mark.parametrize("pattern", [r"a$", r"^a", r"\bA", r"(?i)a", r"a++", r"a{,2}", r"\s", r"(a)\1"])
def test_a_pattern_that_engines_read_differently_is_left_to_python(pattern: str) -> None:
    assert not _PLAIN.fullmatch(pattern)
    bad = unmatched(pa.array(["a", "A", "aa", " ", None]), pattern)
    assert bad.tolist() == [
        text is not None and re.fullmatch(pattern, text) is None for text in ("a", "A", "aa", " ", None)
    ]
