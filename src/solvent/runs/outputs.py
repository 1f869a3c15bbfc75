"""From a Ref to what it stands for: identities without loading, values only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from solvent.artifacts.saving import element, load
from solvent.errors import AuthoringError
from solvent.fingerprint.values import identify
from solvent.model import WHOLE, ArtifactRef, Blobs, Identity, Stored
from solvent.pipelines.step import Step
from solvent.runs.state import CallState, Output, Path


def accept_artifacts(state: CallState, outputs: Mapping[str, ArtifactRef]) -> None:
    """Take stored outputs, of an earlier execution or of a worker, as what this call gives."""
    for field, artifact in outputs.items():
        path = () if field == WHOLE else (field,)
        state.outputs[path] = Output(artifact.identity, artifact=artifact)


def accept_values(state: CallState, values: dict[str, Any], identities: dict[str, Identity]) -> None:
    """Take live values as what this call gives."""
    for field, value in values.items():
        output = state.outputs[() if field == WHOLE else (field,)] = Output(identities[field])
        if not is_path(value):
            output.hold(handed_on(value))


def is_path(value: Any) -> bool:
    """Whether a value is a file or folder: the next step gets the stored copy, which nobody can change any more."""
    return getattr(value, "__solvent_kind__", None) is not None


def handed_on(value: Any) -> Any:
    """Give the form in which a value goes to the next step in this process: arrays are read-only views."""
    if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray":
        view = value.view()
        view.flags.writeable = False
        return view
    return value


def output_at(state: CallState, path: Path, blobs: Blobs) -> Output:
    """Find the output at a path inside the result of an ended call."""
    found = state.outputs.get(path)
    if found is None:
        found = _whole(state) if path == () else _inside(state, path, blobs)
        state.outputs[path] = found
    return found


def value_of(state: CallState, path: Path, blobs: Blobs) -> Any:
    """Give the value at a path, live if it is at hand, else read from the store."""
    output = output_at(state, path, blobs)
    if not output.live:
        output.hold(_read(state, path, output, blobs))
    return output.value


def stored_form(state: CallState, path: Path, blobs: Blobs) -> Any:
    """Give what stands in a ticket for the value at a path: a Stored, or the value itself if it has no artifact."""
    output = output_at(state, path, blobs)
    if output.artifact is not None:
        return Stored(output.artifact)
    if path == () and state.call.step.fields:
        return rebuild(state.call.step, {f: stored_form(state, (f,), blobs) for f in state.call.step.fields})
    return value_of(state, path, blobs)


def rebuild(step: Step[..., Any], fields: dict[str, Any]) -> Any:
    """Put the declared fields of a step's output together again, as the type that the annotation names."""
    kind = step.output_type
    if kind is None or kind is tuple:
        return tuple(fields.values())
    if is_dataclass(kind):
        made = object.__new__(kind)
        for name, value in fields.items():
            object.__setattr__(made, name, value)
        return made
    return kind(*fields.values())


def _whole(state: CallState) -> Output:
    step = state.call.step
    stands = {name: _Stand(output.identity) for name, output in state.field_outputs().items()}
    return Output(identify(rebuild(step, stands), resolve=_identity_of_stand))


class _Stand:
    """Takes the place of a field while the identity of the whole is put together from those of its fields."""

    __slots__ = ("identity",)

    def __init__(self, identity: Identity) -> None:
        self.identity = identity


def _identity_of_stand(value: Any) -> Identity | None:
    return value.identity if type(value) is _Stand else None


def _inside(state: CallState, path: Path, blobs: Blobs) -> Output:
    parent = output_at(state, path[:-1], blobs)
    last = path[-1]
    if not parent.live and parent.artifact is not None and isinstance(last, int):
        child = element(parent.artifact, last)
        if child is not None:
            return Output(child.identity, artifact=child)
    whole = value_of(state, path[:-1], blobs)
    value = _walk(whole, last, state)
    return Output(identify(value, path=f"{state.name}{list(path)}"), value=handed_on(value))


def _walk(whole: Any, last: Any, state: CallState) -> Any:
    if isinstance(last, int):
        return whole[last]
    if isinstance(whole, tuple) and not hasattr(whole, last) and last.isdigit():
        return whole[int(last)]
    if not hasattr(whole, last):
        raise AuthoringError(
            f"the result of step `{state.name}` has no field `{last}`; it is a {type(whole).__name__}",
            where=state.call.line,
            hint="declare the output as a NamedTuple or dataclass with that field and return it",
        )
    return getattr(whole, last)


def _read(state: CallState, path: Path, output: Output, blobs: Blobs) -> Any:
    if output.artifact is not None:
        return handed_on(load(output.artifact, blobs))
    if path == () and state.call.step.fields:
        return rebuild(state.call.step, {f: value_of(state, (f,), blobs) for f in state.call.step.fields})
    raise AssertionError(f"output {path} of {state.name} is neither live nor stored")
