"""Estimators are written by skops with the types that may be trusted; what skops can't do is pickled and marked."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.errors import FormatError
from solvent.fingerprint.values import identify

X = np.random.default_rng(0).random((60, 3))
Y = np.arange(60) % 2


class Own(BaseEstimator):  # type: ignore[misc]
    def __init__(self, shift: float = 1.0) -> None:
        self.shift = shift


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(3, random_state=0),
        HistGradientBoostingClassifier(max_iter=3),
    ],
    ids=["pipeline", "forest", "boosting"],
)
def test_a_fitted_model_answers_as_before(model: Any, blobs: LocalBlobs) -> None:
    model.fit(X, Y)
    ref = save(model, identify(model), blobs, allow_pickle=False)
    again = load(ref, blobs, allow_pickle=False)
    assert ref.format == "skops"
    assert identify(again)[:2] == identify(model)[:2]
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))


def test_loading_trusts_the_recorded_types_only(blobs: LocalBlobs) -> None:
    ref = save(Own(2.0), identify(Own(2.0)), blobs)
    assert ref.meta["trusted"] == [f"{Own.__module__}.Own"]
    assert load(ref, blobs).shift == 2.0
    with pytest.raises(FormatError, match="types that were not there"):
        load(dataclasses.replace(ref, meta={"trusted": []}), blobs)


def test_without_skops_a_model_is_pickled_and_says_what_to_install(
    blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skops", None)
    model = LogisticRegression().fit(X, Y)
    ref = save(model, identify(model), blobs)
    assert (ref.format, ref.meta) == ("pickle", {"reason": "skops is not installed", "hint": "pip install skops"})
    with pytest.raises(FormatError, match="skops is not installed") as caught:
        save(model, identify(model), blobs, allow_pickle=False)
    assert caught.value.hint == "pip install skops"


def test_a_model_with_a_part_that_skops_does_not_know_is_pickled_with_the_reason(blobs: LocalBlobs) -> None:
    model = Own(shift=(number for number in ()))  # type: ignore[arg-type]
    with pytest.raises(FormatError) as caught:
        save(model, identify(1), blobs)
    assert caught.value.where == "value.shift"
