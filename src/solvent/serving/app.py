"""The ASGI application of an endpoint: routes, limits, errors, and where predictions run."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from solvent.serving import failures, metrics
from solvent.serving.body import answer_early, read_body
from solvent.serving.exchange import JSON, Exchange, Gone, Receive, Refusal, Send, refusal_body
from solvent.serving.keys import Keys
from solvent.serving.model import Decoded, Model
from solvent.serving.predicting import Own, Predicted, Predictor, Reading
from solvent.serving.protocols import V2, Protocols, refusal_in_v2
from solvent.serving.routes import Route, Routes
from solvent.serving.settings import Settings
from solvent.serving.together import Together
from solvent.serving.told import Told
from solvent.serving.traffic import Traffic

ACCESS = logging.getLogger("solvent.serving.access")
GONE = 499
"""What is counted for a client that went away: it gets no answer."""
RETRY = (b"retry-after", b"1")
OWN = Own()


class Served(NamedTuple):
    """An answered prediction, for those who watch. `key` is what traffic is divided by."""

    model: Model
    id: bytes
    key: bytes
    decoded: Decoded
    answer: Any
    seconds: float


class Watcher(Protocol):
    """Sees what is served after the answer is sent: a log, a window, a shadow. Nothing that it raises fails a request."""

    def served(self, served: Served) -> None: ...
    def refused(self, refusal: Refusal) -> None: ...
    def families(self) -> Iterable[tuple[str, str, str, list[metrics.Sample]]]: ...


class App:
    """Answers requests with the models of `traffic`. One process, one event loop."""

    def __init__(
        self,
        traffic: Traffic,
        settings: Settings | None = None,
        keys: Keys | None = None,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self.traffic = traffic
        self.settings = settings or Settings()
        self.keys = keys
        self.watchers = list(watchers)
        self.together: Together | None = None
        self.metrics = metrics.Metrics()
        self.predictor = Predictor(self.settings)
        self.draining = False
        predict = Route("/predict", {"POST": self._predict})
        self.routes = Routes([predict, *Protocols(self).routes(), *Told(self).routes()])

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(Exchange(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.close()
        await send({"type": "lifespan.shutdown.complete"})

    def drain(self) -> None:
        """Answer 503 from now on, and tell whoever asks that this server is not ready."""
        self.draining = True

    def close(self) -> None:
        """End the thread of predictions."""
        self.predictor.worker.close()

    async def _serve(self, exchange: Exchange) -> None:
        counted = self.metrics
        counted.in_flight += 1
        try:
            await self._answer(exchange)
        except Gone:
            # One that only closed its side may still listen.
            if exchange.arrived:
                await self._refuse(exchange, Refusal(503, "the connection was closed while the request waited"))
            exchange.status = GONE
        except Exception as error:
            await self._refuse(exchange, failures.to_refusal(error, exchange, self.settings))
        finally:
            counted.in_flight -= 1
            seconds = time.perf_counter() - exchange.began
            counted.count(exchange.route, exchange.status, seconds)
            if self.settings.access_log:
                ACCESS.info("%s", failures.access_line(exchange, seconds))

    async def _answer(self, exchange: Exchange) -> None:
        route = self.routes.find(exchange)
        exchange.route = route.name
        if exchange.method == "OPTIONS":
            await exchange.answer(204, b"", [(b"allow", route.allowed)])
            return
        handler = route.handler(exchange.method)
        if self.keys is not None and not route.open:
            self.keys.check(exchange.headers)
        await handler(exchange)

    async def _refuse(self, exchange: Exchange, refusal: Refusal) -> None:
        for watcher in self.watchers if exchange.is_prediction else ():
            failures.quietly(watcher.refused, refusal)
        in_v2 = exchange.path.startswith(V2)
        body = refusal_in_v2(refusal) if in_v2 else refusal_body(refusal, exchange.id)
        models = self.traffic.models
        headers = [JSON, *(models[0].headers[1:] if models else ()), *refusal.headers]
        answer = answer_early if refusal.status == 413 else Exchange.answer
        await answer(exchange, refusal.status, body, headers)

    @property
    def models(self) -> Sequence[Model]:
        """All models that may answer."""
        return self.traffic.models

    def ready_model(self, exchange: Exchange, body: bytes = b"") -> Model:
        """Give the model for a request; Refusal 503 while there is none, or while the server ends."""
        if self.draining or not self.traffic.ready:
            raise Refusal(503, "this server is ending" if self.draining else "no model is ready", headers=[RETRY])
        return self.traffic.choose(exchange.headers, body, exchange.content_type)

    async def _predict(self, exchange: Exchange) -> None:
        await self.answer_with(OWN, exchange)

    async def answer_with(self, reading: Reading, exchange: Exchange, model: Model | None = None) -> None:
        """Answer a prediction in one protocol or another; the traffic says by which model where none is given."""
        body = await read_body(exchange, self.settings)
        model = model or self.ready_model(exchange, body)
        predicted = await self.predictor.predict(reading, model, exchange, body)
        await exchange.answer(200, predicted.body, exchange.told or model.headers)
        self.metrics.count_rows(model.name, predicted.decoded.rows)
        if self.watchers:
            self._show(exchange, model, predicted)

    def _show(self, exchange: Exchange, model: Model, predicted: Predicted) -> None:
        seconds = time.perf_counter() - exchange.began
        served = Served(model, exchange.id, exchange.key, predicted.decoded, predicted.value, seconds)
        for watcher in self.watchers:
            failures.quietly(watcher.served, served)

    def metrics_text(self) -> bytes:
        """Write all counters as Prometheus reads them, with those of the processes beside this one."""
        own = self.own_metrics_text()
        return own if self.together is None else self.together.gather(own)

    def own_metrics_text(self) -> bytes:
        """Write the counters of this process."""
        more = [family for watcher in self.watchers for family in watcher.families()]
        return metrics.text(self.metrics, self.traffic.models, self.predictor.worker.waiting, more)
