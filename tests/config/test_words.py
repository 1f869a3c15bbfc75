from enum import Enum
from typing import Any, Literal, Optional

import pytest

from solvent.config.layers import from_code
from solvent.config.secrets import Secret
from solvent.config.words import found_text, mentions_secret, type_text, unknown_key, wrong_type


class Color(Enum):
    RED = 1


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (int | None, "int | null"),
        (Optional[Literal["a", 1]], "one of 'a', 1 | null"),  # noqa: UP045
        (dict[str, tuple[int, ...]], "dict[str, tuple[int, ...]]"),
        (Color, "one of RED"),
        (Any, "Any"),
    ],
)
def test_a_type_is_named_as_it_is_written(annotation: Any, text: str) -> None:
    assert type_text(annotation) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
        ([1, 2], "a list of 2"),
        (None, "None"),
        (True, "true"),
        (1.5, "1.5 (float)"),
        ("x" * 100, "'" + "x" * 56 + "... (str)"),
    ],
)
def test_what_was_found_is_named_short(value: Any, text: str) -> None:
    assert found_text(from_code(value, "argument")) == text


def test_a_secret_is_found_anywhere_in_a_type() -> None:
    assert mentions_secret(dict[str, list[Secret | None]])
    assert not mentions_secret(dict[str, int])
    assert "hunter2" not in str(wrong_type(Secret | int, from_code("hunter2", "--set"), ("x",)))


def test_a_long_list_of_keys_is_cut() -> None:
    known = [f"k{n}" for n in range(20)]
    hint = unknown_key("x", known, from_code(1, "--set"), (), "Config").hint
    assert hint == f"Config has: {', '.join(known[:12])}, ..."
