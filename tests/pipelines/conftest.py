"""A tracer that runs each call at once and still hands out Refs, as a run does."""

from collections.abc import Iterator
from typing import Any

import pytest

from solvent.pipelines.containers import replace_refs
from solvent.pipelines.context import inside_run
from solvent.pipelines.ref import Ref, call_of, part_of, path_of


class Made:
    def __init__(self, step: Any, occurrence: int, result: Any) -> None:
        self.step = step
        self.occurrence = occurrence
        self.result = result


class Eager:
    def __init__(self) -> None:
        self.calls: list[Made] = []

    def call(self, step: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ref:
        arguments = replace_refs(step.bind(args, kwargs), self.value)
        occurrence = sum(made.step is step for made in self.calls)
        self.calls.append(Made(step, occurrence, step.apply(arguments)))
        return Ref(self, self.calls[-1], (), step.returns)

    def value(self, ref: Ref) -> Any:
        found = call_of(ref).result
        for part in path_of(ref):
            named = isinstance(part, str) and not part.isdigit()
            found = getattr(found, part) if named else found[int(part)]
        return found

    def each(self, ref: Ref) -> Iterator[Any]:
        return iter([part_of(ref, place) for place in range(len(self.value(ref)))])


@pytest.fixture
def run() -> Iterator[Eager]:
    tracer = Eager()
    with inside_run(tracer):
        yield tracer
