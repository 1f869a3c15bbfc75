import copy
import inspect
from dataclasses import dataclass
from typing import Any

import cloudpickle
import pytest

from solvent.errors import AuthoringError
from solvent.pipelines.pipeline import pipeline
from solvent.pipelines.ref import Ref, value
from solvent.pipelines.signature import NO_DEFAULT
from solvent.pipelines.step import step


@dataclass(frozen=True)
class Config:
    depth: int = 3


@step
def fit(depth: int) -> int:
    return depth * 2


@pipeline
def train(config: Config) -> int:
    """Train one model."""
    return fit(config.depth)


@pipeline(name="chain of steps")
def chain(n: int = 2, label: "str" = "x") -> list[int]:
    return [fit(i) for i in range(n)]


def test_outside_a_run_a_pipeline_is_the_plain_function() -> None:
    assert train(Config()) == 6
    assert chain(n=3) == [0, 2, 4]


def test_inside_a_run_a_nested_pipeline_is_a_call(run: Any) -> None:
    @pipeline
    def outer() -> int:
        return train(Config(fit(1)))

    made = outer()
    assert type(made) is Ref
    assert value(made) == 4
    assert [call.step.spec.name for call in run.calls] == ["fit", "fit"]


def test_a_pipeline_knows_its_config_type() -> None:
    assert train.config_type is Config
    assert train.parameters is None
    assert chain.config_type is None
    assert chain.parameters == {"n": (int, 2), "label": (str, "x")}


def test_a_parameter_without_default_is_marked() -> None:
    @pipeline
    def sub(table: int, share: float = 0.5) -> int:
        return table

    assert sub.parameters == {"table": (int, NO_DEFAULT), "share": (float, 0.5)}


def test_a_config_class_of_the_surrounding_function_is_found_though_it_is_text() -> None:
    @dataclass
    class Local:
        a: int = 1

    @pipeline
    def run(config: "Local") -> None: ...

    assert run.config_type is Local


def test_what_is_known_of_a_pipeline() -> None:
    assert (train.name, train.qualname, train.module) == ("train", "train", __name__)
    assert chain.name == "chain of steps"
    assert train.file == __file__
    assert inspect.signature(train).parameters.keys() == {"config"}
    assert train.__doc__ == "Train one model."
    assert repr(train).startswith("<pipeline train (")
    assert copy.deepcopy(train) is train


def test_a_pipeline_in_a_function_travels_by_value() -> None:
    @pipeline
    def local() -> int:
        return 5

    assert cloudpickle.loads(cloudpickle.dumps(local))() == 5


def test_what_can_not_be_a_pipeline_is_refused() -> None:
    async def late() -> None: ...

    def stream() -> Any:
        yield 1

    for wrong in (late, stream, Config, lambda: 1, fit, train):
        with pytest.raises(AuthoringError):
            pipeline(wrong)  # type: ignore[call-overload]


def test_a_recursive_pipeline_without_end_is_an_error(run: Any) -> None:
    @pipeline
    def again(n: int) -> int:
        return again(n + 1)

    with pytest.raises(AuthoringError, match="'again' calls itself without end"):
        again(0)


def test_a_recursive_pipeline_that_ends_works(run: Any) -> None:
    @pipeline
    def down(n: int) -> int:
        return n if n == 0 else down(value(fit(n)) - n - 1)

    assert down(5) == 0
