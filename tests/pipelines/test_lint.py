"""The body is read only if the code object makes it suspect, and a body is refused only for what surely goes wrong."""

import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import pytest

from solvent.errors import AuthoringError
from solvent.pipelines import lint
from solvent.pipelines.pipeline import pipeline
from solvent.pipelines.ref import each, value
from solvent.pipelines.step import step


@step
def fit(x: Any) -> int:
    return 1


@step
def pair(x: Any) -> tuple[int, int]:
    return 1, 2


@pipeline
def maybe(x: int) -> int | None:
    return fit(x) if x else None


Write = Callable[[str], Any]


@pytest.fixture
def write() -> Iterator[Write]:
    """Compile a body of a pipeline so that its source can be found."""
    name = "<body of a test>"

    def make(body: str) -> Any:
        source = "def body(n=1):\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        names = {"fit": fit, "pair": pair, "maybe": maybe, "value": value, "each": each, "sys": sys}
        exec(compile(source, name, "exec"), names)
        return names["body"]

    yield make
    linecache.cache.pop(name, None)


WRONG = {
    "is": ("if fit(1) is None: return", 2),
    "is not": ("x = fit(1)\nif n and x is not None: return", 3),
    "is between results": ("x = fit(1)\ny = x\nreturn y is x", 4),
    "is in an assert": ("x = fit(1)\nassert x is not None", 3),
    "is on a field": ("p = pair(1)\nreturn p.first is None", 3),
    "is on an unpacked part": ("a, b = pair(1)\nreturn b is None", 3),
    "is on an element": ("m = [fit(i) for i in range(n)]\nreturn m[0] is None", 3),
    "is in a comprehension": ("m = [fit(i) for i in range(n)]\nreturn [x for x in m if x is None]", 3),
    "is in a for loop": ("m = [fit(i) for i in range(n)]\nfor x in m:\n    print(x is None)", 4),
    "is in a loop over each": ("for x in each(fit(1)):\n    print(x is None)", 3),
    "is in a lambda": ("return lambda: fit(1) is None", 2),
    "is with a walrus": ("if (x := fit(1)) is None: return", 2),
    "is after both branches": ("if n:\n    x = fit(1)\nelse:\n    x = fit(2)\nreturn x is None", 6),
    "isinstance": ("a, b = pair(1)\nreturn isinstance(b, int)", 3),
    "match": ("x = fit(1)\nmatch x:\n    case [1]: pass", 3),
    "match on None": ("match fit(1):\n    case None: pass", 2),
    "while": ("x = fit(1)\nwhile x:\n    x = fit(x)", 3),
    "while compares": ("x = fit(1)\nwhile n and x < 3:\n    x = fit(x)", 3),
    "try": ("try:\n    x = fit(1)\nexcept ValueError:\n    x = 1\nreturn x", 2),
    "try with else": ("try:\n    fit(1)\nexcept ValueError:\n    pass\nelse:\n    value(1)", 2),
}

RIGHT = {
    "is on a parameter": "return None if n is None else fit(n)",
    "is on a value": "x = value(fit(1))\nreturn x is None",
    "is on a name given another value": "x = fit(1)\nx = value(x)\nreturn x is None",
    "is on what may be none": "x = None\nif n: x = fit(1)\nreturn x is None",
    "the best so far": "best = None\nfor m in [fit(1), fit(2)]:\n    if best is None or value(m) > 1: best = m",
    "a loop that ends early": "x = fit(1)\nfor i in n:\n    x = None\n    if i: break\n    x = fit(i)\nx is None",
    "is on a nested pipeline, which may give none": "x = maybe(n)\nreturn x is None",
    "is on a list": "m = [fit(1)]\nreturn m is None",
    "is on an element of a list that was changed": "m = [fit(1)]\nm[0] = None\nm.append(None)\nreturn m[0] is None",
    "isinstance of a parameter": "return isinstance(n, int)",
    "while on a value": "i = 0\nwhile value(fit(i)) < 1: i += 1",
    "while on a counter": "i = 0\nwhile i < n:\n    fit(i)\n    i += 1",
    "try with value": "try:\n    return value(fit(1))\nexcept ValueError:\n    return None",
    "try around a nested pipeline": "try:\n    return maybe(fit(1))\nexcept ValueError:\n    return None",
    "try and finally": "try:\n    fit(1)\nfinally:\n    pass",
    "a parameter of a lambda": "x = fit(1)\nreturn lambda x: x is None",
    "a variable of a comprehension": "x = fit(1)\nreturn [x is None for x in [1, 2]]",
    "a name that is deleted": "x = fit(1)\ndel x\nx = 1\nreturn x is None",
    "a name that hides the step": "fit = len\nx = fit([1])\nreturn x is None",
    "an attribute of a module": "return sys.path is None",
    "match on a parameter": "match n:\n    case None: return fit(1)",
    "match on a value": "match value(fit(1)):\n    case None: return fit(1)",
    "with": "with open(n) as x:\n    return fit(1)",
}


@pytest.mark.parametrize("case", WRONG)
def test_a_decision_on_a_result_is_an_error_with_its_line(write: Write, case: str) -> None:
    body, line = WRONG[case]
    with pytest.raises(AuthoringError) as caught:
        pipeline(write(body))
    told = str(caught.value)
    assert f"<body of a test>:{line}" in told
    assert "value(" in told


@pytest.mark.parametrize("case", RIGHT)
def test_other_bodies_pass(write: Write, case: str) -> None:
    pipeline(write(RIGHT[case]))


def test_the_line_is_the_one_in_the_file() -> None:
    line = inspect.currentframe().f_lineno + 6  # type: ignore[union-attr]
    with pytest.raises(AuthoringError) as caught:

        @pipeline
        def body() -> bool:
            result = fit(1)
            return result is None

    assert caught.value.where is not None
    assert caught.value.where.endswith(f"test_lint.py:{line}")


def test_a_step_of_an_enclosing_function_is_known() -> None:
    @step
    def local() -> int:
        return 1

    with pytest.raises(AuthoringError, match="'local'"):

        @pipeline
        def body() -> bool:
            return local() is None


def test_a_body_without_source_passes() -> None:
    names = {"fit": fit}
    exec(compile("def body():\n    return fit(1) is None\n", "<no such source>", "exec"), names)
    pipeline(names["body"])  # type: ignore[call-overload]


def test_an_ordinary_body_is_not_read(write: Write) -> None:
    ordinary: CodeType = write("""
        models = [fit(depth) for depth in range(n)]
        scores = {place: value(model) for place, model in enumerate(models)}
        for model in models:
            if value(model) > 3 and n:
                break
            print(value(model))
        with open("x") as file:
            pass
        best = max(scores, key=lambda place: value(models[place]))
        return models[best] if value(models[best]) < 3 else None
    """).__code__
    assert not lint._may_be_wrong(ordinary)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_body_always_looks_suspect(write: Write, case: str) -> None:
    assert lint._may_be_wrong(write(WRONG[case][0]).__code__)
