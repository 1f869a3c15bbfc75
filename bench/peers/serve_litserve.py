"""LitServe with the model of bench/serving.py: `MODEL=FOLDER python serve_litserve.py PORT`."""

import os
import sys
from pathlib import Path
from typing import Any

import litserve
import numpy as np

NAMES = [f"x{at}" for at in range(30)]


class Cancer(litserve.LitAPI):
    def setup(self, device: str) -> None:
        from skops import io as skops

        folder = Path(os.environ["MODEL"])
        self.scaler, self.model = (skops.load(folder / f"{name}.skops") for name in ("scaler", "model"))

    def decode_request(self, request: dict[str, Any]) -> Any:
        return np.array([[row[name] for name in NAMES] for row in request["records"]])

    def predict(self, x: Any) -> Any:
        return self.model.predict_proba(self.scaler.transform(x))[:, 1]

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Cancer(), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), host="127.0.0.1", generate_client_file=False, log_level="warning")
