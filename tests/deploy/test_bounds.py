"""The bounds of a contract, in words that say by how much one is missed."""

import math
from collections.abc import Mapping

import pytest

from solvent.deploy.bounds import check_bounds
from solvent.pipelines.endpoint import Contract
from solvent.serving.verification import Bound, Measure

MEASURES = (
    Measure("bundle_mb", 2.5, "MB"),
    Measure("memory_mb", 212.0, "MB"),
    Measure("cpu_ms", 0.4, "ms"),
    Measure("p99_ms_8", 31.0, "ms"),
    Measure("cold_start_seconds", 2.0, "s"),
)


def bounds(contract: Contract, metrics: Mapping[str, float] | None = None) -> dict[str, Bound]:
    return {each.name: each for each in check_bounds(contract, metrics or {}, MEASURES, None)}


def test_a_bound_says_what_was_found_what_is_allowed_and_by_how_much_it_is_missed() -> None:
    found = bounds(Contract(memory_mb=150, bundle_mb=3, cpu_ms=0.4))
    assert found["memory_mb"].words == "memory_mb: 212 MB, at most 150 MB: 62 MB too much"
    assert found["bundle_mb"].words == "bundle_mb: 2.5 MB, at most 3 MB"
    assert [each.ok for each in found.values()] == [True, False, True]


def test_latency_and_cold_start_only_warn() -> None:
    found = bounds(Contract(p99_ms=30, cold_start_seconds=1))
    assert {name: (each.severity, each.ok) for name, each in found.items()} == {
        "p99_ms": ("warn", False),
        "cold_start_seconds": ("warn", False),
    }


def test_a_metric_is_found_by_its_name_or_with_its_step() -> None:
    metrics = {"evaluate.auc": 0.88, "evaluate.loss": 0.3}
    found = bounds(Contract(metrics={"auc": 0.9, "evaluate.loss": (None, 0.25)}), metrics)
    assert found["auc"].words == "auc: 0.88, at least 0.9: 0.02 too little"
    assert found["evaluate.loss"].words == "evaluate.loss: 0.3, at most 0.25: 0.05 too much"


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"evaluate.auc": 0.9}, "aucc: the run has no such metric; did you mean 'auc'?"),
        ({"evaluate.loss": 0.9}, "aucc: the run has no such metric; it has evaluate.loss"),
        ({}, "aucc: the run has no such metric; it has none"),
        (
            {"one.aucc": 0.9, "two.aucc": 0.9},
            "aucc: several steps of the run log it: one.aucc, two.aucc; name one of them",
        ),
    ],
)
def test_a_metric_that_is_not_there_refuses_and_says_what_is(metrics: dict[str, float], words: str) -> None:
    found = bounds(Contract(metrics={"aucc": 0.5}), metrics)["aucc"]
    assert (found.ok, found.severity, found.words) == (False, "gate", words)


def test_a_metric_that_is_no_number_keeps_no_bound() -> None:
    assert not bounds(Contract(metrics={"auc": 0.5}), {"evaluate.auc": math.nan})["auc"].ok
    assert not bounds(Contract(metrics={"auc": (None, 0.5)}), {"evaluate.auc": math.nan})["auc"].ok
