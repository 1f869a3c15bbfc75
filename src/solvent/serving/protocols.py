"""The routes of other protocols: the Open Inference Protocol V2, and MLflow's /invocations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from solvent.serving.exchange import Exchange, Refusal, to_json
from solvent.serving.model import Decoded, Model
from solvent.serving.predicting import Reading
from solvent.serving.routes import Route

if TYPE_CHECKING:
    from solvent.serving.invocations import Invocations
    from solvent.serving.v2 import TensorRequest, Tensors

V2 = "/v2"
LENGTH = b"inference-header-content-length"
BINARY = (b"content-type", b"application/octet-stream")


class Serving(Protocol):
    """The application, as the routes of other protocols see it."""

    @property
    def models(self) -> Sequence[Model]: ...
    def ready_model(self, exchange: Exchange, body: bytes = ...) -> Model: ...
    async def answer_with(self, reading: Reading, exchange: Exchange, model: Model | None = ...) -> None: ...


class Protocols:
    """Answers in other protocols with the same models, limits and checks."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._reads_tensors = _Tensors()
        self._reads_invocations = _Invocations()

    def routes(self) -> list[Route]:
        named, versioned = f"{V2}/models/{{m}}", f"{V2}/models/{{m}}/versions/{{v}}"
        return [
            Route("/invocations", {"POST": self._invocations}),
            Route(V2, {"GET": _server}),
            *(Route(path, {"GET": self._metadata}) for path in (named, versioned)),
            *(Route(f"{path}/ready", {"GET": self._ready}, open=True) for path in (named, versioned)),
            *(Route(f"{path}/infer", {"POST": self._infer}) for path in (named, versioned)),
        ]

    async def _invocations(self, exchange: Exchange) -> None:
        await self._serving.answer_with(self._reads_invocations, exchange)

    async def _infer(self, exchange: Exchange) -> None:
        # Without a version the traffic decides, which may be divided.
        wanted = self._find(exchange)
        await self._serving.answer_with(self._reads_tensors, exchange, wanted if len(exchange.rest) > 1 else None)

    async def _metadata(self, exchange: Exchange) -> None:
        model = self._find(exchange)
        told = {
            **tensors_of(model).metadata(),
            "versions": [each.version for each in self._serving.models if each.version],
        }
        await exchange.answer(200, to_json(told), model.headers)

    async def _ready(self, exchange: Exchange) -> None:
        model = self._find(exchange)
        await exchange.answer(200, to_json({"name": model.endpoint, "ready": True}), model.headers)

    def _find(self, exchange: Exchange) -> Model:
        """Give the model of a path: its name is the endpoint's. Refusal 404 names those that there are."""
        self._serving.ready_model(exchange)
        name, version = exchange.rest[0], exchange.rest[1] if len(exchange.rest) > 1 else None
        models = self._serving.models
        for model in models:
            if model.endpoint == name and version in (None, model.version):
                return model
        wanted = name if version is None else f"{name} of version {version}"
        known = ", ".join(dict.fromkeys(each.name for each in models))
        raise Refusal(404, f"there is no model {wanted[:100]}; there is {known}")


class _Tensors:
    """V2: a tensor for each column."""

    def read(self, model: Model, exchange: Exchange, body: bytes) -> Decoded:
        given = exchange.headers.get(LENGTH)
        if given is not None and not (given.isdigit() and len(given) < 12):
            raise Refusal(400, "Inference-Header-Content-Length is no number of bytes")
        return _Asked(tensors_of(model).decode(body, None if given is None else int(given)))

    def write(self, model: Model, exchange: Exchange, decoded: Any, value: Any) -> bytes:
        answer = tensors_of(model).encode(decoded.asked, value)
        if answer.header_bytes is not None:
            exchange.told = [BINARY, (LENGTH, b"%d" % answer.header_bytes), *model.headers[1:]]
        return answer.body


class _Asked:
    """A request in tensors, as those see it that predict and watch."""

    __slots__ = ("asked", "rows", "value")

    def __init__(self, asked: TensorRequest) -> None:
        self.asked = asked
        self.value = asked.decoded.value
        self.rows = asked.decoded.rows

    def columns(self) -> Mapping[str, Sequence[Any]]:
        return self.asked.decoded.columns()


class _Invocations:
    """MLflow's forms."""

    def read(self, model: Model, exchange: Exchange, body: bytes) -> Decoded:
        return invocations_of(model).decode(body, exchange.content_type)

    def write(self, model: Model, exchange: Exchange, decoded: Decoded, value: Any) -> bytes:
        return invocations_of(model).encode(value, b'%b,"id":"%b"' % (model.extra, exchange.id), decoded.rows)


def tensors_of(model: Model) -> Tensors:
    """Give the tensors of a model, made once."""
    found: Tensors = _once(model, "v2", _make_tensors)
    return found


def invocations_of(model: Model) -> Invocations:
    """Give MLflow's forms of a model, made once."""
    found: Invocations = _once(model, "invocations", _make_invocations)
    return found


def _once(model: Model, name: str, make: Callable[[Model], Any]) -> Any:
    found = model.protocols.get(name)
    if found is None:
        found = model.protocols[name] = make(model)
    return found


def _make_tensors(model: Model) -> Tensors:
    from solvent.serving.v2 import Tensors

    return Tensors(model.codec, model.endpoint, model.version)


def _make_invocations(model: Model) -> Invocations:
    from solvent.serving.invocations import Invocations

    return Invocations(model.codec)


async def _server(exchange: Exchange) -> None:
    from solvent import __version__

    told = {"name": "solvent", "version": __version__, "extensions": ["binary_tensor_data"]}
    await exchange.answer(200, to_json(told))


def refusal_in_v2(refusal: Refusal) -> bytes:
    """Write what is wrong as V2 has it: one sentence."""
    from solvent.serving.refusals import BadRequest
    from solvent.serving.v2 import error_body

    problems = [each for each in refusal.problems if "problem" in each]
    return error_body(BadRequest(problems, refusal.status) if problems else refusal.error)
