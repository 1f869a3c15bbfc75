import asyncio
import copy
import inspect
import json
import operator
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from solvent.errors import RefError
from solvent.pipelines.ref import Ref, call_of, each, path_of, tracer_of, value
from solvent.pipelines.step import step

if TYPE_CHECKING:
    from decimal import Decimal as Unseen


class Inner(NamedTuple):
    call: int
    path: str


class Parts(NamedTuple):
    train: list[int]
    inner: Inner


@dataclass(frozen=True)
class Scores:
    mean: float
    parts: tuple[int, Inner]


@step
def one() -> int:
    return 1


@step
def split() -> Parts:
    return Parts([1, 2], Inner(3, "p"))


@step
def score() -> Scores:
    return Scores(0.5, (1, Inner(4, "q")))


@step
def rows() -> list[Inner]:
    return [Inner(1, "a"), Inner(2, "b")]


@step
def unseen() -> "Unseen": ...


USES: dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "not": operator.not_,
    "eq": lambda ref: ref == 1,
    "ne": lambda ref: ref != 1,
    "less": lambda ref: ref < 1,
    "less reflected": lambda ref: 1 < ref,  # noqa: SIM300
    "add": lambda ref: ref + 1,
    "radd": lambda ref: 1 + ref,
    "sum": lambda ref: sum([ref]),
    "matmul": lambda ref: ref @ ref,
    "inplace": lambda ref: operator.iadd(ref, 1),
    "neg": operator.neg,
    "str": str,
    "format": lambda ref: f"{ref}",
    "percent": lambda ref: "%d" % ref,  # noqa: UP031
    "index": lambda ref: [1, 2][ref],
    "range": lambda ref: range(ref),
    "int": int,
    "float": float,
    "round": round,
    "getitem": lambda ref: ref[0],
    "setitem": lambda ref: operator.setitem(ref, 0, 1),
    "len": len,
    "iter": list,
    "next": next,
    "in": lambda ref: 1 in ref,
    "in a list": lambda ref: 1 in [ref],
    "call": lambda ref: ref(),
    "with": lambda ref: ref.__enter__(),
    "undeclared": lambda ref: ref.shape,
    "set attribute": lambda ref: setattr(ref, "x", 1),
    "delete attribute": lambda ref: delattr(ref, "x"),
    "open": lambda ref: open(ref),  # noqa: SIM115
    "numpy": np.asarray,
    "numpy arithmetic": lambda ref: np.ones(2) + ref,
    "pandas": lambda ref: pd.DataFrame({"a": [1]}) + ref,
    "pickle": pickle.dumps,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "max": lambda ref: max([ref, ref]),
}


@pytest.mark.parametrize("use", USES)
def test_a_use_of_what_is_not_there_yet_is_refused(run: Any, use: str) -> None:
    with pytest.raises(RefError) as caught:
        USES[use](one())
    told = str(caught.value)
    assert "the result of step one[0] isn't there yet" in told
    assert "test_ref.py:" in told
    assert "value(...)" in told


def test_awaiting_is_refused(run: Any) -> None:
    async def wait() -> None:
        await one()  # type: ignore[misc]

    with pytest.raises(RefError, match="awaited"):
        asyncio.run(wait())


def test_the_error_names_the_users_line(run: Any) -> None:
    ref = one()
    line = inspect.currentframe().f_lineno + 2  # type: ignore[union-attr]
    with pytest.raises(RefError) as caught:
        json.dumps([str(ref)])
    assert caught.value.where is not None
    assert caught.value.where.endswith(f"test_ref.py:{line}")


def test_the_users_line_is_named_also_when_a_library_asks(run: Any) -> None:
    ref = one()
    line = inspect.currentframe().f_lineno + 2  # type: ignore[union-attr]
    with pytest.raises(RefError) as caught:
        pd.Series([1, 2]).map(ref)  # type: ignore[call-overload]
    assert caught.value.where is not None
    assert caught.value.where.endswith(f"test_ref.py:{line}")


def test_repr_never_raises_and_names_step_and_part(run: Any) -> None:
    one()
    assert repr(one()) == "<Ref to one[1]>"
    assert repr(split().inner.path) == "<Ref to split[0].inner.path>"
    assert repr([one()]) == "[<Ref to one[2]>]"


def test_probes_are_harmless(run: Any) -> None:
    ref = one()
    assert not hasattr(ref, "_repr_html_")
    assert not hasattr(ref, "_ipython_display_")
    assert not hasattr(ref, "__array_interface__")
    assert inspect.isfunction(ref) is False
    assert callable(ref)


def test_a_ref_is_hashable_by_identity(run: Any) -> None:
    ref, other = one(), one()
    known = {ref: "a", other: "b"}
    assert known[ref] == "a"
    assert len({ref, other}) == 2


def test_declared_fields_do_not_wait(run: Any) -> None:
    parts = split()
    train, inner = parts
    assert path_of(parts.train) == ("train",)
    assert path_of(train) == ("train",)
    assert value(inner) == Inner(3, "p")
    call, path = inner
    assert (value(call), value(path)) == (3, "p")


def test_fields_named_like_our_own_parts_are_fields(run: Any) -> None:
    inner: Any = split().inner
    assert path_of(inner.call) == ("inner", "call")
    assert value(inner.path) == "p"
    assert tracer_of(inner) is run
    assert call_of(inner) is run.calls[-1]


def test_fields_of_dataclasses_and_tuples_nest(run: Any) -> None:
    first, second = score().parts
    assert value(first) == 1
    assert value(second.path) == "q"


def test_a_dataclass_can_not_be_unpacked(run: Any) -> None:
    with pytest.raises(RefError):
        _, _ = score()  # type: ignore[misc]


def test_an_unknown_field_names_the_nearest(run: Any) -> None:
    with pytest.raises(RefError, match="did you mean 'train'"):
        split().trian  # type: ignore[attr-defined]  # noqa: B018


def test_a_type_that_only_checkers_see_is_said_to_be_unknown(run: Any) -> None:
    with pytest.raises(RefError, match="TYPE_CHECKING"):
        unseen().real  # type: ignore[attr-defined]  # noqa: B018


def test_dir_lists_the_declared_fields(run: Any) -> None:
    assert dir(split()) == ["inner", "train"]
    assert dir(one()) == []


def test_value_looks_inside_containers(run: Any) -> None:
    @dataclass(frozen=True)
    class Config:
        size: int
        name: str = "x"

    given = {"a": [one(), 2], "b": (one(),), "c": Config(one()), "d": Inner(one(), "p")}
    assert value(given) == {"a": [1, 2], "b": (1,), "c": Config(1), "d": Inner(1, "p")}


def test_value_gives_anything_else_back_as_it_is() -> None:
    given = {"a": [1, 2]}
    assert value(given) is given
    assert value(7) == 7


def test_each_yields_a_ref_for_each_element(run: Any) -> None:
    items = list(each(rows()))
    assert all(type(item) is Ref for item in items)
    assert [path_of(item) for item in items] == [(0,), (1,)]
    assert value(items[1].path) == "b"


def test_each_of_a_declared_tuple_gives_its_parts(run: Any) -> None:
    train, inner = each(split())
    assert path_of(train) == ("train",)
    assert path_of(inner) == ("inner",)


def test_each_iterates_over_plain_lists() -> None:
    assert list(each([1, 2])) == [1, 2]


def test_a_ref_can_sit_in_a_dataclass(run: Any) -> None:
    @dataclass(frozen=True)
    class Config:
        size: int

    assert value(replace(Config(1), size=one())) == Config(1)
