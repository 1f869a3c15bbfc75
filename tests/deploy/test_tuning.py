"""How an endpoint is served follows from what was measured of it."""

from dataclasses import replace

from solvent.deploy.tuning import serving_settings
from solvent.serving.verification import Measure, StepTime, Verification

EMPTY = Verification("delays", "", 0.0, 0.0, 0, (), None, (), (), (), (), {}, {})


def measured(alone_ms: float, among_ms: float, request_ms: float) -> Verification:
    """One step that costs `alone_ms` for a row alone and `among_ms` for 32; the request as a whole costs more."""
    times = (StepTime("decode", 9.0, 32, 9.0), StepTime("predict", alone_ms, 32, among_ms))
    return replace(EMPTY, times=times, measures=(Measure("cpu_ms", request_ms, "ms"),))


def test_fast_steps_run_on_the_event_loop_and_slow_ones_in_a_thread() -> None:
    assert serving_settings(measured(0.2, 0.3, 0.4))["thread"] is False
    slow = serving_settings(measured(3.0, 3.5, 3.4))
    assert slow["thread"] is True
    assert slow["workers"] >= 1


def test_requests_are_batched_where_that_saves_enough() -> None:
    assert serving_settings(measured(0.25, 0.3, 0.4))["batch"] == {"rows": 32, "wait_ms": 0.25}
    assert serving_settings(measured(5.0, 6.0, 5.3))["batch"] == {"rows": 32, "wait_ms": 2.0}


def test_requests_are_not_batched_where_it_saves_little() -> None:
    rows_cost_alike = measured(0.2, 6.0, 0.4)
    little_time = measured(0.05, 0.06, 0.1)
    little_of_all = measured(0.2, 0.25, 2.0)
    assert [serving_settings(each)["batch"] for each in (rows_cost_alike, little_time, little_of_all)] == [None] * 3
