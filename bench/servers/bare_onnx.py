"""The least that answers with ONNX Runtime: ASGI, typed decoding by msgspec, and one session for each estimator.

MODEL=FOLDER uvicorn bare_onnx:app
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime

FOLDER = Path(os.environ["MODEL"])
NAMES = [f"x{at}" for at in range(30)]
Row = msgspec.defstruct("Row", [(name, float) for name in NAMES], gc=False)
Request = msgspec.defstruct("Request", [("records", list[Row])], gc=False)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
scaler, model = (
    onnxruntime.InferenceSession(FOLDER / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
    for name in ("scaler", "model")
)
decode = msgspec.json.Decoder(Request).decode
encode = msgspec.json.Encoder().encode
HEADERS = [(b"content-type", b"application/json")]


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    rows = np.array([msgspec.structs.astuple(row) for row in decode(body).records])
    scaled = scaler.run(None, {"X": rows})[0]
    answer = encode({"predictions": model.run(["probabilities"], {"X": scaled})[0][:, 1].tolist()})
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": answer})
