"""A loaded bundle, ready to answer requests."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from solvent.serving.folder import ANNOTATIONS, Bundle
from solvent.serving.program import Program
from solvent.serving.wire import Codec


class Decoded(Protocol):
    """What a codec made of a body: `value` for the first live step, the number of rows, and the columns on demand."""

    @property
    def value(self) -> Any: ...
    @property
    def rows(self) -> int: ...
    def columns(self) -> Mapping[str, Sequence[Any]]: ...


class StepError(Exception):
    """A live step failed with the error that is its cause; `kind` is the type's name."""

    def __init__(self, step: str, error: BaseException) -> None:
        super().__init__(f"step {step} failed with {type(error).__name__}")
        self.step = step
        self.kind = type(error).__name__


class Answer(NamedTuple):
    """An answered request: its body, and what it was made of, for those who watch."""

    body: bytes
    decoded: Decoded
    value: Any


class Model:
    """A loaded bundle: `digest` names it, `version` is that of the registry, "" for a bundle of its own.

    `name` is "endpoint@version"; `fast` says, after the warm-up, that a row takes less than a millisecond.
    Predictions of one model may run in one thread at a time.
    """

    def __init__(self, bundle: Bundle, version: str = "") -> None:
        manifest = bundle.manifest
        self.bundle = bundle
        self.endpoint = manifest.endpoint
        self.version = version
        self.digest = bundle.digest
        self.name = f"{self.endpoint}@{version}" if version else self.endpoint
        self.program = Program(bundle)
        self.codec = Codec(manifest.request, manifest.response, find=self.program.code.find)
        self.headers = [
            (b"content-type", b"application/json"),
            (b"solvent-model", self.name.encode("ascii", "backslashreplace")),
            (b"solvent-bundle", self.digest.encode()),
        ]
        self.extra = f'"model":{json.dumps(self.name)},"bundle":"{self.digest}"'.encode()
        self.steps = tuple(call.step for call in manifest.calls)
        self.step_seconds = [0.0] * len(self.steps)
        self.step_calls = 0
        self.annotations = _read_annotations(bundle.folder)
        self.fast = False
        self.batcher: Any = None
        self.protocols: dict[str, Any] = {}
        self.loaded_at = time.time()

    def predict(self, body: bytes, content_type: str, id: bytes, check: Callable[[Decoded], None]) -> Answer:
        """Answer a body in Solvent's own protocol. BadRequest for what can't be read, StepError for a step that fails."""
        decoded = self.codec.decode(body, content_type)
        check(decoded)
        value = self.run(decoded.value)
        return Answer(self.codec.encode(value, b'%b,"id":"%b"' % (self.extra, id), decoded.rows), decoded, value)

    def run(self, request: Any) -> Any:
        """Give the response to a request of the type that the first live step takes; the time of each step is counted."""
        results: list[Any] = []
        spent = self.step_seconds
        before = time.perf_counter()
        for at, call in enumerate(self.program.calls):
            try:
                results.append(call.run(request, results))
            except (Exception, SystemExit) as error:
                raise StepError(call.call.step, error) from error
            now = time.perf_counter()
            spent[at] += now - before
            before = now
        self.step_calls += 1
        return self.program.answer(request, results)


def _read_annotations(folder: str) -> Mapping[str, Any]:
    """Read what is told beside a bundle: its run, times, and how it was measured to be served best."""
    try:
        with open(os.path.join(folder, ANNOTATIONS), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        # They are no part of the bundle: without them it answers as well.
        return {}
    return found if isinstance(found, dict) else {}
