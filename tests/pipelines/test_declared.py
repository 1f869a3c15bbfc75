from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, NamedTuple, TypeVar

import pytest

from solvent.pipelines.declared import annotations_of, class_of, element_of, fields_of, returned, unpacks

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")


class Parts(NamedTuple):
    train: list[int]
    test: int = 0


class HalfSeen(NamedTuple):
    known: int
    unseen: Decimal


@dataclass
class Scores:
    mean: float


@dataclass
class Box(Generic[T]):
    content: T


@pytest.mark.parametrize(
    ("annotation", "fields"),
    [
        (Parts, {"train": list[int], "test": int}),
        (Scores, {"mean": float}),
        (Box[int], {"content": T}),
        (tuple[int, str], {"0": int, "1": str}),
        (Annotated[Parts, "note"], {"train": list[int], "test": int}),
        (Annotated[tuple[int, str], "note"], {"0": int, "1": str}),
        (tuple[int, ...], None),
        (tuple, None),
        (tuple[()], None),
        (list[int], None),
        (Parts | None, None),
        (int, None),
        (Any, None),
        (None, None),
    ],
)
def test_only_declared_types_have_fields(annotation: Any, fields: Any) -> None:
    assert fields_of(annotation) == fields


def test_a_field_that_only_checkers_know_has_no_type() -> None:
    assert fields_of(HalfSeen) == {"known": int, "unseen": None}


def test_tuples_unpack_and_dataclasses_do_not() -> None:
    assert unpacks(Parts)
    assert unpacks(tuple[int, str])
    assert not unpacks(Scores)
    assert not unpacks(tuple[int, ...])
    assert not unpacks(list[int])


def test_the_class_of_an_annotation() -> None:
    assert class_of(Annotated[list[int], 1]) is list
    assert class_of(tuple[int, str]) is tuple
    assert class_of(int | None) is None
    assert class_of(Any) is not list


def test_the_type_of_elements() -> None:
    assert element_of(list[Parts]) is Parts
    assert element_of(tuple[int, ...]) is int
    assert element_of(Sequence[str]) is str
    assert element_of(dict[str, int]) is None
    assert element_of(list) is None


def test_each_annotation_is_resolved_on_its_own() -> None:
    def function(seen: int, unseen: Decimal) -> Parts: ...

    assert returned(function) is Parts
    assert annotations_of(function) == {"seen": int, "unseen": None, "return": Parts}


def test_what_can_not_be_resolved_is_none() -> None:
    def function() -> Decimal: ...

    def bare(x): ...  # type: ignore[no-untyped-def]

    assert returned(function) is None
    assert returned(bare) is None
