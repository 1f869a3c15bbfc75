"""What a server tells about itself: /, /schema, /openapi.json, /metrics, and health for those who watch over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from solvent.serving import metrics
from solvent.serving.exchange import Exchange, to_json
from solvent.serving.keys import Keys
from solvent.serving.model import Model
from solvent.serving.routes import Handler, Route
from solvent.serving.settings import Settings

TEXT = (b"content-type", b"text/plain; charset=utf-8")


class Serving(Protocol):
    """The application, as its telling routes see it."""

    settings: Settings
    keys: Keys | None

    def ready_model(self, exchange: Exchange) -> Model: ...
    def metrics_text(self) -> bytes: ...


class Told:
    """The routes that tell something. What is made of a bundle is made once for each."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._made: dict[tuple[str, str], bytes] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/", {"GET": self._page}, open=True),
            Route("/schema", {"GET": self._json("schema", self._schema)}),
            Route("/openapi.json", {"GET": self._json("openapi", self._openapi)}),
            Route("/metrics", {"GET": self._metrics}),
            Route("/version", {"GET": _version}),
            Route("/v2/health/live", {"GET": _live}, open=True),
            *(Route(path, {"GET": self._ready}, open=True) for path in ("/v2/health/ready", "/ping", "/health")),
        ]

    async def _page(self, exchange: Exchange) -> None:
        from solvent.serving.pages import page, page_headers

        model = self._serving.ready_model(exchange)
        keyed = self._serving.keys is not None
        body = self._once("page", model, lambda: page(model, keyed=keyed))
        await exchange.answer(200, body, [*page_headers(), *model.headers[1:]])

    def _json(self, name: str, make: Callable[[Model], bytes]) -> Handler:
        async def answer(exchange: Exchange) -> None:
            model = self._serving.ready_model(exchange)
            await exchange.answer(200, self._once(name, model, lambda: make(model)), model.headers)

        return answer

    def _once(self, name: str, model: Model, make: Callable[[], bytes]) -> bytes:
        key = (name, model.name + model.digest)
        found = self._made.get(key)
        if found is None:
            if len(self._made) > 100:
                self._made.clear()  # many models have come and gone
            found = self._made[key] = make()
        return found

    def _schema(self, model: Model) -> bytes:
        from solvent.serving.openapi import schema_answer
        from solvent.serving.pages import about_page

        keyed = self._serving.keys is not None
        return to_json({**schema_answer(model, self._serving.settings), "page": about_page(model, keyed=keyed)})

    def _openapi(self, model: Model) -> bytes:
        from solvent.serving.openapi import document

        return to_json(document(model, keyed=self._serving.keys is not None))

    async def _metrics(self, exchange: Exchange) -> None:
        await exchange.answer(200, self._serving.metrics_text(), [metrics.CONTENT_TYPE])

    async def _ready(self, exchange: Exchange) -> None:
        model = self._serving.ready_model(exchange)
        await exchange.answer(200, b'{"ready":true}', model.headers)


async def _live(exchange: Exchange) -> None:
    await exchange.answer(200, b'{"live":true}')


async def _version(exchange: Exchange) -> None:
    from solvent import __version__

    await exchange.answer(200, __version__.encode(), [TEXT])
