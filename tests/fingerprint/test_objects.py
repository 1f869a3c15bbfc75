"""Objects count by class and state, functions by name; what can't be told is refused with the way to it."""

from __future__ import annotations

import asyncio
import collections
import copy
import dataclasses
import datetime as dt
import enum
import functools
import io
import logging
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import types
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from solvent.errors import IdentityError
from solvent.fingerprint.values import identify
from solvent.pipelines.files import File, Folder
from solvent.pipelines.step import step


class Holder:
    def __init__(self, **held: Any) -> None:
        self.__dict__.update(held)


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a: Any) -> None:
        self.a = a


class Both(Slotted):
    def __init__(self, a: Any, b: Any) -> None:
        super().__init__(a)
        self.b = b


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Flags(enum.Flag):
    A = 1
    B = 2


class Text(str):
    pass


class Items(list):  # type: ignore[type-arg]
    pass


@dataclasses.dataclass
class Record:
    a: int
    b: list[int] = dataclasses.field(default_factory=list)

    @functools.cached_property
    def c(self) -> int:
        return self.a + 1


@step
def double(x: int) -> int:
    return 2 * x


def helper() -> None: ...


def maker() -> Any:
    def inner() -> None: ...

    return inner


PAIRS: list[tuple[Any, Any]] = [
    (Holder(a=1), Holder(a=2)),
    (Slotted(1), Slotted(2)),
    (Both(1, 2), Both(2, 2)),
    (Both(1, 2), Both(1, 3)),
    (Level.LOW, Level.HIGH),
    (Flags.A | Flags.B, Flags.A),
    (Text("a"), "a"),
    (Items([1]), [1]),
    (Record(1), Record(1, [2])),
    (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
    (collections.defaultdict(list), collections.defaultdict(set)),
    (collections.deque([1], 3), collections.deque([1], 4)),
    (functools.partial(max, 1), functools.partial(max, 2)),
    (functools.partial(max, key=len), functools.partial(max, key=abs)),
    (re.compile("a"), re.compile("a", re.IGNORECASE)),
    (dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, fold=1)),
    (dt.datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")), dt.datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Paris"))),
    (ValueError("a"), ValueError("b")),
    (list[int], list[str]),
    (int | None, str | None),
    (UUID(int=1), UUID(int=2)),
    (Path("a/b"), Path("a/c")),
    (Path("a"), PurePosixPath("a")),
    (Path("a"), "a"),
    (range(3), range(4)),
    (slice(1), slice(2)),
    (int, float),
    (max, min),
    (helper, maker),
    ("a".upper, "b".upper),
    (re, io),
    (io.BytesIO(b"a"), io.BytesIO(b"b")),
    (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2)),
    (types.MappingProxyType({"a": 1}), types.MappingProxyType({"a": 2})),
]


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_each_differs_from_the_other_and_is_as_its_copy(number: int) -> None:
    one, other = PAIRS[number]
    assert identify(one)[:2] != identify(other)[:2]
    if not isinstance(one, types.ModuleType | types.MappingProxyType):
        assert identify(copy.deepcopy(one)) == identify(one)


def test_equal_things_that_are_made_in_another_way_are_equal() -> None:
    assert identify(collections.defaultdict(list, a=1, b=2)) == identify(collections.defaultdict(list, b=2, a=1))
    assert identify(collections.Counter("abca")) == identify(collections.Counter("caab"))
    assert identify(Flags.A | Flags.B) == identify(Flags.B | Flags.A)
    assert identify(range(0, 3, 2)) == identify(range(0, 4, 2))
    assert identify(Path("a//b/")) == identify(Path("a/b"))
    assert identify([[1]] * 2) == identify([[1], [1]])


def test_what_a_cached_property_left_behind_is_no_change() -> None:
    record = Record(1)
    before = identify(record)
    assert record.c == 2
    assert identify(record) == before
    record.more = 1  # type: ignore[attr-defined]
    assert identify(record) != before


def test_classes_and_functions_of_the_user_are_noted() -> None:
    found = identify({"a": [Holder(x=Level.LOW)], "f": helper, "c": Record, "s": double}).classes
    assert {name.rpartition(":")[2] for name in found} == {"Holder", "Level", "helper", "Record", "double"}
    assert identify([Path("a"), dt.date(2024, 1, 1), re.compile("a")]).classes == ()


def test_a_step_counts_as_its_function() -> None:
    assert identify(double) == identify(double.__wrapped__)


def ring(size: int, first: int = 0) -> Holder:
    members = [Holder(number=number + first) for number in range(size)]
    for at, member in enumerate(members):
        member.next, member.before = members[(at + 1) % size], members[at - 1]  # type: ignore[attr-defined]
    return members[0]


def test_objects_that_point_at_each_other_count_by_what_they_are() -> None:
    assert identify(ring(5)) == identify(copy.deepcopy(ring(5)))
    assert identify(ring(5)).digest != identify(ring(6)).digest
    assert identify(ring(5)).digest != identify(ring(5, first=1)).digest
    knot = ring(3)
    assert identify([knot, knot]) == identify([knot, ring(3)])


def test_the_order_of_a_dict_does_not_count_inside_a_cycle_either() -> None:
    def make(order: str) -> Holder:
        root, members = Holder(), {name: Holder(name=name) for name in "pq"}
        for member in members.values():
            member.root = root  # type: ignore[attr-defined]
        root.members = {name: members[name] for name in order}  # type: ignore[attr-defined]
        return root

    assert identify(make("pq")) == identify(make("qp"))


def test_a_graph_of_many_objects_is_told_in_time() -> None:
    members = [Holder(number=number) for number in range(60)]
    for member in members:
        member.others = list(members)  # type: ignore[attr-defined]
    assert identify(members[0]) == identify(copy.deepcopy(members[0]))
    shared: list[Any] = [1]
    for _ in range(60):
        shared = [shared, shared]
    assert identify(shared).digest


def test_a_chain_of_some_thousand_objects_is_told_and_one_without_end_is_refused() -> None:
    def chain(length: int) -> list[Any]:
        made: list[Any] = []
        for _ in range(length):
            made = [made]
        return made

    limit = sys.getrecursionlimit()
    assert identify(chain(1000)).digest != identify(chain(1001)).digest
    with pytest.raises(IdentityError, match="nested this deeply"):
        identify(chain(60_000))
    assert sys.getrecursionlimit() == limit


_opened: list[Any] = []


def opened() -> Any:
    file = open(os.devnull)  # noqa: SIM115 - closed by the fixture
    _opened.append(file)
    return file


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


class Broken:
    def __reduce__(self) -> Any:
        raise RuntimeError("not today")


async def coroutine() -> None: ...


REFUSED: dict[str, tuple[Any, str]] = {
    "an open file": (
        lambda: {"handlers": {"x": Holder(stream=opened())}},
        "['handlers']['x'].stream: an open file",
    ),
    "a lock": (lambda: Holder(held=[threading.Lock()]), ".held[0]: a lock"),
    "a reentrant lock": (lambda: (1, threading.RLock()), "[1]: a lock"),
    "a generator": (lambda: (number for number in range(3)), ": a generator"),
    "a lambda": (lambda: {"f": lambda: 1}, "['f']: a lambda"),
    "a closure": (lambda: [maker()], "[0]: the function 'maker.<locals>.inner'"),
    "a thread": (threading.Thread, ": a thread"),
    "a socket": (socket.socket, ": a socket"),
    "a database": (lambda: sqlite3.connect(":memory:"), ": a database connection"),
    "a view": (lambda: {}.keys(), ": a view of a dict"),
    "a weak reference": (lambda: weakref.ref(maker), ": a weak reference"),
    "a pool": (lambda: ThreadPoolExecutor(1), ": a lock"),
    "a temporary file": (tempfile.TemporaryFile, ": an open file"),
    "a log handler": (logging.StreamHandler, ".lock: a lock"),
    "a process": (lambda: subprocess.Popen([sys.executable, "-S", "-c", ""]), ": a running process"),
    "a frame": (sys._getframe, ": a stack frame"),
    "code": (lambda: maker.__code__, ": a code object"),
    "an event loop": (asyncio.new_event_loop, ": "),
    "a key": (lambda: {(1, len, opened()): 1}, " key[2]: an open file"),
    "what refuses itself": (lambda: [Broken()], ":Broken (not today)"),
    "a missing file": (lambda: [File("nowhere.csv")], "[0]: the missing file 'nowhere.csv'"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("what", REFUSED)
def test_what_can_not_be_told_is_refused_with_the_way_to_it(what: str) -> None:
    make, words = REFUSED[what]
    value = make()
    with pytest.raises(IdentityError) as caught:
        identify(value, path="config")
    assert words in caught.value.problem
    assert caught.value.problem.startswith("config")
    for close in ("close", "wait"):
        if not isinstance(value, type) and hasattr(value, close):
            getattr(value, close)()


def test_a_coroutine_is_refused() -> None:
    waiting = coroutine()
    with pytest.raises(IdentityError, match="a coroutine"):
        identify(waiting)
    waiting.close()


def test_a_function_that_its_name_does_not_lead_to_is_refused() -> None:
    other = types.FunctionType(maker.__code__, globals(), "helper")
    other.__qualname__ = "helper"
    with pytest.raises(IdentityError, match="which is not what has this name"):
        identify(other)


def test_files_and_folders_count_by_their_bytes(project: Path) -> None:
    (project / "one.txt").write_text("a")
    (project / "other.txt").write_text("a")
    (project / "folder").mkdir()
    assert identify(File("one.txt")) == identify(File("other.txt"))
    assert identify(File("one.txt"))[:2] != identify("a")[:2]
    empty = identify(Folder("folder"))
    (project / "folder" / "x").write_text("x")
    assert identify(Folder("folder")) != empty
