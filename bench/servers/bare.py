"""The least that answers: ASGI, typed decoding by msgspec, and the same two calls of scikit-learn.

MODEL=FOLDER uvicorn bare:app
"""

import os
import pickle
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

FOLDER = Path(os.environ["MODEL"])
NAMES = [f"x{at}" for at in range(30)]
Row = msgspec.defstruct("Row", [(name, float) for name in NAMES], gc=False)
Request = msgspec.defstruct("Request", [("records", list[Row])], gc=False)
scaler, model = (pickle.loads((FOLDER / f"{name}.pickle").read_bytes()) for name in ("scaler", "model"))
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
    answer = encode({"predictions": model.predict_proba(scaler.transform(rows))[:, 1].tolist()})
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": answer})
