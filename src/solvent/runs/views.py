"""Reading back: runs, their step runs and artifacts, as people look at them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from solvent.artifacts.saving import load
from solvent.errors import BlobError, NotFoundError, nearest
from solvent.model import WHOLE, ArtifactRef, CheckResult, Failure, Input, Metric, RunRecord, StepRunRecord
from solvent.runs.lives import status_of
from solvent.runs.result import Fields, decode_result, plain_result
from solvent.runs.stores import Stores
from solvent.runs.words import seconds_text, short_type, size_text

if TYPE_CHECKING:
    from solvent.profiles.records import Interval, Metrics, Profile


class Artifact:
    """A stored output: `value()` reads it back as the type that was saved."""

    def __init__(self, ref: ArtifactRef, stores: Stores) -> None:
        self._ref = ref
        self._stores = stores

    @property
    def ref(self) -> ArtifactRef:
        """The record of what it is and where its bytes are."""
        return self._ref

    @property
    def digest(self) -> str:
        return self._ref.digest

    @property
    def type(self) -> str:
        return self._ref.type

    @property
    def format(self) -> str:
        return self._ref.format

    @property
    def size_bytes(self) -> int:
        return self._ref.size_bytes

    @property
    def pickled(self) -> bool:
        """Whether reading it back runs pickle."""
        return self._ref.pickled

    @property
    def dropped(self) -> bool:
        """Whether its bytes were dropped on purpose; `value()` makes them again."""
        from solvent.runs.drop import is_dropped

        return is_dropped(self._stores, self._ref)

    @property
    def columns(self) -> Mapping[str, str] | None:
        """The digest of each column of a table, else None."""
        return self._ref.identity.columns

    @property
    def profile(self) -> Profile | None:
        """The statistics of a table or array, made now if it has none yet; None for anything else."""
        from solvent.runs.profiler import profile_of

        return profile_of(self._ref, self._stores)

    @property
    def known_profile(self) -> Profile | None:
        """The statistics that are in the store already."""
        from solvent.runs.datasets import read_profile

        return read_profile(self._stores, self.digest, self.type)

    def value(self) -> Any:
        """Read it back, its bytes checked against their digest, and made again if they are missing or damaged.

        BlobError if that can't be, TrustError if it is another project's and reading it runs code.
        """
        return self._stores.load(self._ref)

    def __repr__(self) -> str:
        mark = ", pickle" if self.pickled else ""
        return (
            f"<artifact {self.digest[:12]} {short_type(self.type)} ({size_text(self.size_bytes)}, {self.format}{mark})>"
        )


class Inputs(Mapping[str, Any]):
    """What a step run took, by argument; each is read when it is asked for."""

    def __init__(self, inputs: Sequence[Input], parts: Mapping[str, Any], stores: Stores) -> None:
        self._inputs = {each.name: each for each in inputs}
        self._texts = {name: given[2] for name, given in parts.get("arguments", {}).items()}
        self._stores = stores

    def __getitem__(self, name: str) -> Any:
        found = self._inputs.get(name)
        if found is not None:
            return self._stores.load(self._stores.metadata.find_artifact(found.digest, found.type))
        return _literal(self._texts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._texts, *self._inputs]))

    def __len__(self) -> int:
        return len(dict.fromkeys([*self._texts, *self._inputs]))

    def __repr__(self) -> str:
        shown = [f"{name}={self._texts.get(name) or short_type(self._inputs[name].type)}" for name in self]
        return f"<inputs {', '.join(shown)}>"


def _literal(text: str) -> Any:
    """Give the plain value that a text shows; a text that shows none stays one."""
    from ast import literal_eval

    try:
        return literal_eval(text)
    except (ValueError, SyntaxError):
        return text


class StepRun:
    """One call of a step in a run. A reused one shows what the execution that it reuses left behind."""

    def __init__(self, record: StepRunRecord, stores: Stores) -> None:
        self._record = record
        self._stores = stores

    @property
    def run_id(self) -> str:
        return self._record.run_id

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def index(self) -> int:
        """The place among the calls of this step, from 0."""
        return self._record.occurrence

    @property
    def position(self) -> int:
        """The place among all calls of the run, from 0."""
        return self._record.position

    @property
    def label(self) -> str:
        return f"{self.name}[{self.index}]" if self.index else self.name

    @property
    def status(self) -> str:
        return self._record.status

    @property
    def why(self) -> str:
        """Why it ran or was reused, in words."""
        return self._record.why

    @property
    def key(self) -> str:
        return self._record.key

    @property
    def source(self) -> tuple[str, int] | None:
        """The (run id, position) of the execution that a reused one reuses."""
        return self._record.source

    @property
    def seconds(self) -> float:
        """How long it took in this run; nearly nothing if it was reused."""
        execution = self._record.execution
        return execution.seconds if execution and self.source is None else 0.0

    @property
    def executed_seconds(self) -> float | None:
        """How long the execution took, also if it was that of another run."""
        return self._record.execution.seconds if self._record.execution else None

    @property
    def cpu_seconds(self) -> float | None:
        return self._record.execution.cpu_seconds if self._record.execution else None

    @property
    def peak_memory_bytes(self) -> int | None:
        return self._record.execution.peak_memory_bytes if self._record.execution else None

    @property
    def memory_scope(self) -> str | None:
        """Whose peak memory it is: "step", or "process" for a step that ran inside the caller's process."""
        return self._record.execution.memory_scope if self._record.execution else None

    @property
    def attempt(self) -> int:
        return self._record.attempt

    @property
    def error(self) -> Failure | None:
        return self._record.execution.failure if self._record.execution else None

    @property
    def parts(self) -> dict[str, Any]:
        """The parts of the cache key."""
        parts: dict[str, Any] = json.loads(self._record.parts or "{}")
        return parts

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """The stored outputs by declared field; the only one has the name "output"."""
        execution = self._record.execution
        refs = execution.outputs if execution else {}
        return {field if field != WHOLE else "output": Artifact(ref, self._stores) for field, ref in refs.items()}

    @cached_property
    def output(self) -> Any:
        """What the step returned; declared fields come as one object with these attributes."""
        if self.status not in ("done", "reused"):
            raise NotFoundError(f"`{self.label}` of run {self.run_id} has no output: it is {self.status}")
        found = self.artifacts
        if list(found) == ["output"]:
            return found["output"].value()
        return Fields({name: artifact.value() for name, artifact in found.items()})

    @property
    def inputs(self) -> Inputs:
        records = self._record.inputs
        if self.source is not None:
            # What was a literal here may have been a result there, and only results are stored.
            records = (*self._stores.metadata.step_run(*self.source).inputs, *records)
        return Inputs(records, self.parts, self._stores)

    @property
    def input_records(self) -> tuple[Input, ...]:
        return self._record.inputs

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return {metric.name: metric.value for metric in self._metrics}

    @property
    def intervals(self) -> dict[str, Interval]:
        """The last value of each metric with the ends of its 95 % interval, which are None where none is known."""
        from solvent.profiles.records import Interval

        return {metric.name: Interval(metric.value, metric.low, metric.high) for metric in self._metrics}

    @property
    def evaluation(self) -> Metrics | None:
        """What `solvent.steps.evaluate` found: metrics by slices, curves, confusion matrix; None for any other step."""
        from solvent.runs.measured import evaluation_of

        return evaluation_of(self)

    def series(self, name: str) -> list[tuple[int | None, float]]:
        """Give all values of a metric with their steps, in the order in which they were logged."""
        return [(metric.step, metric.value) for metric in self._metrics if metric.name == name]

    @property
    def _metrics(self) -> tuple[Metric, ...]:
        return self._record.execution.metrics if self._record.execution else ()

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """What came of its checks, in the order in which they are declared, also if one failed."""
        return self._record.execution.checks if self._record.execution else ()

    @property
    def attachments(self) -> dict[str, Artifact]:
        """The texts and figures that the step logged, by name."""
        execution = self._record.execution
        return {each.name: Artifact(each.artifact, self._stores) for each in execution.attachments} if execution else {}

    @property
    def observed(self) -> list[str]:
        """The files that it read, the folders that it listed and the modules that it imported meanwhile."""
        execution = self._record.execution
        return [each.subject for each in execution.observations if each.subject] if execution else []

    @property
    def log(self) -> str:
        """What it printed and logged."""
        source = self.source or (self.run_id, self.position)
        return self._stores.metadata.load_log(*source).decode("utf-8", "replace")

    @property
    def code(self) -> Any:
        """The fingerprint of the code that it could reach."""
        return self._stores.metadata.load_code(self._record.code) if self._record.code else None

    def note(self, text: str) -> None:
        """Add a note to this step run."""
        write_note(self._stores, "step_run", f"{self.run_id}/{self.position}", text)

    def __repr__(self) -> str:
        took = f", {seconds_text(self.seconds)}" if self.status == "done" else ""
        return f"<step run {self.label} of {self.run_id}: {self.status}{took}: {self.why}>"


class StepRuns(Sequence[StepRun]):
    """All calls of one step in a run; with a single call its attributes are reached directly."""

    def __init__(self, name: str, step_runs: Sequence[StepRun]) -> None:
        self._name = name
        self._step_runs = list(step_runs)

    @overload
    def __getitem__(self, index: int) -> StepRun: ...

    @overload
    def __getitem__(self, index: slice) -> list[StepRun]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return self._step_runs[index]

    def __len__(self) -> int:
        return len(self._step_runs)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_") or not hasattr(StepRun, attribute):
            raise AttributeError(attribute)
        if len(self._step_runs) != 1:
            raise NotFoundError(
                f"`{self._name}` was called {len(self._step_runs)} times, so `.{attribute}` is not one thing",
                hint=f'choose a call: run["{self._name}"][0].{attribute}',
            )
        return getattr(self._step_runs[0], attribute)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._step_runs)) or f"<no calls of {self._name}>"


class Run:
    """One execution of a pipeline, read from the store."""

    def __init__(self, record: RunRecord, stores: Stores, **known: Any) -> None:
        self._record = record
        self._stores = stores
        if "result" in known:
            self.__dict__["result"] = known["result"]

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def pipeline(self) -> str:
        return self._record.pipeline

    @property
    def record(self) -> RunRecord:
        return self._record

    @property
    def status(self) -> str:
        """running, done, failed or interrupted; a run whose process died is interrupted."""
        return status_of(self._record, self._stores.locks)

    @property
    def seconds(self) -> float | None:
        ended = self._record.ended_at
        return ended - self._record.started_at if ended is not None else None

    @property
    def started_at(self) -> float:
        return self._record.started_at

    @property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._record.config)
        return found

    @property
    def counts(self) -> dict[str, int]:
        """The number of step runs by status."""
        found: dict[str, int] = json.loads(self._record.counts)
        return found

    @property
    def error(self) -> str | None:
        return self._record.error

    @cached_property
    def result(self) -> Any:
        """What the pipeline returned, artifacts read back."""
        return decode_result(self._record.result, self._read)

    @property
    def plain_result(self) -> Any:
        """The result for JSON: JSON-typed values as they are, others as artifact references."""
        return plain_result(self._record.result, self._read_if_there)

    @cached_property
    def steps(self) -> list[StepRun]:
        """All step runs in call order."""
        return [StepRun(record, self._stores) for record in self._stores.metadata.list_step_runs(self.id)]

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric, as "step.metric"."""
        return {f"{s.label}.{name}": value for s in self.steps for name, value in s.metrics.items()}

    @property
    def intervals(self) -> dict[str, Interval]:
        """The last value of each metric with its 95 % interval, as "step.metric"."""
        return {f"{s.label}.{name}": value for s in self.steps for name, value in s.intervals.items()}

    def __getitem__(self, name: str) -> StepRuns:
        found = [each for each in self.steps if each.name == name]
        if not found:
            names = list(dict.fromkeys(each.name for each in self.steps))
            raise NotFoundError(
                f"run {self.id} has no step {name!r}{nearest(name, names)}", hint=f"steps: {', '.join(names) or 'none'}"
            )
        return StepRuns(name, found)

    def _read(self, digest: str, kind: str) -> Any:
        return self._stores.load(self._stores.metadata.find_artifact(digest, kind))

    def _read_if_there(self, digest: str, kind: str) -> Any:
        """Read a plain value to show it; for that alone no step is executed again."""
        try:
            return load(self._stores.metadata.find_artifact(digest, kind), self._stores.blobs)
        except BlobError:
            return ...

    @property
    def notes(self) -> list[str]:
        return [each.text for each in self._stores.metadata.notes("run", self.id)]

    @property
    def tags(self) -> list[str]:
        return [each.tag for each in self._stores.metadata.tags("run", self.id)]

    def note(self, text: str) -> None:
        """Add a note to this run."""
        write_note(self._stores, "run", self.id, text)

    def tag(self, *tags: str) -> None:
        """Add tags to this run."""
        from solvent.runs.facts import user_name

        metadata = self._stores.metadata

        def write() -> None:
            for tag in tags:
                metadata.add_tag("run", self.id, tag, user_name())

        metadata.write(write)

    def __repr__(self) -> str:
        took = f" in {seconds_text(self.seconds)}" if self.seconds is not None else ""
        counts = ", ".join(f"{number} {status}" for status, number in self.counts.items())
        return f"<run {self.id} of {self.pipeline}: {self.status}{took}{': ' + counts if counts else ''}>"

    def _repr_html_(self) -> str:
        from solvent.runs.html import run_html

        return run_html(self)


def write_note(stores: Stores, kind: str, id: str, text: str) -> None:
    """Write what this person says about something."""
    from solvent.runs.facts import user_name

    at = time.time()
    stores.metadata.write(lambda: stores.metadata.add_note(kind, id, text, user_name(), at))
