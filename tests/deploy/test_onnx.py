import warnings
from typing import Any

import pytest

from solvent.artifacts.formats.onnx_models import OnnxModel
from solvent.artifacts.saving import load, save
from solvent.deploy.onnx import is_convertible, to_onnx
from solvent.errors import BundleError
from solvent.fingerprint.values import identify
from solvent.serving.folder import FolderBlobs

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def rows() -> Any:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def fitted(name: str) -> Any:
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    made = {
        "linear": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": lambda: RandomForestClassifier(n_estimators=5, random_state=0),
        "lightgbm": lambda: LGBMClassifier(n_estimators=5, verbose=-1),
    }
    return made[name]().fit(*rows())


@pytest.mark.parametrize(("name", "error"), [("linear", 1e-12), ("forest", 1e-6), ("lightgbm", 1e-6)])
def test_a_model_gives_what_its_estimator_gives(name: str, error: float) -> None:
    estimator, (table, _) = fitted(name), rows()
    model = to_onnx(estimator, "model")
    assert abs(model.predict_proba(table) - estimator.predict_proba(table)).max() < error
    assert (model.predict(table) == estimator.predict(table)).mean() > 0.99
    assert model.predict(table).dtype == estimator.predict(table).dtype
    assert model.classes_.tolist() == estimator.classes_.tolist()


def test_a_transformer_transforms_and_columns_are_taken_by_name() -> None:
    import pandas as pd
    from sklearn.preprocessing import StandardScaler

    table = pd.DataFrame(rows()[0][:, :3], columns=["a", "b", "c"])
    scaler = StandardScaler().fit(table)
    model = to_onnx(scaler, "scaler")
    assert abs(model.transform(table[["c", "a", "b"]]) - scaler.transform(table)).max() < 1e-12
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


def test_a_model_comes_back_from_the_store_as_it_was(tmp_path: Any) -> None:
    model = to_onnx(fitted("linear"), "model")
    blobs: Any = FolderBlobs(str(tmp_path))
    kept = save(model, identify(model), blobs)
    again = load(kept, blobs)
    assert kept.format == "onnx"
    assert type(again) is OnnxModel
    assert again.graph == model.graph
    assert (again.predict(rows()[0]) == model.predict(rows()[0])).all()


def test_the_same_estimator_gives_the_same_bytes() -> None:
    estimator = fitted("linear")
    assert to_onnx(estimator, "model").graph == to_onnx(estimator, "model").graph


def test_what_has_no_converter_is_refused_by_name() -> None:
    from sklearn.base import BaseEstimator

    class Own(BaseEstimator):
        n_features_in_ = 2

    with warnings.catch_warnings(), pytest.raises(BundleError, match=r"`model`: a .*Own can't be converted to ONNX"):
        to_onnx(Own(), "`model`")


def test_estimators_of_both_libraries_are_convertible_and_data_is_not() -> None:
    assert is_convertible("sklearn.linear_model._logistic:LogisticRegression")
    assert is_convertible("lightgbm.basic:Booster")
    assert not is_convertible("pandas:DataFrame")
