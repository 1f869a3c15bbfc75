from pathlib import Path
from typing import Any

import numpy as np
import pytest

import solvent
from solvent import log, pipeline, step
from solvent.runs.measured import INDEPENDENT, NO_EVIDENCE, NO_INTERVAL, PAIRED
from solvent.steps import evaluate


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solvent.toml").write_text("")
    return tmp_path


@step
def truth() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).normal(size=400)


@step
def guess(truth: np.ndarray[Any, Any], shift: float, noise: float) -> np.ndarray[Any, Any]:
    return truth + shift + noise * np.random.default_rng(2).normal(size=400)


@pipeline
def assess(shift: float = 0.0, noise: float = 1.0, rows: int = 400) -> Any:
    true = truth()
    return evaluate(true, guess(true, shift, noise))


@step
def report(numbers: dict[str, tuple[float, float, float] | float]) -> None:
    for name, number in numbers.items():
        value, *ends = number if isinstance(number, tuple) else (number,)
        log.metric(name, value, interval=(ends[0], ends[1]) if ends else None)


@pipeline
def reported(numbers: dict[str, Any]) -> None:
    report(numbers)


def verdicts(old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[str, str]]:
    first, second = solvent.run(reported, numbers=old), solvent.run(reported, numbers=new)
    return {each.name.partition(".")[2]: (each.verdict, each.method) for each in solvent.diff(first, second)["metrics"]}


def test_intervals_decide_whether_there_is_a_difference_and_names_which_way_is_good() -> None:
    old = {"auc": (0.7, 0.68, 0.72), "loss": (0.5, 0.49, 0.51), "bias": (-3.0, -3.1, -2.9), "size": (1.0, 0.9, 1.1)}
    new = {"auc": (0.71, 0.69, 0.73), "loss": (0.6, 0.59, 0.61), "bias": (1.0, 0.9, 1.1), "size": (2.0, 1.9, 2.1)}
    assert verdicts(old, new) == {
        "auc": (NO_EVIDENCE, INDEPENDENT),
        "loss": ("worse", INDEPENDENT),
        "bias": ("better", INDEPENDENT),
        "size": ("higher", INDEPENDENT),
    }


def test_without_intervals_the_verdict_says_so_by_its_method() -> None:
    found = verdicts({"auc": 0.7, "size": 2.0, "gone": 1.0}, {"auc": 0.6, "size": 1.0})
    assert found == {"auc": ("worse", NO_INTERVAL), "size": ("lower", NO_INTERVAL), "gone": ("", "")}


def test_runs_that_evaluated_the_same_rows_are_compared_pair_by_pair() -> None:
    first, second = solvent.run(assess), solvent.run(assess, shift=0.05)
    found = {each.name: each for each in solvent.diff(first, second)["metrics"]}
    bias = found["evaluate.bias"]
    # Each row's error moves by 0.05, in every resample.
    assert bias.method == PAIRED
    assert bias.change_interval == pytest.approx((0.05, 0.05), abs=1e-6)
    assert found["evaluate.mae"].verdict == NO_EVIDENCE
    apart = {each.name: each for each in solvent.diff(first, second, paired=False)["metrics"]}
    assert apart["evaluate.bias"].method == INDEPENDENT
    assert apart["evaluate.bias"].verdict == NO_EVIDENCE


def test_a_clear_gain_is_better() -> None:
    first, second = solvent.run(assess), solvent.run(assess, noise=0.5)
    found = {each.name: each.verdict for each in solvent.diff(first, second)["metrics"]}
    assert (found["evaluate.rmse"], found["evaluate.r2"]) == ("better", "better")


def test_the_metrics_of_a_step_are_read_back_whole() -> None:
    run = solvent.run(assess)
    found = run["evaluate"].evaluation
    assert found == run.result
    assert run["evaluate"].intervals == found.values
    assert run.intervals["evaluate.mae"].low < run.metrics["evaluate.mae"] < run.intervals["evaluate.mae"].high
    assert run["truth"].evaluation is None


def test_an_evaluation_differs_in_its_metrics_and_not_once_more_as_data() -> None:
    found = solvent.diff(solvent.run(assess), solvent.run(assess, shift=0.05))
    assert [each.name for each in found["data"]] == ["guess"]
