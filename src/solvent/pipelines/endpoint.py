"""The declaration of an endpoint, beside its pipeline: which output stands for the request, and which is the response."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from solvent.errors import AuthoringError
from solvent.pipelines.places import shorten

BACKENDS = ("python", "onnx")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OUTPUT = re.compile(r"(?P<step>\w+)(?:\[(?P<index>\d+)\])?(?:\.(?P<field>\w+))?")


@dataclass(frozen=True, slots=True)
class Contract:
    """What an endpoint has to keep; a bound that is None is not checked.

    `metrics` maps a metric of the run ("auc", or "evaluate.auc" where several steps log one of that name) to the least that
    it may be, or to a pair (least, most) of which either may be None. `bundle_mb`, `memory_mb` (after a load test) and
    `cpu_ms` (of a request of one row) are limits of the release, as `tolerance` (absolute, of replayed float64 answers) and
    `label_flips` (answers of another class) are. `p99_ms` and `cold_start_seconds` depend on the machine: they warn.
    """

    metrics: Mapping[str, float | tuple[float | None, float | None]] = field(default_factory=dict)
    bundle_mb: float | None = None
    memory_mb: float | None = None
    cpu_ms: float | None = None
    p99_ms: float | None = None
    cold_start_seconds: float | None = None
    tolerance: float = 1e-9
    label_flips: int = 0


class Output:
    """An output of the calls of a step, as a declaration names it: `split.test`, `predict`, `predict[2]`.

    `index` chooses one of several calls of the step; `field` is a declared field of what it returns, "" for the whole.
    """

    __slots__ = ("field", "index", "step", "text")

    def __init__(self, text: str, where: str | None = None) -> None:
        found = _OUTPUT.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise AuthoringError(
                f"{text!r} names no output", where=where, hint="write STEP, STEP.FIELD or STEP[2].FIELD"
            )
        self.text = text
        self.step: str = found["step"]
        self.index: int | None = int(found["index"]) if found["index"] else None
        self.field: str = found["field"] or ""

    def __repr__(self) -> str:
        return f"<output {self.text}>"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is served: the part of a recorded run of `pipeline` between the outputs `request` and `response`.

    An output is "STEP", "STEP.FIELD" or "STEP[2].FIELD"; a name stands for the calls of the step that the run's result is
    made of, or that are made of it. What depends on the request is live, all else is frozen to what it was in the run.
    `label` is the column of the request that is predicted: no answer may depend on it, and no request has it. `columns`
    names the columns of a request that is an array. `backend` "onnx" replaces the model by one of ONNX Runtime.
    AuthoringError if the declaration is not valid; whether a run has such a slice is known when it is cut (BundleError).
    """

    name: str
    pipeline: Any
    request: str
    response: str
    contract: Contract = field(default_factory=Contract)
    label: str | None = None
    columns: Sequence[str] = ()
    backend: str = "python"
    module: str = ""

    def __post_init__(self) -> None:
        declaring = sys._getframe(2)  # above the generated __init__, which has no file
        where = shorten(f"{declaring.f_code.co_filename}:{declaring.f_lineno}")
        for broken, said, hint in self._rules():
            if broken:
                raise AuthoringError(said, where=where, hint=hint)
        for text in (self.request, self.response):
            Output(text, where)
        object.__setattr__(self, "module", declaring.f_globals.get("__name__", ""))

    def _rules(self) -> Iterator[tuple[bool, str, str]]:
        """Give each rule: whether it is broken, what to say then, and what to do."""
        named = isinstance(self.name, str) and _NAME.fullmatch(self.name) is not None
        yield not named, f"{self.name!r} can't be an endpoint's name", "use letters, digits and - _ ."
        name = f"endpoint {self.name!r}"
        is_pipeline = getattr(self.pipeline, "__solvent_pipeline__", False)
        yield not is_pipeline, f"{name}: expected a pipeline, found {self.pipeline!r}", "decorate it with @pipeline"
        yield self.backend not in BACKENDS, f"{name}: backend={self.backend!r}", f"one of {', '.join(BACKENDS)}"
        contract = isinstance(self.contract, Contract)
        yield not contract, f"{name}: contract={self.contract!r}", "contract=Contract(metrics={...}, ...)"
        label = self.label is None or isinstance(self.label, str)
        yield not label, f"{name}: label={self.label!r}", "name the column that is predicted"
        texts = not isinstance(self.columns, str) and all(isinstance(each, str) for each in self.columns)
        distinct = texts and len(set(self.columns)) == len(self.columns)
        yield not distinct, f"{name}: columns={self.columns!r}", "give a list of distinct names"
