"""An application with a tiny real bundle, asked in process as a server asks it."""

import asyncio
import json
import platform
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from solvent.artifacts.saving import save
from solvent.fingerprint.values import identify
from solvent.serving.app import App
from solvent.serving.folder import BLOBS, EXAMPLES, FolderBlobs, open_bundle
from solvent.serving.holes import CALL, REQUEST, Hole
from solvent.serving.keys import Keys
from solvent.serving.manifest import Call, Manifest
from solvent.serving.model import Model
from solvent.serving.schema import Column, Schema
from solvent.serving.settings import Settings
from solvent.serving.traffic import Traffic
from tests.serving.servers import Answer

T = TypeVar("T")

SOURCE = """
import time

import numpy as np

from solvent import step


@step
def price(rows: np.ndarray) -> np.ndarray:
    if (rows[:, 0] < 0).any():
        raise ValueError(f"no area is {rows[0, 0]}")
    if (rows[:, 0] > 1000).any():
        time.sleep(rows[0, 1])
    return rows[:, 0] * 2 + rows[:, 1]
"""
"""Areas above 1000 take as many seconds as there are rooms, areas below 0 fail."""
ROW = {"area": 10.0, "rooms": 2.0}


def tiny_bundle(folder: Path, source: str = SOURCE) -> Path:
    """Write a bundle of one live step without a run: it multiplies and adds two numbers."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "tiny.py").write_text(source)
    request = {"area": [1.0, 10.0], "rooms": [1.0, 2.0]}
    (folder / EXAMPLES).write_text(json.dumps({"request": request, "response": {"value": [3.0, 22.0]}}))
    template = {"rows": Hole(REQUEST, 0)}
    arguments = save(template, identify(template), FolderBlobs(str(folder / BLOBS)))  # type: ignore[arg-type]
    columns = (Column("area", "float64", "number"), Column("rooms", "float64", "number", low=1, high=9))
    manifest = Manifest(
        endpoint="tiny",
        python=".".join(platform.python_version_tuple()[:2]),
        packages={},
        calls=(Call("price", "tiny:price", arguments, (), ""),),
        frozen=(),
        answer=Hole(CALL, 0),
        request=Schema("numpy:ndarray", columns, (2,)),
        response=Schema("numpy:ndarray", (Column("value", "float64", "number"),), ()),
        files=_digests(folder),
    )
    (folder / "bundle.json").write_bytes(manifest.to_bytes())
    return folder


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): sha256(each.read_bytes()).hexdigest() for each in files}


def tiny_model(folder: Path) -> Model:
    return Model(open_bundle(str(tiny_bundle(folder))), "3")


def tiny_app(model: Model, keys: Keys | None = None, **settings: Any) -> App:
    return App(Traffic(model), Settings(**{"inline": True, **settings}), keys)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: a browser of another test may have an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Client:
    """Asks an application; `parts` of a body arrive one after another, None is a client that is gone, ... one that waits."""

    def __init__(self, app: App) -> None:
        self.app = app

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return run(self.ask("POST", path, body, headers))

    def get(self, path: str, **headers: str) -> Answer:
        return run(self.ask("GET", path, b"", headers))

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        parts: Sequence[Any] | None = None,
    ) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        left = list(parts or [data])
        sent: list[Mapping[str, Any]] = []
        told = {
            "content-type": "application/json",
            **{name.replace("_", "-"): text for name, text in (headers or {}).items()},
        }
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(name.lower().encode(), text.encode()) for name, text in told.items()],
            "query_string": b"",
        }

        async def receive() -> Mapping[str, Any]:
            part = left.pop(0) if left else ...
            if part is ...:
                await asyncio.sleep(3600)
            if part is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": part, "more_body": bool(left)}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return _answer(sent)


def _answer(sent: Sequence[Mapping[str, Any]]) -> Answer:
    if not sent:
        return Answer(0, {}, None)
    headers = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
    body = b"".join(each.get("body", b"") for each in sent[1:])
    is_json = headers.get("content-type") == "application/json" and body
    return Answer(sent[0]["status"], headers, json.loads(body) if is_json else body)
