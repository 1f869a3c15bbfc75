"""BentoML with the model of bench/serving.py: `MODEL=FOLDER bentoml serve serve_bentoml:Cancer`."""

import os
from pathlib import Path
from typing import Any

import bentoml
import numpy as np

NAMES = [f"x{at}" for at in range(30)]


@bentoml.service(workers=1)
class Cancer:
    def __init__(self) -> None:
        from skops import io as skops

        folder = Path(os.environ["MODEL"])
        self.scaler, self.model = (skops.load(folder / f"{name}.skops") for name in ("scaler", "model"))

    @bentoml.api
    def predict(self, records: list[dict[str, float]]) -> dict[str, Any]:
        rows = np.array([[row[name] for name in NAMES] for row in records])
        return {"predictions": self.model.predict_proba(self.scaler.transform(rows))[:, 1].tolist()}
