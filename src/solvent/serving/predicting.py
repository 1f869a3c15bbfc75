"""Where predictions run: on the event loop, in the thread, or with others of their kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from solvent.serving.batching import Batcher
from solvent.serving.exchange import Exchange, Refusal
from solvent.serving.model import Decoded, Model
from solvent.serving.settings import INLINE_BYTES, Settings
from solvent.serving.worker import Worker

T = TypeVar("T")
_BATCH_MS = 2.0


class Reading(Protocol):
    """A protocol: makes a request of a body, and a body of an answer."""

    def read(self, model: Model, exchange: Exchange, body: bytes) -> Decoded: ...
    def write(self, model: Model, exchange: Exchange, decoded: Decoded, value: Any) -> bytes: ...


class Predicted(NamedTuple):
    """An answered request: its body, and what it was made of, for those who watch."""

    body: bytes
    decoded: Decoded
    value: Any


class Predictor:
    """Answers bodies by one protocol or another, within the limits of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.worker = Worker(settings.queue_limit)

    async def predict(self, reading: Reading, model: Model, exchange: Exchange, body: bytes) -> Predicted:
        """Answer a body. BadRequest for what can't be read, StepError for a step that fails, Refusal for a limit."""
        model.codec.row_limit = self._settings.row_limit
        small = len(body) <= INLINE_BYTES
        if small and (self._settings.batch_rows or 1) > 1:
            return await self._with_others(reading, model, exchange, body)
        if small and self._is_inline(model):
            return self._now(reading, model, exchange, body)
        return await self._later(lambda: self._now(reading, model, exchange, body), exchange.is_closed)

    def _now(self, reading: Reading, model: Model, exchange: Exchange, body: bytes) -> Predicted:
        decoded = reading.read(model, exchange, body)
        self._check(decoded)
        value = model.run(decoded.value)
        return Predicted(reading.write(model, exchange, decoded, value), decoded, value)

    async def _with_others(self, reading: Reading, model: Model, exchange: Exchange, body: bytes) -> Predicted:
        decoded = reading.read(model, exchange, body)
        self._check(decoded)
        if decoded.rows == 1:
            value = await self._batcher(model).answer(decoded.value, exchange.is_closed)
        elif self._is_inline(model):
            value = model.run(decoded.value)
        else:
            value = await self._later(lambda: model.run(decoded.value), exchange.is_closed)
        return Predicted(reading.write(model, exchange, decoded, value), decoded, value)

    def _batcher(self, model: Model) -> Batcher:
        if model.batcher is None:
            settings = self._settings
            wait_ms = _BATCH_MS if settings.batch_ms is None else settings.batch_ms

            async def run(call: Callable[[], T]) -> T:
                return call() if self._is_inline(model) else await self._later(call, _never)

            model.batcher = Batcher(model, settings.batch_rows or 1, wait_ms / 1000, run)
        return model.batcher  # type: ignore[no-any-return]

    async def _later(self, call: Callable[[], T], gone: Callable[[], bool]) -> T:
        return await self.worker.run(call, self._settings.predict_seconds, gone)

    def _is_inline(self, model: Model) -> bool:
        inline = self._settings.inline
        return model.fast if inline is None else inline

    def _check(self, decoded: Decoded) -> None:
        if decoded.rows > self._settings.row_limit:
            raise Refusal(
                413,
                f"the request has {decoded.rows:,} rows, and at most {self._settings.row_limit:,} are answered at once;"
                " send them in parts",
            )


class Own:
    """Solvent's own protocol: records or columns, as JSON."""

    def read(self, model: Model, exchange: Exchange, body: bytes) -> Decoded:
        return model.codec.decode(body, exchange.content_type)

    def write(self, model: Model, exchange: Exchange, decoded: Decoded, value: Any) -> bytes:
        return model.codec.encode(value, b'%b,"id":"%b"' % (model.extra, exchange.id), decoded.rows)


def _never() -> bool:
    return False
