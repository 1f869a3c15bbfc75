from __future__ import annotations

import enum
import math
import pathlib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, Union
from uuid import UUID

import pytest

from solvent.config.layers import MISSING, from_code
from solvent.config.overrides import read_value
from solvent.config.schema import build
from solvent.config.secrets import Secret
from solvent.errors import ConfigError

Kilograms = NewType("Kilograms", float)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class File(type(Path())):  # type: ignore[misc]
    pass


@dataclass(frozen=True)
class Tree:
    depth: int = 3
    rate: float = 0.1


@dataclass
class Forest:
    trees: list[Tree] = field(default_factory=lambda: [Tree(1), Tree(2)])
    vote: Literal["hard", "soft"] = "hard"
    name: str | None = None
    made: int = field(default=0, init=False)


class Span(NamedTuple):
    low: int
    high: int = 9


def typed(annotation: Any, text: str, default: Any = MISSING) -> Any:
    """The value that `--set x=text` gives."""
    return build(annotation, read_value(text, "--set"), ("x",), default)


def coded(annotation: Any, value: Any, default: Any = MISSING) -> Any:
    """The value that an argument of run() gives."""
    return build(annotation, from_code(value, "argument"), ("x",), default)


def refusal(annotation: Any, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        typed(annotation, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "3", 3),
        (float, "3", 3.0),
        (float, "1e-3", 0.001),
        (float, "inf", math.inf),
        (float, "'-.inf'", -math.inf),
        (bool, "true", True),
        (str, "abc", "abc"),
        (str, "1.10", "1.10"),
        (str, "true", "true"),
        (str, "null", "null"),
        (str, "", ""),
        (str, "'12'", "12"),
        (str, "[a-z]+", "[a-z]+"),
        (str, "[3, 5]", "[3, 5]"),
        (str, "{x}", "{x}"),
        (None, "null", None),
        (Any, "3", 3),
        (Any, "[1, {a: b}]", [1, {"a": "b"}]),
        (object, "x", "x"),
        (tuple[int, ...], "[3, 5]", (3, 5)),
        (tuple[int, ...], "[]", ()),
        (tuple[int, str], "[3, 4]", (3, "4")),
        (tuple, "[3, a]", (3, "a")),
        (list[float], "[1, 2.5]", [1.0, 2.5]),
        (list, "[1, a]", [1, "a"]),
        (set[int], "[1, 2, 1]", {1, 2}),
        (frozenset[str], "[a, b]", frozenset("ab")),
        (Sequence[int], "[1]", (1,)),
        (dict[str, int], "{a: 1}", {"a": 1}),
        (dict[int, str], "{1: a}", {1: "a"}),
        (dict[Color, float], "{red: 1}", {Color.RED: 1.0}),
        (dict, "{a: [1]}", {"a": [1]}),
        (Mapping[str, tuple[int, ...]], "{a: [1, 2]}", {"a": (1, 2)}),
        (Literal["a", 3, True], "3", 3),
        (Literal["a", 3, True], "true", True),
        (Literal["1", "2"], "1", "1"),
        (Literal[Color.RED], "RED", Color.RED),
        (Color, "RED", Color.RED),
        (Color, "blue", Color.BLUE),
        (Level, "2", Level.HIGH),
        (Level, "LOW", Level.LOW),
        (Access, "3", Access.READ | Access.WRITE),
        (Path, "data/x.csv", Path("data/x.csv")),
        (Path, "2013", Path("2013")),
        (Path, "[a]", Path("[a]")),
        (File, "data/x.csv", File("data/x.csv")),
        (PurePosixPath, "/a", PurePosixPath("/a")),
        (date, "2013-01-31", date(2013, 1, 31)),
        (datetime, "2013-01-31T08:30:00+00:00", datetime(2013, 1, 31, 8, 30, tzinfo=timezone.utc)),  # noqa: UP017
        (time, "08:30", time(8, 30)),
        (Decimal, "1.10", Decimal("1.10")),
        (UUID, "12345678123456781234567812345678", UUID("12345678123456781234567812345678")),
        (Secret, "env:TOKEN", Secret("env:TOKEN")),
        (Tree, "{depth: 5}", Tree(5)),
        (Span, "{low: 1}", Span(1, 9)),
        (Span, "[1, 2]", Span(1, 2)),
        (Annotated[int, "days"], "3", 3),
        (Kilograms, "3", 3.0),
        (list[Tree], "[{depth: 1}, {}]", [Tree(1), Tree()]),
        ("int", "3", 3),
        ("list[Optional[int]]", "[3, null]", [3, None]),
    ],
)
def test_text_becomes_a_value_of_the_declared_type(annotation: Any, text: str, value: object) -> None:
    found = typed(annotation, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int | None, "null", None),
        (int | None, "3", 3),
        (Optional[str], "null", None),  # noqa: UP045
        (Optional[str], "3", "3"),  # noqa: UP045
        (str | int, "3", 3),
        (Union[int, str], "a3", "a3"),  # noqa: UP007
        (float | int, "3", 3),
        (float | str, "3", 3.0),
        (int | list[int], "[3]", [3]),
        (bool | int, "1", 1),
        (Path | None, "a/b", Path("a/b")),
        (Literal["auto"] | int, "auto", "auto"),
        (Literal["auto"] | float, "3", 3.0),
        (Secret | None, "env:A", Secret("env:A")),
        (Secret | str, "env:A", Secret("env:A")),
        (Tree | Span, "{low: 3}", Span(3)),
        (Tree | Span, "{rate: 3}", Tree(rate=3)),
        (Tree | None, "{rate: 3}", Tree(rate=3)),
        (dict[str, int] | list[int], "[1]", [1]),
    ],
)
def test_a_union_takes_the_type_that_fits_as_it_is_before_any_other(annotation: Any, text: str, value: object) -> None:
    found = typed(annotation, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text", "words"),
    [
        (int, "abc", "expected int, found 'abc' (str)"),
        (int, "1.5", "expected int, found 1.5 (float)"),
        (int, "true", "expected int, found true"),
        (int, "[3", "a list must end with ]"),
        (float, "true", "expected float, found true"),
        (float, "9" * 400, "expected float, found"),
        (bool, "1", "write true or false"),
        (bool, "yes", "write true or false"),
        (int | None, "abc", "expected int | null, found 'abc'"),
        (tuple[int, ...], "3", "expected tuple[int, ...], found 3"),
        (tuple[int, ...], "[3, a]", "`x.1`: expected int, found 'a'"),
        (tuple[int, str], "[3]", "expected tuple[int, str], found a list of 1"),
        (dict[str, int], "[3]", "expected dict[str, int], found a list of 1"),
        (dict[str, int], "{a: b}", "`x.a`: expected int, found 'b'"),
        (dict[int, int], "{a: 1}", "`x.a`: expected int, found 'a'"),
        (set[list[int]], "[[1]]", "must be hashable"),
        (Literal["hard", "soft"], "sotf", "expected one of 'hard', 'soft', found 'sotf' (str); did you mean 'soft'?"),
        (Literal[1, 2], "true", "expected one of 1, 2, found true"),
        (Color, "rde", "expected one of RED, BLUE, found 'rde'"),
        (Level, "3", "expected one of LOW, HIGH, found 3"),
        (Level, "true", "found true"),
        (date, "31.1.2013", "write a date as 2013-01-31"),
        (Decimal, "x", "expected Decimal, found 'x'"),
        (Tree, "3", "expected Tree, found 3"),
        (Tree, "{dpeth: 3}", "unknown config key `x.dpeth`; did you mean 'depth'?"),
        (Tree, "{depth: a}", "`x.depth`: expected int, found 'a'"),
        (Tree | None, "{depth: a}", "`x.depth`: expected int, found 'a'"),
        (Tree | Span, "{low: a}", "`x.low`: expected int, found 'a'"),
        (Tree | Span, "{hihg: 3}", "expected Tree | Span, found a mapping"),
        (Span, "{high: 3}", "`x.low` is missing: Span gives it no default"),
        (Span, "[1, 2, 3]", "expected Span, found a list of 3"),
        (Forest, "{made: 3}", "unknown config key `x.made`"),
        (complex, "3", "a complex can't be written in a file"),
        (typing.Callable[[], int], "f", "can't be written in a file"),
        ("NoSuchType", "3", "the type 'NoSuchType' of a config value can't be resolved"),
    ],
)
def test_a_wrong_value_says_what_was_expected_and_found(annotation: Any, text: str, words: str) -> None:
    assert words in refusal(annotation, text)


@pytest.mark.parametrize("annotation", [Secret, Secret | None, list[Secret], dict[str, Secret | None]])
@pytest.mark.parametrize("text", ["hunter2", "[hunter2]", "{a: hunter2}", "{a: hunter2", "'hunter2'"])
def test_what_was_to_be_a_secret_is_never_shown(annotation: Any, text: str) -> None:
    message = refusal(annotation, text)
    assert "hunter2" not in message
    assert "env:NAME" in message


def test_text_in_a_file_must_be_quoted_where_it_looks_like_a_number() -> None:
    node = read_value("1.10", "configs/base.yaml")
    node.text, node.line = None, 3
    with pytest.raises(ConfigError, match=r"expected str, found 1\.1") as caught:
        build(str, node, ("version",))
    assert (caught.value.where, caught.value.hint) == ("configs/base.yaml:3", "put it in quotes")


def test_a_mapping_changes_only_the_fields_it_names() -> None:
    assert typed(Tree, "{rate: 1}", Tree(7, 0.5)) == Tree(7, 1.0)
    assert typed(Span, "{high: 1}", Span(7, 8)) == Span(7, 1)
    assert typed(dict[str, Tree], "{a: {rate: 1}, b: {}}", {"a": Tree(7), "c": Tree(9)}) == {
        "a": Tree(7, 1.0),
        "b": Tree(),
        "c": Tree(9),
    }
    assert typed(Tree | None, "{rate: 1}", Tree(7)) == Tree(7, 1.0)
    assert typed(Any, "{b: 1}", {"a": 0}) == {"a": 0, "b": 1}


def test_a_mapping_of_numbers_changes_single_elements() -> None:
    assert typed(tuple[int, ...], "{1: 9}", (3, 5, 8)) == (3, 9, 8)
    assert typed(tuple[int, str], "{1: 9}", (3, "5")) == (3, "9")
    assert typed(list[Tree], "{1: {rate: 1}}", [Tree(1), Tree(2)]) == [Tree(1), Tree(2, 1.0)]
    assert typed(list[int] | None, "{0: 9}", [1, 2]) == [9, 2]
    assert typed(Forest, "{trees: {0: {depth: 9}}}").trees == [Tree(9), Tree(2)]
    with pytest.raises(ConfigError, match=r"expected tuple\[int, \.\.\.\], found a mapping"):
        typed(tuple[int, ...], "{3: 9}", (3, 5, 8))


def test_defaults_are_never_changed() -> None:
    default: Any = {"a": [1, 2], "b": {"c": 1}}
    typed(dict[str, Any], "{b: {d: 2}, a: {0: 9}}", default)
    assert default == {"a": [1, 2], "b": {"c": 1}}


def test_a_default_of_none_allows_null() -> None:
    assert typed(int, "null", None) is None


def test_objects_of_the_declared_class_are_taken_as_they_are() -> None:
    tree, path = Tree(4), File("x")
    assert coded(Tree, tree) is tree
    assert coded(Tree | None, tree) is tree
    assert coded(File, path) is path
    assert coded(list[Tree], [tree])[0] is tree
    assert coded(dict[str, Tree], {"a": tree}) == {"a": tree}
    assert coded(Path | str, Path("x")) == Path("x")
    assert coded(Any, (1, 2)) == (1, 2)
    assert coded(typing.Callable[[float], float], math.sqrt) is math.sqrt
    assert coded(type, int) is int
    assert coded(pathlib.Path, "a") == Path("a")


def test_objects_of_another_class_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected int, found 'a'"):
        coded(int, "a")
    with pytest.raises(ConfigError, match="expected str, found 3"):
        coded(str, 3)
    with pytest.raises(ConfigError, match="expected Tree, found Span"):
        coded(Tree, Span(1))
    with pytest.raises(ConfigError, match="expected int, found None"):
        coded(int, None)


def test_a_check_of_the_users_own_is_told_as_an_error_of_the_config() -> None:
    @dataclass
    class Share:
        test: float = 0.2

        def __post_init__(self) -> None:
            if not 0 < self.test < 1:
                raise ValueError("a share lies between 0 and 1")

    with pytest.raises(ConfigError, match="`x`: Share refuses it: a share lies between 0 and 1") as caught:
        typed(Share, "{test: 2}")
    assert caught.value.where == "--set"
    assert isinstance(caught.value.__cause__, ValueError)


def test_types_written_as_text_and_self_references_work() -> None:
    @dataclass
    class Branch:
        left: Optional["Branch"] = None  # noqa: UP037, UP045
        depth: "int" = 1  # noqa: UP037

    assert typed(Branch, "{left: {depth: 3}}") == Branch(Branch(None, 3))


def test_a_type_that_can_not_be_resolved_matters_only_when_it_is_set() -> None:
    @dataclass
    class Odd:
        frame: "NoSuchFrame" = None  # type: ignore[name-defined]  # noqa: F821, UP037
        depth: int = 1

    assert typed(Odd, "{depth: 3}") == Odd(None, 3)
    assert "NoSuchFrame" in refusal(Odd, "{frame: 3}")


def test_a_field_that_is_a_record_of_defaults_needs_no_default() -> None:
    @dataclass
    class Model:
        tree: Tree
        span: Span

    assert typed(Model, "{span: {low: 1}}") == Model(Tree(), Span(1))
    assert "`x.span.low` is missing" in refusal(Model, "{}")
