"""MLflow with the model of bench/serving.py: `MODEL=FOLDER python serve_mlflow.py` saves it to MODEL/mlflow."""

import os
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.pipeline import make_pipeline
from skops import io as skops

folder = Path(os.environ["MODEL"])
scaler, model = (skops.load(folder / f"{name}.skops") for name in ("scaler", "model"))
rows = pd.read_json(folder / "rows.json", orient="split")
pipeline = make_pipeline(scaler, model)
signature = infer_signature(rows, pipeline.predict_proba(rows.to_numpy()))
mlflow.sklearn.save_model(
    pipeline,
    folder / "mlflow",
    signature=signature,
    pyfunc_predict_fn="predict_proba",
    pip_requirements=[],
    serialization_format="cloudpickle",
)
