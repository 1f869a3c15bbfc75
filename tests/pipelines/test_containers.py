from collections import Counter, OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.errors import AuthoringError
from solvent.pipelines.containers import find_refs, replace, replace_refs
from solvent.pipelines.ref import Ref
from solvent.pipelines.step import step

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Frozen:
    a: Any
    b: Any = 2


@dataclass(frozen=True, slots=True)
class Slotted:
    a: Any


@dataclass
class Checked:
    a: Any
    checks: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.checks += 1


@step
def one() -> int:
    return 1


@pytest.fixture
def ref(run: Any) -> Any:
    return one()


def test_refs_are_found_with_their_paths(ref: Any) -> None:
    arguments = {
        "bare": ref,
        "items": [1, [ref]],
        "named": {"k": (ref,), 3: Point(1, ref)},
        "config": Frozen(Slotted(ref)),
        "nothing": [1, "a", {"b": 2}],
    }
    paths = [path for path, found in find_refs(arguments) if found is ref]
    assert paths == ["bare", "items[1][0]", "named['k'][0]", "named[3].y", "config.a.a"]


def test_every_container_keeps_its_type(ref: Any) -> None:
    containers = [
        [ref],
        (ref,),
        {"a": ref},
        Point(ref, 2),
        Frozen(ref),
        Slotted(ref),
        OrderedDict(a=ref),
        defaultdict(list, a=ref),
        {ref},
        frozenset({ref}),
    ]
    expected = [
        [1],
        (1,),
        {"a": 1},
        Point(1, 2),
        Frozen(1),
        Slotted(1),
        OrderedDict(a=1),
        defaultdict(list, a=1),
        {1},
        frozenset({1}),
    ]
    made = [replace_refs(container, lambda found: 1) for container in containers]
    assert made == expected
    assert [type(each) for each in made] == [type(each) for each in containers]
    assert made[7].default_factory is list


def test_a_dataclass_is_not_constructed_again(ref: Any) -> None:
    given = Checked([ref])
    assert replace_refs(given, lambda found: 5) == Checked([5])
    assert replace_refs(given, lambda found: 5).checks == 1
    assert given.a[0] is ref


def test_without_a_ref_the_very_same_object_comes_back() -> None:
    for plain_value in ([1, [2]], {"a": (1,)}, Frozen([1]), Counter("aab"), object(), "x", Frozen):
        assert replace_refs(plain_value, lambda found: 1 / 0) is plain_value


def test_a_ref_as_a_key_is_refused(ref: Any) -> None:
    with pytest.raises(AuthoringError, match="'one' as a key"):
        find_refs({"a": {ref: 1}})


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(AuthoringError, match="'a' holds itself"):
        find_refs({"a": loop})


def test_other_things_can_be_replaced() -> None:
    assert replace({"a": [b"x", 2]}, lambda found: type(found) is list, len) == {"a": 2}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


class Hole:
    """Stands for the Ref, since a Ref can't be compared."""


@given(plain)
def test_replacing_changes_only_what_is_chosen(given: Any) -> None:
    holed = [given, Hole(), {"a": (Hole(), given)}]
    made = replace(holed, lambda found: isinstance(found, Hole), lambda hole: 0)
    assert made == [given, 0, {"a": (0, given)}]
    assert made[0] is given
    assert not isinstance(made, Ref)
