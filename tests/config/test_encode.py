import json
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from solvent.config.encode import sources_of, to_json
from solvent.config.layers import from_code, merge_all
from solvent.config.overrides import read_set
from solvent.config.secrets import Secret
from solvent.errors import ConfigError


class Color(Enum):
    RED = "red"


class Number(int, Enum):
    ONE = 1


class Access(Flag):
    READ = 1
    WRITE = 2


class Span(NamedTuple):
    low: int
    high: int


@dataclass
class Model:
    path: Path = Path("a") / "b"
    span: Span = Span(1, 2)  # noqa: RUF009 - immutable
    made: int = field(default=3, init=False)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2.5, 2.5),
        (math.nan, ".nan"),
        (-math.inf, "-.inf"),
        ("x", "x"),
        (Color.RED, "RED"),
        (Number.ONE, "ONE"),
        (Access.READ | Access.WRITE, 3),
        (Path("a") / "b", "a/b"),
        (date(2013, 1, 31), "2013-01-31"),
        (Decimal("1.10"), "1.10"),
        (Secret("env:TOKEN"), "env:TOKEN"),
        ((1, 2), [1, 2]),
        (range(3), [0, 1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({1: "a", Color.RED: "b", (1, 2): "c"}, {"1": "a", "RED": "b", "[1, 2]": "c"}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (Span(1, 2), {"low": 1, "high": 2}),
        (Model(), {"path": "a/b", "span": {"low": 1, "high": 2}}),
        (math.sqrt, "math:sqrt"),
        (OrderedDict, "collections:OrderedDict"),
    ],
)
def test_a_config_is_written_as_json(value: object, form: object) -> None:
    found = to_json(value)
    assert found == form
    assert type(found) is type(form)
    assert json.loads(json.dumps(found, allow_nan=False)) == form


def test_numbers_and_texts_of_other_libraries_are_written_as_plain_ones() -> None:
    class Text(str):
        pass

    assert type(to_json(Text("x"))) is str


def test_an_object_that_can_not_be_written_is_named_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"`models\.a\.0`: a builtins\.object can't be recorded"):
        to_json({"models": {"a": [object()]}})


def sources(form: Any, *layers: Any) -> dict[str, str]:
    return sources_of(
        form, merge_all([each if not isinstance(each, dict) else from_code(each, "low") for each in layers])
    )


def test_each_value_has_the_source_of_its_topmost_layer() -> None:
    form = {"a": 1, "b": {"c": 2, "d": 3}, "e": 4}
    assert sources(form, {"a": 1, "b": {"c": 0}}, read_set("b.c=2")) == {
        "a": "low",
        "b.c": "--set",
        "b.d": "default",
        "e": "default",
    }


def test_a_list_of_one_source_is_one_value() -> None:
    assert sources({"x": [1, 2]}, {"x": [1, 2]}) == {"x": "low"}
    assert sources({"x": [1, 2]}) == {"x": "default"}


def test_a_list_of_two_sources_is_told_element_by_element() -> None:
    assert sources({"x": [1, 2]}, {"x": [1, 3]}, read_set("x.1=2")) == {"x.0": "low", "x.1": "--set"}
    assert sources({"x": [1, 2]}, read_set("x.1=2")) == {"x.0": "default", "x.1": "--set"}


def test_an_empty_mapping_has_a_source() -> None:
    assert sources({"x": {}, "y": {}}, {"x": {}}) == {"x": "low", "y": "default"}
