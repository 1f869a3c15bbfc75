import inspect
from typing import Any, NamedTuple

import pytest

from solvent.errors import AuthoringError
from solvent.pipelines.ref import Ref
from solvent.pipelines.step import step
from solvent.plan.graph import CallLog


class Parts(NamedTuple):
    train: int
    test: int


@step
def split(x: int) -> Parts: ...


@step
def fit(train: int, others: Any = (), depth: int = 3) -> int: ...


def refer(log: CallLog, call: Any) -> Any:
    return Ref(log, call, (), call.step.returns)  # type: ignore[arg-type]


def test_a_call_knows_its_arguments_place_and_line() -> None:
    log = CallLog()
    log.note(split, (1,), {})
    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    call = log.note(fit, (1,), {"depth": 5})
    assert call.arguments == {"train": 1, "others": (), "depth": 5}
    assert list(call.arguments) == ["train", "others", "depth"]
    assert (call.index, call.occurrence, call.line) == (1, 0, f"{__file__}:{line}")
    assert log.note(fit, (1,), {}).occurrence == 1
    assert log.calls[1] is call


def test_a_call_depends_on_the_fields_that_it_takes() -> None:
    log = CallLog()
    parts = refer(log, log.note(split, (1,), {}))
    model = refer(log, log.note(fit, (parts.train,), {}))
    call = log.note(fit, (parts.test,), {"others": [model, {"x": parts}, model]})
    assert call.producers == ((0, "test"), (1, None), (0, None))
    assert [path for path, _ in call.refs] == ["train", "others[0]", "others[1]['x']", "others[2]"]


def test_what_the_body_waited_for_is_noted_with_the_next_call() -> None:
    log = CallLog()
    log.note(split, (1,), {})
    log.note(split, (2,), {})
    log.forced(1)
    log.forced(0)
    log.forced(1)
    assert log.note(fit, (1,), {}).control == (1, 0)
    assert log.note(fit, (1,), {}).control == ()


def test_a_call_that_does_not_fit_is_no_part_of_the_graph() -> None:
    log = CallLog()
    with pytest.raises(AuthoringError):
        log.note(fit, (), {})
    assert log.calls == []
    assert log.note(fit, (1,), {}).occurrence == 0


def test_two_steps_of_one_name_with_different_code_are_an_error() -> None:
    @step(name="fit")
    def other(x: int) -> int: ...

    log = CallLog()
    log.note(fit, (1,), {})
    with pytest.raises(AuthoringError, match="two steps with different code are called 'fit'") as caught:
        log.note(other, (1,), {})
    assert str(caught.value).count("test_graph.py:") == 3


def test_steps_that_one_function_makes_may_share_a_name() -> None:
    def make(factor: int) -> Any:
        @step
        def scale(x: int) -> int:
            return x * factor

        return scale

    log = CallLog()
    log.note(make(2), (1,), {})
    assert log.note(make(3), (1,), {}).occurrence == 1


def test_a_result_of_another_run_is_refused() -> None:
    other = CallLog()
    foreign = refer(other, other.note(fit, (1,), {}))
    log = CallLog()
    log.note(fit, (1,), {})
    with pytest.raises(AuthoringError, match="of another run"):
        log.note(fit, (foreign,), {})


def test_a_call_shows_step_and_line() -> None:
    assert repr(CallLog().note(fit, (1,), {})).startswith("<call 0: fit[0] at ")
