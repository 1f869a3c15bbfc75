import copy
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import pytest

from solvent.errors import AuthoringError
from solvent.pipelines.ref import Ref, value
from solvent.pipelines.step import Step, step


class Parts(NamedTuple):
    train: int
    test: int


@step
def double(x: int, times: int = 2) -> int:
    """Give x times two."""
    return x * times


@step(name="other", retries=2, timeout_seconds=3, salt="a", cache=False, isolated=True)
def named(x: int) -> int:
    return x


def test_outside_a_run_a_step_is_the_plain_function() -> None:
    assert double(4) == 8
    assert double(4, times=3) == 12


def test_outside_a_run_wrong_arguments_are_pythons_own_error() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        double()  # type: ignore[call-arg]


def test_inside_a_run_a_call_gives_a_ref(run: Any) -> None:
    result = double(4)
    assert type(result) is Ref
    assert value(result) == 8


def test_a_step_keeps_what_python_knows_of_its_function() -> None:
    assert str(inspect.signature(double)) == "(x: int, times: int = 2) -> int"
    assert double.__doc__ == "Give x times two."
    assert double.__name__ == "double"
    assert double.__module__ == __name__
    assert inspect.unwrap(double).__code__.co_name == "double"


def test_options_are_in_the_spec() -> None:
    spec = named.spec
    assert (spec.name, spec.retries, spec.timeout_seconds, spec.salt) == ("other", 2, 3, "a")
    assert (spec.cache, spec.isolated, spec.qualname) == (False, True, "named")
    assert (double.spec.name, double.spec.cache, double.spec.retries) == ("double", True, 0)
    assert spec.file == __file__
    assert "@step(name=" in Path(spec.file).read_text().splitlines()[spec.line - 1]


def test_a_step_is_copied_as_itself() -> None:
    assert copy.copy(double) is double
    assert copy.deepcopy([double])[0] is double


def test_a_step_of_a_module_is_pickled_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "steps_on_disk.py").write_text("from solvent import step\n@step\ndef one() -> int:\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    one = __import__("steps_on_disk").one
    assert pickle.loads(pickle.dumps(one)) is one
    assert len(pickle.dumps(one)) < 100


def test_a_step_in_a_function_travels_by_value() -> None:
    factor = 3

    @step
    def scale(x: int) -> int:
        return x * factor

    again = cloudpickle.loads(cloudpickle.dumps(scale))
    assert again(2) == 6
    assert again.spec == scale.spec


def test_a_step_works_as_an_attribute() -> None:
    class Holder:
        tool = double

    assert Holder().tool(2) == 4
    assert Holder.tool(2) == 4


def test_a_step_may_take_any_number_of_arguments(run: Any) -> None:
    @step
    def gather(first: int, /, *rest: int, scale: int = 1, **named: int) -> list[int]:
        return [scale * each for each in (first, *rest, *named.values())]

    assert gather.bind((1, 2), {"b": 3}) == {"first": 1, "rest": (2,), "scale": 1, "named": {"b": 3}}
    assert value(gather(1, double(1), scale=2, b=3)) == [2, 4, 6]


def test_a_decorated_function_can_be_a_step(run: Any) -> None:
    import functools

    def plus_one(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def wrapper(x: int) -> int:
            return function(x) + 1

        return wrapper

    @step
    @plus_one
    def same(x: int) -> int:
        return x

    assert same.spec.name == "same"
    assert value(same(x=1)) == 2


def test_declared_fields_are_known() -> None:
    @step
    def split(x: int) -> Parts: ...

    @step
    def pair(x: int) -> tuple[int, str]: ...

    assert split.fields == {"train": int, "test": int}
    assert split.output_type is Parts
    assert pair.fields == {"0": int, "1": str}
    assert pair.output_type is tuple
    assert double.fields is None


def test_a_result_type_of_the_surrounding_function_is_found_though_it_is_text() -> None:
    class Local(NamedTuple):
        a: int

    @step
    def make() -> "Local": ...

    assert make.fields == {"a": int}


def refused(make: Callable[[], Any]) -> str:
    with pytest.raises(AuthoringError) as caught:
        make()
    return str(caught.value)


def test_what_can_not_be_a_step_is_refused_with_a_way_out() -> None:
    async def late() -> None: ...

    def stream() -> Any:
        yield 1

    async def both() -> Any:
        yield 1

    assert "class 'Parts' can't be a step" in refused(lambda: step(Parts))
    assert "a lambda can't be a step" in refused(lambda: step(lambda: 1))
    assert "'late' is async" in refused(lambda: step(late))
    assert "return a list" in refused(lambda: step(stream))
    assert "'both' is async" in refused(lambda: step(both))
    assert "a staticmethod can't be a step" in refused(lambda: step(staticmethod(refused)))
    assert "'len' can't be a step" in refused(lambda: step(len))
    assert "decorate it once" in refused(lambda: step(double))
    assert f"test_step.py:{late.__code__.co_firstlineno}" in refused(lambda: step(late))


def test_a_method_is_refused_at_decoration() -> None:
    def make() -> None:
        class Model:
            @step
            def fit(self, x: int) -> int:
                return x

    assert "the method" in refused(make)


def test_options_of_a_wrong_kind_are_refused() -> None:
    assert "retries=-1" in refused(lambda: step(retries=-1)(refused))
    assert "timeout_seconds=0" in refused(lambda: step(timeout_seconds=0)(refused))
    assert "salt=3" in refused(lambda: step(salt=3)(refused))  # type: ignore[call-overload]
    assert "name=''" in refused(lambda: step(name="")(refused))


def test_wrong_arguments_inside_a_run_name_the_nearest_parameter(run: Any) -> None:
    with pytest.raises(AuthoringError) as caught:
        double(1, tmes=3)  # type: ignore[call-arg]
    told = str(caught.value)
    assert "did you mean 'times'" in told
    assert "double(x: int, times: int = 2)" in told


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"times": 1, "y": 2})]
)
def test_calls_that_do_not_fit_are_errors(run: Any, args: Any, kwargs: Any) -> None:
    with pytest.raises(AuthoringError, match="step 'double' was called with wrong arguments"):
        double(*args, **kwargs)


def test_the_repr_names_the_place() -> None:
    assert repr(double).startswith("<step double (")
    assert isinstance(double, Step)
