"""Edits of code that is reached in roundabout ways: exactly the steps that can run it run again."""

from __future__ import annotations

from typing import NamedTuple

import pytest

STEPS = """
import functools
import importlib
import json
import re
from enum import Enum

import other as alias
from other import Base, Colour, Counted, Inherited, Settings, Shaped, TABLE, by_name, current, deco, partial_of, pick
from solvent import pipeline, step
from sub import leaf
from sub.inner import relative


@step
def keyword_default() -> int:
    return by_name()


@step
def inherits() -> int:
    return Inherited().value()


@step
def class_attribute() -> int:
    return Counted.start


@step
def static_and_property() -> int:
    return Shaped.twice(2) + Shaped().size


@step
def dataclass_default() -> int:
    return Settings().depth


@step
def enumerated() -> int:
    return Colour.RED.value


@step
def constant_dict() -> int:
    return TABLE["a"][0]


@step
def partially() -> int:
    return partial_of(1)


@step
def compiled() -> bool:
    return bool(alias.PATTERN.match("ab"))


@step
def body_import() -> int:
    from late import found
    return found()


@step
def body_import_module() -> int:
    import later
    return later.second()


@step
def through_package() -> int:
    return leaf()


@step
def relatively() -> int:
    return relative()


@step
def lambda_in_dict() -> int:
    return pick["double"](2)


@step
def comprehension() -> list[int]:
    return [alias.shift(x) for x in range(2)]


@step
def instance() -> int:
    return current.get()


@step
@deco(3)
def decorated_with() -> int:
    return 1


@step
def recursive() -> int:
    return alias.even(4)


@step
def by_getattr() -> int:
    return getattr(alias, "hid" + "den")()


@step
def by_import_module() -> int:
    return importlib.import_module("plug").give()


@step
def opens_json() -> int:
    with open("conf.json") as file:
        return json.load(file)["a"]


@step
def lists_folder() -> int:
    import os
    return len(os.listdir("parts"))


@step
def tests_absence() -> bool:
    try:
        return bool(open("maybe.txt").read())
    except FileNotFoundError:
        return False


@step
def caught() -> int:
    try:
        return alias.raising()
    except alias.Wrong as error:
        return error.code()


@step
def generic_call() -> int:
    return sum(map(alias.mapped, [1, 2]))


@step
def cached() -> int:
    return alias.memoised(3)


@step
def dispatched() -> int:
    return alias.dispatch("x")


@step
def context() -> int:
    with alias.opened() as it:
        return it


@step
def operator() -> int:
    return (alias.Vector(1) + alias.Vector(2)).x


@step
def metaclass() -> int:
    return alias.Meta1.count()


@step
def registered() -> int:
    return alias.REGISTRY["one"]()


@step
def takes_function(f=alias.given) -> int:
    return f()


@pipeline
def main() -> list[object]:
    return [s() for s in (keyword_default, inherits, class_attribute, static_and_property, dataclass_default, enumerated,
            constant_dict, partially, compiled, body_import, body_import_module, through_package, relatively,
            lambda_in_dict, comprehension, instance, decorated_with, recursive, by_getattr, by_import_module, opens_json,
            lists_folder, tests_absence, caught, generic_call, cached, dispatched, context, operator, metaclass,
            registered, takes_function)]
"""

OTHER = """
import functools
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum


def by_name(*, amount=1):
    return amount


class Base:
    def value(self):
        return self.inner() + 1

    def inner(self):
        return 0


class Inherited(Base):
    def inner(self):
        return 5


class Counted:
    start = 10


class Shaped:
    @staticmethod
    def twice(x):
        return x * 2

    @property
    def size(self):
        return 100


@dataclass
class Settings:
    depth: int = 20
    names: list = field(default_factory=list)


class Colour(Enum):
    RED = 30


TABLE = {"a": [40, {"b": 1}]}


def add(x, y):
    return x + y


partial_of = functools.partial(add, y=50)
PATTERN = re.compile("a+b")
pick = {"double": lambda x: x * 60}


def shift(x):
    return x + 70


class Holder:
    def __init__(self, n):
        self.n = n

    def get(self):
        return self.n + 0


current = Holder(80)


def deco(times):
    def wrap(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return function(*args, **kwargs) * times + 90
        return inner
    return wrap


def even(n):
    return 100 if n == 0 else odd(n - 1)


def odd(n):
    return 110 if n == 0 else even(n - 1)


def hidden():
    return 120


class Wrong(Exception):
    def code(self):
        return 130


def raising():
    raise Wrong


def mapped(x):
    return x + 140


@functools.lru_cache
def memoised(x):
    return x + 150


@functools.singledispatch
def dispatch(x):
    return 0


@dispatch.register
def _(x: str):
    return 160


@contextmanager
def opened():
    yield 170


class Vector:
    def __init__(self, x):
        self.x = x

    def __add__(self, o):
        return Vector(self.x + o.x + 180)


class Kind(type):
    def count(cls):
        return 190


class Meta1(metaclass=Kind):
    pass


REGISTRY = {}


def register(function):
    REGISTRY[function.__name__] = function
    return function


@register
def one():
    return 200


def given():
    return 210
"""


class Edit(NamedTuple):
    """One edit, the step that must run again because of it, and the cause that `why` names."""

    file: str
    old: str
    new: str
    ran: str
    why: str


EDITS = [
    Edit("other.py", "amount=1", "amount=2", "keyword_default", "other.by_name"),
    Edit("other.py", "self.inner() + 1", "self.inner() + 2", "inherits", "other.Base.value"),
    Edit("other.py", "return 5", "return 6", "inherits", "other.Inherited.inner"),
    Edit("other.py", "start = 10", "start = 11", "class_attribute", "other.Counted"),
    Edit("other.py", "return x * 2", "return x * 3", "static_and_property", "other.Shaped.twice"),
    Edit("other.py", "return 100\n\n\n@data", "return 101\n\n\n@data", "static_and_property", "other.Shaped.size"),
    Edit("other.py", "depth: int = 20", "depth: int = 21", "dataclass_default", "other.Settings"),
    Edit("other.py", "RED = 30", "RED = 31", "enumerated", "other.Colour"),
    Edit("other.py", "[40, ", "[41, ", "constant_dict", "other.TABLE"),
    Edit("other.py", "y=50", "y=51", "partially", "other.partial_of"),
    Edit("other.py", "return x + y", "return x - y", "partially", "other.add"),
    Edit("other.py", '"a+b"', '"a+c"', "compiled", "other.PATTERN"),
    Edit("late.py", "return 1", "return 2", "body_import", "late"),
    Edit("later.py", "return 3", "return 4", "body_import_module", "later"),
    Edit("sub/leaves.py", "return 1", "return 2", "through_package", "sub.leaves.leaf"),
    Edit("sub/inner.py", "+ 1", "+ 2", "relatively", "sub.inner.relative"),
    Edit("sub/roots.py", "return 1", "return 2", "relatively", "sub.roots.root"),
    Edit("other.py", "x * 60", "x * 61", "lambda_in_dict", "other.<lambda>"),
    Edit("other.py", "x + 70", "x + 71", "comprehension", "other.shift"),
    Edit("other.py", "Holder(80)", "Holder(81)", "instance", "other.current"),
    Edit("other.py", "self.n + 0", "self.n + 1", "instance", "other.Holder.get"),
    Edit("other.py", "times + 90", "times + 91", "decorated_with", "other.deco"),
    Edit("steps.py", "@deco(3)", "@deco(4)", "decorated_with", "times"),
    Edit("other.py", "return 110", "return 111", "recursive", "other.odd"),
    Edit("plug.py", "return 1", "return 2", "by_import_module", "plug"),
    Edit("conf.json", "1", "2", "opens_json", "conf.json"),
    Edit("other.py", "return 130", "return 131", "caught", "other.Wrong.code"),
    Edit("other.py", "x + 140", "x + 141", "generic_call", "other.mapped"),
    Edit("other.py", "x + 150", "x + 151", "cached", "other.memoised"),
    Edit("other.py", "return 160", "return 161", "dispatched", "other._"),
    Edit("other.py", "yield 170", "yield 171", "context", "other.opened"),
    Edit("other.py", "+ 180", "+ 181", "operator", "other.Vector.__add__"),
    Edit("other.py", "return 190", "return 191", "metaclass", "other.Kind.count"),
    Edit("other.py", "return 200", "return 201", "registered", "other.one"),
    Edit("other.py", "return 210", "return 211", "takes_function", "other.given"),
]


@pytest.fixture
def project(shop):
    shop.write("steps.py", STEPS)
    shop.write("other.py", OTHER)
    shop.write("late.py", "def found():\n    return 1\n")
    shop.write("later.py", "def second():\n    return 3\n")
    shop.write("plug.py", "def give():\n    return 1\n")
    shop.write("sub/__init__.py", "from .leaves import leaf\n")
    shop.write("sub/leaves.py", "def leaf():\n    return 1\n")
    shop.write("sub/roots.py", "def root():\n    return 1\n")
    shop.write("sub/inner.py", "from . import roots\n\n\ndef relative():\n    return roots.root() + 1\n")
    shop.write("conf.json", '{"a": 1}')
    shop.write("parts/a.txt", "")
    return shop


# The step asks for a name of that module by `getattr`: whatever is edited there may be what it gets.
ANY_EDIT_OF = {"other.py": {"by_getattr"}}


def make(project, edit: Edit) -> None:
    path = project.root / edit.file
    text = path.read_text()
    assert text.count(edit.old) == 1, edit
    path.write_text(text.replace(edit.old, edit.new))


@pytest.mark.slow
def test_code_that_is_reached_in_roundabout_ways_counts(project) -> None:
    run_all(project)
    for edit in EDITS:
        make(project, edit)
        after = project.run("steps.py", "--engine", "inline")
        assert set(after.ran) - ANY_EDIT_OF.get(edit.file, set()) == {edit.ran}, edit
        assert edit.why in after.why(edit.ran), edit


def test_many_edits_at_once_are_told_apart(project) -> None:
    run_all(project)
    todo = EDITS
    while todo:
        first = {edit.ran: edit for edit in reversed(todo)}
        todo = [edit for edit in todo if edit not in first.values()]
        for edit in first.values():
            make(project, edit)
        after = project.run("steps.py", "--engine", "processes")
        assert set(after.ran) - {"by_getattr"} == set(first)
        for name, edit in first.items():
            assert edit.why in after.why(name)


def run_all(project) -> None:
    assert len(project.run("steps.py", "--engine", "inline").ran) == 32
    assert project.run("steps.py", "--engine", "processes").ran == []


def test_files_that_appear_count_where_they_were_looked_for(project) -> None:
    project.run("steps.py", "--engine", "inline")
    project.write("maybe.txt", "")
    assert project.run("steps.py", "--engine", "inline").ran == ["tests_absence"]
    project.write("parts/b.txt", "")
    assert project.run("steps.py", "--engine", "inline").ran == ["lists_folder"]
