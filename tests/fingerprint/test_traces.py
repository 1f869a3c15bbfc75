"""Using a model is no change of it, and fitting it again gives an equal one, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from solvent.fingerprint.values import identify

ROOT = Path(__file__).parents[2]

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
TEXTS = ["a b c", "b c d", "the x"] * 20

MODELS: dict[str, tuple[Any, Any]] = {
    "tree": (lambda: DecisionTreeClassifier(random_state=0), X),
    "forest": (lambda: RandomForestClassifier(3, random_state=0), X),
    "boosting": (lambda: GradientBoostingClassifier(n_estimators=3, random_state=0), X),
    "histograms": (lambda: HistGradientBoostingClassifier(max_iter=3, random_state=0), X),
    "linear": (LogisticRegression, X),
    "vectors": (SVC, X),
    "neighbours": (lambda: KNeighborsClassifier(algorithm="kd_tree"), X),
    "balls": (lambda: KNeighborsClassifier(algorithm="ball_tree"), X),
    "density": (KernelDensity, X),
    "counts": (lambda: CountVectorizer(stop_words=["a"]), TEXTS),
    "hashing": (HashingVectorizer, TEXTS),
    "chain": (lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()), TEXTS),
    "columns": (lambda: ColumnTransformer([("n", StandardScaler(), [0]), ("c", OneHotEncoder(), [1])]), X.round()),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_the_same_fitted_again_and_after_use(name: str) -> None:
    make, data = MODELS[name]
    model, again = make().fit(data, Y), make().fit(data, Y)
    before = identify(model)
    assert identify(again) == before
    for use in ("predict", "transform", "score_samples"):
        if hasattr(model, use):
            getattr(model, use)(data)
    assert identify(model) == before


PROGRAM = """
from tests.fingerprint.test_traces import MODELS, Y, identify
print([identify(MODELS[name][0]().fit(MODELS[name][1], Y)).digest for name in ("forest", "neighbours", "chain")])
"""


@pytest.mark.slow
def test_models_fitted_in_other_processes_are_the_same() -> None:
    found = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


def test_a_booster_counts_by_its_trees() -> None:
    lightgbm = pytest.importorskip("lightgbm")

    def fit(rounds: int) -> Any:
        return lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(X, Y), rounds)

    one = fit(3)
    before = identify(one)
    one.predict(X)
    assert identify(one) == before == identify(fit(3))
    assert identify(fit(4)).digest != before.digest
