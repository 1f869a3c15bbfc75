"""The program of a bundle: its live steps as plain calls, with everything frozen read once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from solvent.artifacts.saving import load
from solvent.pipelines.containers import replace
from solvent.serving.code import Code
from solvent.serving.folder import CODE, Bundle
from solvent.serving.holes import CALL, FROZEN, REQUEST, Hole
from solvent.serving.manifest import Call


class Program:
    """The live steps of a bundle, ready to be called; `run` gives the response to a request.

    `calls` are the steps with the arguments that are still open. Building it loads the frozen artifacts and the code, whose
    modules are private to it: programs of other bundles, and the process, may have others of the same names.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        manifest = bundle.manifest
        blobs: Any = bundle.blobs
        self.code = Code(os.path.join(bundle.folder, CODE))
        with self.code.loading():
            self.frozen = [load(ref, blobs) for ref in manifest.frozen]
            self.calls = [
                LiveCall(call, self.code.find(call.function), load(call.arguments, blobs), self.frozen)
                for call in manifest.calls
            ]

    def run(self, request: Any) -> Any:
        """Answer one request, given as the type that the request has in the run."""
        results: list[Any] = []
        for call in self.calls:
            results.append(call.run(request, results))
        return self.answer(request, results)

    def answer(self, request: Any, results: list[Any]) -> Any:
        """Take the response out of the results of all calls."""
        return _at(self.bundle.manifest.answer, request, results, self.frozen)


Fill = Callable[[Any, list[Any]], Any]
"""Gives a live value from the request and the results of the calls before."""


class LiveCall:
    """One live step: its function, and its arguments with a hole for each value that is live."""

    def __init__(self, call: Call, step: Any, template: dict[str, Any], frozen: list[Any]) -> None:
        self.call = call
        self.step = step
        self.arguments = {name: replace(given, _is_frozen, _filling(frozen)) for name, given in template.items()}
        self.live = tuple(name for name, given in self.arguments.items() if _has_hole(given))
        self._function: Callable[..., Any] = self.step.__wrapped__
        self._args, self._kwargs = self.step.signature.split(self.arguments)
        self._open_args = [(at, _fill_of(given)) for at, given in enumerate(self._args) if _has_hole(given)]
        self._open_kwargs = [(name, _fill_of(given)) for name, given in self._kwargs.items() if _has_hole(given)]

    def run(self, request: Any, results: list[Any]) -> Any:
        """Call the step with the request and the results of the calls before it."""
        args, kwargs = self._args.copy(), self._kwargs
        for at, fill in self._open_args:
            args[at] = fill(request, results)
        if self._open_kwargs:
            kwargs = {**kwargs, **{name: fill(request, results) for name, fill in self._open_kwargs}}
        return self._function(*args, **kwargs)

    def apply(self, live: Mapping[str, Any]) -> Any:
        """Call the step with these values in place of its live arguments."""
        return self.step.apply({**self.arguments, **live})


def _fill_of(given: Any) -> Fill:
    """Make what fills an argument: most are a whole value, which costs nothing to look up."""
    if type(given) is Hole and not given.path:
        if given.kind == REQUEST:
            return lambda request, results: request
        index = given.index
        return lambda request, results: results[index]
    return lambda request, results: fill(given, request, results)


def fill(given: Any, request: Any, results: list[Any]) -> Any:
    """Give an argument with the values in its holes."""
    return replace(given, _is_hole, lambda hole: _at(hole, request, results, []))


def _is_hole(given: Any) -> bool:
    return type(given) is Hole


def _is_frozen(given: Any) -> bool:
    return type(given) is Hole and given.kind == FROZEN


def _has_hole(given: Any) -> bool:
    found: list[Hole] = []
    replace(given, _is_hole, found.append)
    return bool(found)


def _filling(frozen: list[Any]) -> Callable[[Hole], Any]:
    return lambda hole: _at(hole, None, [], frozen)


def _at(hole: Hole, request: Any, results: list[Any], frozen: list[Any]) -> Any:
    found = request if hole.kind == REQUEST else results[hole.index] if hole.kind == CALL else frozen[hole.index]
    for part in hole.path:
        found = _part(found, part)
    return found


def _part(whole: Any, part: str | int) -> Any:
    if isinstance(part, int):
        return whole[part]
    if part.isdigit():
        return whole[int(part)]
    return whole[part] if isinstance(whole, dict) else getattr(whole, part)
