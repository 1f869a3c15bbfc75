"""Estimators as ONNX models: an accelerated backend, which only a replay may accept."""

from __future__ import annotations

from typing import Any

from solvent.artifacts.formats.onnx_models import INPUT, OnnxModel
from solvent.errors import BundleError

PACKAGES = ("sklearn", "lightgbm")


def is_convertible(type_name: str) -> bool:
    """Tell from the type of a frozen artifact whether it is an estimator that ONNX may stand for."""
    return type_name.partition(":")[0].partition(".")[0] in PACKAGES


def to_onnx(estimator: Any, what: str) -> OnnxModel:
    """Convert a fitted estimator of scikit-learn or LightGBM whose rows are numbers.

    Its numbers stay float64 where the converter can do that (scikit-learn), and are float32 otherwise (LightGBM).
    BundleError, with `what` for its name, if there is no converter for it, or none is installed.
    """
    try:
        import skl2onnx
    except ImportError:
        raise BundleError("backend 'onnx' needs its converters", hint="pip install 'solvent[onnx]'") from None
    of = f"{type(estimator).__module__.partition('.')[0]}.{type(estimator).__qualname__}"
    try:
        if hasattr(estimator, "feature_name") and not hasattr(estimator, "get_params"):
            return _of_booster(estimator, of)
        return _of_estimator(skl2onnx, estimator, of)
    except BundleError:
        raise
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise BundleError(
            f"{what}: a {of} can't be converted to ONNX: {first or type(error).__name__}",
            hint='leave out backend="onnx": the endpoint then serves the estimator itself',
        ) from error


def _of_estimator(skl2onnx: Any, estimator: Any, of: str) -> OnnxModel:
    """Convert with float64 numbers, or, where the converter or ONNX Runtime can't, with float32."""
    boosted = _register_lightgbm(estimator)
    if not boosted:
        try:
            return _converted(skl2onnx, estimator, of, "float64")
        except Exception as error:
            if not _is_of_types(error):
                raise
    return _converted(skl2onnx, estimator, of, "float32")


def _converted(skl2onnx: Any, estimator: Any, of: str, input_type: str) -> OnnxModel:
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = _kind(estimator)
    tensor = DoubleTensorType if input_type == "float64" else FloatTensorType
    graph = skl2onnx.to_onnx(
        estimator,
        initial_types=[(INPUT, tensor([None, int(estimator.n_features_in_)]))],
        options={id(estimator): {"zipmap": False}} if kind == "classifier" else None,
        target_opset={"": 18, "ai.onnx.ml": 3},
        naming="",
        name="model",
    )
    names = tuple(map(str, getattr(estimator, "feature_names_in_", ())))
    classes = estimator.classes_ if kind == "classifier" else None
    made = OnnxModel(graph.SerializeToString(), kind, of, input_type, names, classes)
    made.check()
    return made


def _is_of_types(error: Exception) -> bool:
    """Whether float64 is what stands in the way: ONNX Runtime has many operators for float32 alone."""
    return "onnxruntime" in type(error).__module__


def _of_booster(booster: Any, of: str) -> OnnxModel:
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    width = booster.num_feature()
    graph = convert_lightgbm(booster, "model", [(INPUT, FloatTensorType([None, width]))], target_opset=15, zipmap=False)
    binary = booster.dump_model()["objective"].startswith("binary")
    if not binary and booster.num_model_per_iteration() > 1:
        raise BundleError(f"a {of} of several classes has no ONNX model here", hint="use LGBMClassifier")
    return OnnxModel(graph.SerializeToString(), "booster" if binary else "regressor", of, "float32")


def _kind(estimator: Any) -> str:
    from sklearn.base import is_classifier, is_regressor

    if is_classifier(estimator):
        return "classifier"
    return "regressor" if is_regressor(estimator) else "transformer"


def _register_lightgbm(estimator: Any) -> bool:
    """Teach the converter LightGBM's estimators, if there is one in here; tell whether."""
    steps = [step for _, step in getattr(estimator, "steps", ())] or [estimator]
    if not any(type(step).__module__.startswith("lightgbm") for step in steps):
        return False
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        calculate_linear_classifier_output_shapes,
        convert_lightgbm,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        LGBMRegressor, "LightGbmLGBMRegressor", calculate_linear_regressor_output_shapes, convert_lightgbm
    )
    return True
