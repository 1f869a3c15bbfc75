import dataclasses
import sys
import typing
from inspect import Parameter
from typing import Annotated, Any, Final, Generic, NamedTuple, NewType, TypeVar

import pytest

from solvent.config.fields import fields_of, fields_of_signature, is_record, unwrap
from solvent.config.layers import from_code
from solvent.config.schema import build

T = TypeVar("T")


@dataclasses.dataclass
class Parent:
    a: int
    b: "list[Parent]" = dataclasses.field(default_factory=list)
    shared: typing.ClassVar[int] = 3


@dataclasses.dataclass
class Child(Parent):
    c: Annotated[int, "days"] = 4


class Pair(NamedTuple):
    x: int
    y: "float" = 2.0


@dataclasses.dataclass
class Box(Generic[T]):
    held: T


def test_fields_are_those_of_the_constructor_in_order() -> None:
    fields = fields_of(Child)
    assert list(fields) == ["a", "b", "c"]
    assert fields["a"] == (int, None)
    assert fields["b"].annotation == list[Parent]
    assert fields["b"].make is not None
    assert fields["b"].make() == []
    assert (fields["c"].annotation, fields["c"].make and fields["c"].make()) == (int, 4)


def test_a_named_tuple_has_fields_too() -> None:
    fields = fields_of(Pair)
    assert (fields["x"], fields["y"].annotation) == ((int, None), float)
    assert fields["y"].make is not None
    assert fields["y"].make() == 2.0


def test_parameters_without_a_type_or_a_default_are_known_by_their_marks() -> None:
    fields = fields_of_signature({"a": (Parameter.empty, Parameter.empty), "b": (None, 3), "c": (int, None)})
    assert fields["a"] == (Any, None)
    assert fields["b"].annotation is Any
    assert fields["c"].make is not None
    assert fields["c"].make() is None


def test_records_are_dataclasses_and_named_tuples() -> None:
    assert [is_record(each) for each in (Parent, Pair, tuple, int, Parent(1), None)] == [True, True] + [False] * 4


def test_what_does_not_change_the_values_is_taken_off() -> None:
    assert unwrap(Annotated[NewType("Days", int), "x"]) is int
    assert unwrap(Final[int]) is int
    assert unwrap(T) is Any
    assert unwrap("dict[str, int]") == dict[str, int]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type statements are new in Python 3.12")
def test_a_type_statement_is_followed() -> None:
    namespace: dict[str, Any] = {}
    exec("type Days = int", namespace)
    assert unwrap(namespace["Days"]) is int


def test_a_generic_dataclass_holds_anything() -> None:
    assert build(Box[int], from_code({"held": "x"}, "code"), ()) == Box("x")
