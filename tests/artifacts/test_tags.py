"""Values of the standard library and users' records come back as tagged JSON, without pickle."""

from __future__ import annotations

import datetime as dt
import enum
import math
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.artifacts.tagged import decode, encode, refuse
from solvent.errors import FormatError
from solvent.model import Identity
from tests.artifacts.sameness import assert_same

FOR_NOW = Identity("0" * 64, "builtins:object")


class Color(enum.Enum):
    RED = (1, 2)
    BLUE = "blue"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


class Pair(NamedTuple):
    a: int
    b: str = "x"


@dataclass(frozen=True, slots=True)
class Slotted:
    x: int
    y: tuple[int, ...] = ()


@dataclass
class Checked:
    """Its `__init__` would fail on the value that is stored, and has a field it never gets."""

    known: ClassVar[int] = 3
    x: int
    scale: InitVar[int] = 1
    made: list[int] = field(init=False, default_factory=list)

    def __post_init__(self, scale: int) -> None:
        if self.x < 0:
            raise ValueError("negative")
        self.x *= scale


@dataclass
class Parent:
    child: Slotted | None
    more: dict[str, Any] = field(default_factory=dict)


def negative() -> Checked:
    value = Checked(1)
    value.x = -1
    value.extra = "kept"  # type: ignore[attr-defined]
    return value


def module_level() -> None: ...


VALUES: dict[str, Any] = {
    "none": None,
    "bools": [True, False],
    "integers": [0, -1, 2**63, 10**6000, -(2**5000)],
    "floats": [0.0, -0.0, 1e308, 5e-324, math.inf, -math.inf, math.nan, 0.1],
    "strings": ["", "é", "\x00", "\ud83d\ude00", "\ud800", "a" * 10_000, '"\\\n'],
    "tagged by chance": {"$": "tuple", "v": [1]},
    "nested tags by chance": [{"$": 1}, {"a": {"$": {"$": 2}}}],
    "keys": {1: "a", (1, 2): "b", None: "c", 2.5: "d", False: "e", b"x": "f"},
    "key order": {"b": 1, "a": 2},
    "tuples": ((), (1,), [(2, [3])]),
    "sets": [{3, 1, 2}, frozenset({"a", ("b", 1)}), set()],
    "bytes": [b"", b"\x00\xff", bytearray(b"x")],
    "complex": [1 + 2j, complex(math.inf, -0.0)],
    "ranges": [range(3), range(5, 0, -2), slice(1, None, 2), ...],
    "dates": [dt.date(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999), dt.time(1, 2, 3, fold=1)],
    "zones": [
        dt.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        dt.timezone(dt.timedelta(hours=-3, seconds=7), "odd"),
        dt.timezone(dt.timedelta(0), "zero"),
        dt.time(1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    ],
    "spans": [dt.timedelta(days=-1, microseconds=1), dt.timedelta.max],
    "numbers": [Decimal("1.10"), Decimal("NaN"), Decimal("-Infinity"), Fraction(1, 3)],
    "ids": uuid.UUID(int=2**127 + 1),
    "paths": [Path("a/é.txt"), PurePosixPath("/x"), PureWindowsPath("c:\\x")],
    "containers": [
        OrderedDict([("b", 1), ("a", (2,))]),
        Counter("aab"),
        defaultdict(list, {"a": [1]}),
        defaultdict(None, {1: 2}),
        deque([1, (2,)], maxlen=5),
        SimpleNamespace(a=1, b=(2,)),
    ],
    "enums": [Color.RED, Color.BLUE, Rights.READ | Rights.WRITE, Rights(0), Level.LOW],
    "records": [Pair(1), Slotted(1, (2, 3)), Parent(Slotted(1), {"p": Pair(2, "y")})],
    "names": [int, Pair, math.sqrt, module_level, OrderedDict.fromkeys.__self__],
    "numpy scalars": [
        np.float64(1.5),
        np.float32("nan"),
        np.int8(-3),
        np.bool_(True),
        np.str_("é"),
        np.str_(""),
        np.str_("a\x00"),
        np.bytes_(b""),
    ],
    "numpy moments": [
        np.datetime64("2020-01-01"),
        np.datetime64("NaT", "ns"),
        np.timedelta64(3, "h"),
        np.complex64(1 + 2j),
    ],
    "numpy dtypes": [np.dtype("int8"), np.dtype([("a", "<i4"), ("b", "U3")])],
    "pandas scalars": [
        pd.Timestamp("2020-10-25 00:30").tz_localize("UTC").tz_convert("Europe/Berlin"),
        pd.Timestamp("0001-01-01").as_unit("s"),
        pd.Timedelta("1ns"),
        pd.Period("2020Q1", "Q"),
        pd.Interval(0, 1.5, "both"),
        pd.NA,
        pd.NaT,
    ],
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_equal_and_of_its_type(name: str, blobs: LocalBlobs) -> None:
    ref = save(VALUES[name], FOR_NOW, blobs)
    assert ref.format == "json"
    again = load(ref, blobs)
    assert_same_parts(VALUES[name], again)


def assert_same_parts(value: Any, again: Any) -> None:
    assert type(again) is type(value)
    if isinstance(value, (list, tuple)):
        assert len(value) == len(again)
        for one, other in zip(value, again, strict=True):
            assert_same_parts(one, other)
    elif isinstance(value, int):
        assert value == again
    elif isinstance(value, (set, frozenset)):
        assert again == value
    else:
        assert_same(value, again)


def test_a_record_comes_back_without_running_its_init(blobs: LocalBlobs) -> None:
    again = load(save(negative(), FOR_NOW, blobs), blobs)
    assert vars(again) == {"x": -1, "made": [], "extra": "kept"}


def test_a_dict_keeps_the_attributes_it_was_given(blobs: LocalBlobs) -> None:
    value = OrderedDict(a=1)
    value._metadata = {"version": (1, 2)}  # type: ignore[attr-defined]
    again = load(save(value, FOR_NOW, blobs), blobs)
    assert (again, vars(again)) == (value, vars(value))


def test_pydantic_models_remember_which_fields_were_set(blobs: LocalBlobs) -> None:
    pytest.importorskip("pydantic")
    from tests.artifacts.models import Model

    value = Model(a=1)
    ref = save(value, FOR_NOW, blobs)
    again = load(ref, blobs)
    assert ref.format == "json"
    assert again == value
    assert again.model_fields_set == {"a"}


def local_class() -> Any:
    @dataclass
    class Local:
        x: int

    return Local(1)


@pytest.mark.parametrize("make", [local_class, lambda: lambda: 1])
def test_what_can_not_be_imported_again_is_pickled_and_marked(make: Callable[[], Any], blobs: LocalBlobs) -> None:
    assert save(make(), FOR_NOW, blobs).pickled


class Thing:
    def __init__(self, part: Any) -> None:
        self.part = part


def test_a_list_with_more_pickled_parts_than_sense_is_pickled_whole(blobs: LocalBlobs) -> None:
    ref = save([Thing(number) for number in range(100)], FOR_NOW, blobs)
    assert (ref.format, len(ref.children)) == ("pickle", 0)
    assert "more than 64" in ref.meta["reason"]
    assert [thing.part for thing in load(ref, blobs)] == list(range(100))


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(FormatError, match="contains itself"):
        encode(value, refuse)


def test_the_path_of_what_has_no_tag_is_named() -> None:
    with pytest.raises(FormatError) as caught:
        encode({"a": [Parent(None, {"k": (1, object())})]}, refuse)
    assert caught.value.where == "value['a'][0].more['k'][1]"


def test_a_name_that_is_gone_is_named(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = save(Pair(1), FOR_NOW, blobs)
    monkeypatch.delattr(f"{__name__}.Pair")
    with pytest.raises(FormatError, match=r"Pair of module .* is needed to read this value and is gone"):
        load(ref, blobs)


def test_a_tag_of_a_newer_version_is_named() -> None:
    with pytest.raises(FormatError, match="the tag 'future' is not known"):
        decode(b'{"$":"future","v":1}')


VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.just("$"), inner)
        | st.frozensets(st.integers() | st.text())
    ),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUE)
def test_any_nesting_comes_back(value: Any) -> None:
    again = decode(encode(value, refuse))
    assert again == value
    assert_same_types(value, again)


def assert_same_types(value: Any, again: Any) -> None:
    assert type(value) is type(again)
    if isinstance(value, (list, tuple)):
        for one, other in zip(value, again, strict=True):
            assert_same_types(one, other)
    elif isinstance(value, dict):
        assert list(value) == list(again)
        for key, other in zip(value, again, strict=True):
            assert type(key) is type(other)
            assert_same_types(value[key], again[other])
