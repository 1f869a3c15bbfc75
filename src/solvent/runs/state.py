"""What a run knows of one call while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from solvent.model import WHOLE, ArtifactRef, CodeFingerprint, Failure, Identity, Input

if TYPE_CHECKING:
    from solvent.plan.graph import Call

_NOTHING: Any = object()

FINISHED = frozenset({"done", "reused"})
ENDED = frozenset({"done", "reused", "failed", "skipped", "cancelled"})

Path = tuple[Any, ...]


class Output:
    """One output of a step run: its identity from the start, its artifact once written, its value while it is at hand."""

    __slots__ = ("_value", "artifact", "identity")

    def __init__(self, identity: Identity, *, artifact: ArtifactRef | None = None, value: Any = _NOTHING) -> None:
        self.identity = identity
        self.artifact = artifact
        self._value = value

    @property
    def live(self) -> bool:
        """Whether the value itself is in this process."""
        return self._value is not _NOTHING

    @property
    def value(self) -> Any:
        return self._value

    def hold(self, value: Any) -> None:
        self._value = value

    def drop(self) -> None:
        """Forget the live value; the next reader takes the stored bytes."""
        self._value = _NOTHING


class CallState:
    """One call in this run: where it stands, its key, and what came of it.

    `outputs` maps the path inside the result to its Output: `()` is the whole, `("train",)` a declared field. `handed`
    says that the pipeline's body was told of its failure. `missed` says in words why a former execution under the same
    key did not count.
    `refused` says that it could not even start, for the reason in `error`; `mended` that missing inputs were made again.
    """

    __slots__ = (
        "arguments",
        "attempt",
        "call",
        "code",
        "committed",
        "declared_files",
        "dependents",
        "error",
        "failure",
        "finished_at",
        "handed",
        "inputs",
        "key",
        "mended",
        "missed",
        "outputs",
        "parts",
        "producers",
        "refused",
        "seconds",
        "source",
        "status",
        "unmet",
        "why",
    )

    def __init__(self, call: Call) -> None:
        self.call = call
        self.status = "waiting"
        self.key = ""
        self.parts = "{}"
        self.code: CodeFingerprint | None = None
        self.inputs: tuple[Input, ...] = ()
        self.why = ""
        self.outputs: dict[Path, Output] = {}
        self.failure: Failure | None = None
        self.error: BaseException | None = None
        self.source: tuple[str, int] | None = None
        self.arguments: Mapping[str, Identity] = {}
        self.declared_files: tuple[str, ...] = ()
        self.attempt = 1
        self.seconds = 0.0
        self.finished_at = 0.0
        self.committed = False
        self.handed = False
        self.refused = False
        self.mended = False
        self.producers: list[CallState] = []
        self.unmet = 0
        self.dependents: list[CallState] = []
        self.missed: str = ""

    @property
    def index(self) -> int:
        return self.call.index

    @property
    def name(self) -> str:
        return self.call.step.spec.name

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def label(self) -> str:
        """Name the call as people do: `fit`, or `fit[2]` for the third call of that step."""
        return f"{self.name}[{self.call.occurrence}]" if self.call.occurrence else self.name

    def field_outputs(self) -> dict[str, Output]:
        """Return the outputs that are stored under names: the declared fields, else the whole."""
        fields = self.call.step.fields
        if fields:
            return {name: self.outputs[(name,)] for name in fields}
        return {WHOLE: self.outputs[()]}
