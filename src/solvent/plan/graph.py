"""The calls of a traced pipeline, in the order of its body, with what each one depends on."""

from __future__ import annotations

from typing import Any

from solvent.errors import AuthoringError
from solvent.pipelines.containers import find_refs, replace, replace_refs
from solvent.pipelines.places import calling_line, shorten
from solvent.pipelines.ref import Ref, call_of, path_of
from solvent.pipelines.step import Step

__all__ = ["Call", "CallLog", "find_refs", "replace", "replace_refs"]


class Call:
    """One call of a step: `index` is its place in the body, `occurrence` its place among the calls of that step.

    `arguments` has every parameter by name and may hold Refs; `refs` lists them with their paths. `producers` are the
    calls they stand for, with the declared field or None for the whole. `control` are the calls that the body waited
    for since the call before this one: whether this call and all later ones are made depends on them.
    """

    __slots__ = ("arguments", "control", "index", "line", "occurrence", "producers", "refs", "step")

    def __init__(
        self, index: int, step: Step[..., Any], arguments: dict[str, Any], occurrence: int, control: tuple[int, ...]
    ) -> None:
        self.index = index
        self.step = step
        self.arguments = arguments
        self.occurrence = occurrence
        self.control = control
        self.line = calling_line()
        self.refs: tuple[tuple[str, Ref], ...] = tuple(find_refs(arguments))
        self.producers: tuple[tuple[int, str | None], ...] = tuple(
            dict.fromkeys((call_of(ref).index, _field(ref)) for _, ref in self.refs)
        )

    def __repr__(self) -> str:
        return f"<call {self.index}: {self.step.spec.name}[{self.occurrence}] at {shorten(self.line)}>"


class CallLog:
    """The calls of one trace. Only a call that fits its step's signature gets in."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._steps: dict[str, Step[..., Any]] = {}
        self._counts: dict[str, int] = {}
        self._forced: dict[int, None] = {}

    def note(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Add a call, with its arguments bound to the parameters."""
        name = step.spec.name
        if self._steps.setdefault(name, step) is not step:
            _check_same(self._steps[name], step)
        occurrence = self._counts.get(name, 0)
        call = Call(len(self.calls), step, step.bind(args, kwargs), occurrence, tuple(self._forced))
        self._check_own(call)
        self._forced.clear()
        self._counts[name] = occurrence + 1
        self.calls.append(call)
        return call

    def _check_own(self, call: Call) -> None:
        for path, ref in call.refs:
            made_by = call_of(ref)
            if made_by.index >= len(self.calls) or self.calls[made_by.index] is not made_by:
                raise AuthoringError(
                    f"argument {path!r} of step {call.step.spec.name!r} is {ref!r} of another run",
                    where=shorten(call.line),
                    hint="pass the value: run[name].output",
                )

    def forced(self, index: int) -> None:
        """Note that the body waited for a call, so what it does from here on may depend on the result."""
        self._forced[index] = None


def _field(ref: Ref) -> str | None:
    path = path_of(ref)
    return path[0] if path and isinstance(path[0], str) else None


def _check_same(known: Step[..., Any], step: Step[..., Any]) -> None:
    """Steps that one function makes (`def make(k): @step def f(x): ...`) share a name and code; others may not."""
    if known.__wrapped__.__code__ != step.__wrapped__.__code__:
        old, new = known.spec, step.spec
        raise AuthoringError(
            f"two steps with different code are called {new.name!r}: {shorten(old.file)}:{old.line} "
            f"and {shorten(new.file)}:{new.line}",
            where=shorten(calling_line()),
            hint="rename one, or give it a name of its own: @step(name=...)",
        )
