import inspect
from typing import Any, NamedTuple

import pytest

from solvent.errors import AuthoringError, RefError
from solvent.pipelines.context import inside_run
from solvent.pipelines.pipeline import pipeline
from solvent.pipelines.ref import each, value
from solvent.pipelines.step import step
from solvent.plan.trace import PlanTracer, describe_stop, trace


class Parts(NamedTuple):
    train: int
    test: int


@step
def load() -> list[int]:
    return [1, 2, 3]


@step
def split(rows: list[int]) -> Parts:
    return Parts(len(rows), 1)


@step
def fit(train: int, depth: int = 1) -> int:
    return train * depth


@pipeline
def body(gate: int = 2) -> int | None:
    parts = split(load())
    models = [fit(parts.train, depth) for depth in (1, 2)]
    return fit(parts.test, 3) if value(models[1]) > gate else None


def decided(plan: Any) -> list[tuple[str, str]]:
    return [(planned.call.step.spec.name, planned.what) for planned in plan.calls]


def test_nothing_runs_and_what_depends_on_a_run_may_run(known: Any) -> None:
    plan = trace("body", body, known("load"))
    assert decided(plan) == [("load", "reuse"), ("split", "run"), ("fit", "maybe"), ("fit", "maybe")]
    assert plan.calls[2].why == "split[0].train will be made again"
    assert plan.calls[1].why == "never run"


def test_a_value_that_is_not_there_ends_the_plan_and_is_named(known: Any) -> None:
    plan = trace("body", body, known("load", "split"))
    assert plan.stop is not None
    assert plan.stop.call.index == 3
    assert describe_stop(plan.stop).startswith("the rest depends on the value of fit[1] (")


def test_a_known_value_lets_the_plan_go_on(known: Any) -> None:
    plan = trace("body", body, known("load", "split", "fit"))
    assert plan.stop is None
    assert [what for _, what in decided(plan)] == ["reuse"] * 5
    assert plan.calls[4].call.control == (3,)


def test_expected_seconds_come_from_history(known: Any) -> None:
    plan = trace("body", body, known("load", seconds={"load": 9, "split": 2, "fit": 0.5}))
    assert [planned.seconds for planned in plan.calls] == [0, 2, 0.5, 0.5]
    assert plan.seconds == 3


def test_each_of_a_known_list_gives_its_elements(known: Any) -> None:
    plan = trace("elements", lambda: [fit(row) for row in each(load())], known("load", "fit"))
    assert decided(plan) == [("load", "reuse")] + [("fit", "reuse")] * 3


def test_no_except_of_the_body_hides_the_end(known: Any) -> None:
    def careful() -> None:
        try:
            value(load())
        except Exception:
            fit(1)

    assert decided(trace("careful", careful, known())) == [("load", "run")]


def test_mistakes_in_the_body_are_errors_with_the_users_line(known: Any) -> None:
    with pytest.raises(RefError, match="truth"):
        trace("wrong", lambda: fit(1) or fit(2), known())
    line = inspect.currentframe().f_lineno + 2  # type: ignore[union-attr]
    with inside_run(PlanTracer(known())), pytest.raises(AuthoringError) as caught:
        fit(1, depht=2)  # type: ignore[call-arg]
    assert "did you mean 'depth'" in str(caught.value)
    assert f"test_trace.py:{line}" in str(caught.value)
