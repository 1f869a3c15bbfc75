"""Boosters are written in the files of their libraries, their wrappers around them, without pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.fingerprint.values import identify

X = np.random.default_rng(0).random((200, 3))
Y = (X[:, 0] > 0.5).astype(int)


def lightgbm() -> Any:
    library = pytest.importorskip("lightgbm")
    return library.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(X, Y)


def xgboost() -> Any:
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=3, n_jobs=1).fit(X, Y)


@pytest.mark.parametrize("make", [lightgbm, xgboost])
def test_a_wrapper_and_its_booster_answer_as_before(make: Any, blobs: LocalBlobs) -> None:
    model = make()
    ref = save(model, identify(model), blobs, allow_pickle=False)
    again = load(ref, blobs)
    assert ref.format == make.__name__
    assert type(again) is type(model)
    assert identify(again)[:2] == identify(model)[:2]
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))


def test_a_bare_booster_and_an_unfitted_model_come_back(blobs: LocalBlobs) -> None:
    library = pytest.importorskip("lightgbm")
    for model in (lightgbm().booster_, library.LGBMRegressor(n_estimators=7)):
        ref = save(model, identify(model), blobs, allow_pickle=False)
        assert ref.format == "lightgbm"
        assert identify(load(ref, blobs))[:2] == identify(model)[:2]
