"""The ASGI application: decodes requests by the schema, runs the program, and answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from solvent.serving.program import Program
from solvent.serving.tables import from_columns, to_columns

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class App:
    """Serves one program. Every answer names the bundle's digest."""

    def __init__(self, program: Program) -> None:
        self.program = program

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if scope["path"] == "/predict":
            await self._send(send, 200, self.predict(json.loads(body)))
        else:
            await self._send(send, 404, {"error": f"nothing at {scope['path']}"})

    def predict(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Answer records or columns."""
        manifest = self.program.bundle.manifest
        names = [each.name for each in manifest.request.columns]
        columns = asked.get("columns") or {name: [row[name] for row in asked["records"]] for name in names}
        answer = self.program.run(from_columns(columns, manifest.request))
        found = to_columns(answer, [each.name for each in manifest.response.columns])
        return {"predictions": next(iter(found.values())) if len(found) == 1 else found, "model": manifest.endpoint}

    async def _send(self, send: Send, status: int, answer: Any) -> None:
        headers = [(b"content-type", b"application/json"), (b"solvent-bundle", self.program.bundle.digest.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
