import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.config.overrides import read_value
from solvent.config.scalars import read_scalar, show


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-17", -17),
        ("+3", 3),
        ("1_000_000", 1_000_000),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-3", 0.001),
        ("2E5", 2e5),
        ("-.inf", -math.inf),
        (".inf", math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_a_bare_word_is_what_it_looks_like(text: str, value: object) -> None:
    found = read_scalar(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "y", "01234", "1.2.3", "2013-01-31", "12:30", "1e999", "nan", "inf", "-", ".", "+", "-x",
     "0x", "1_", "_1", "1e", "٣", "0b11", "--1", "1 2", "e5", "00.5"],
)  # fmt: skip
def test_what_only_looks_like_a_number_or_a_truth_is_text(text: str) -> None:
    assert read_scalar(text) == text


def test_not_a_number_is_a_number() -> None:
    value = read_scalar(".NaN")
    assert isinstance(value, float)
    assert math.isnan(value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text() | st.booleans() | st.none())
def test_what_is_shown_reads_back_as_the_same_value(value: object) -> None:
    found = read_value(show(value), "--set").value
    assert found == value or (value in (".nan", ".inf", "-.inf") and isinstance(found, float))
    assert type(found) is type(value) or isinstance(found, float)


def test_a_plain_text_is_shown_without_quotes() -> None:
    assert show("data/flights.parquet") == "data/flights.parquet"
    assert show("007") == "007"
    assert show("12") == '"12"'
    assert show("") == '""'
    assert show(" a") == '" a"'
    assert show(["a", 1]) == '["a", 1]'
