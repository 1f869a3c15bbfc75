"""One execution of a step, the same in every process: seed it, watch it, capture it, identify what it returns."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from solvent.artifacts.saving import content_digest, save
from solvent.config.masking import masked, masked_bytes
from solvent.errors import AuthoringError, FormatError, SolventError
from solvent.fingerprint.values import identify, type_name
from solvent.model import WHOLE, ArtifactRef, Blobs, CheckResult, Failure, FileMemo, Identity, Observation
from solvent.pipelines.context import inside_step
from solvent.pipelines.step import Step
from solvent.runs.catalogue import reading
from solvent.runs.natives import load_needed
from solvent.runs.observe import Observer
from solvent.runs.randomness import Seeding, step_seed
from solvent.runs.scope import StepScope
from solvent.runs.tracebacks import user_traceback
from solvent.runs.usage import Usage

if TYPE_CHECKING:
    from solvent.sources.session import Sources


class Job(NamedTuple):
    """What to execute: the step, its arguments as plain values, and the places it may use."""

    step: Step[..., Any]
    arguments: Mapping[str, Any]
    key: str
    run_seed: int
    root: str
    home: str
    declared_files: tuple[str, ...]
    memo: FileMemo | None
    ignore_threads: frozenset[int] = frozenset()
    packages: tuple[str, ...] = ()
    known_modules: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    sources: Sources | None = None


class Outcome:
    """What one execution gave: values with their identities, or a failure, and everything that was seen meanwhile."""

    __slots__ = (
        "checks",
        "cpu_seconds",
        "error",
        "failure",
        "identities",
        "log",
        "log_bytes",
        "memory_scope",
        "observations",
        "peak_memory_bytes",
        "scope",
        "seconds",
        "started_at",
        "stored",
        "values",
        "whole",
    )

    def __init__(self, scope: StepScope) -> None:
        self.scope = scope
        self.values: dict[str, Any] = {}
        self.identities: dict[str, Identity] = {}
        self.stored: dict[str, ArtifactRef] = {}
        self.whole: Identity | None = None
        self.started_at = self.seconds = self.cpu_seconds = 0.0
        self.peak_memory_bytes = 0
        self.memory_scope = "process"
        self.failure: Failure | None = None
        self.error: BaseException | None = None
        self.observations: tuple[Observation, ...] = ()
        self.checks: tuple[CheckResult, ...] = ()
        self.log = b""
        self.log_bytes = 0


def execute(job: Job, blobs: Blobs, output: Any, *, in_worker: bool) -> Outcome:
    """Run the step once. A failure of the step is in the outcome; KeyboardInterrupt alone passes through."""
    scope = StepScope(step_seed(job.run_seed, job.key), blobs)
    outcome = Outcome(scope)
    load_needed(job.packages)
    observer = Observer(
        job.root,
        job.home,
        declared=job.declared_files,
        known_modules=job.known_modules,
        memo=job.memo,
        ignore_threads=job.ignore_threads,
    )
    seeding = Seeding(scope._seed, restore=not in_worker)
    usage = Usage(in_worker=in_worker)
    outcome.started_at = time.time()
    began = time.perf_counter()
    with usage, output:
        try:
            with inside_step(scope), seeding, observer, reading(job.sources, scope):
                returned = _call(job)
                before = _check(job, returned, outcome) if job.step.checks else None
            outcome.seconds = time.perf_counter() - began
            _identify_outputs(job.step, returned, outcome, blobs)
            if before is not None:
                _refuse_changes(job.step, before, outcome)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            outcome.seconds = time.perf_counter() - began
            outcome.error = error
            outcome.failure = describe_failure(error)
            output.note(outcome.failure.traceback)
    outcome.cpu_seconds = usage.cpu_seconds
    outcome.peak_memory_bytes = usage.peak_memory_bytes
    outcome.memory_scope = usage.memory_scope
    outcome.log, outcome.log_bytes = masked_bytes(output.log), output.log_bytes
    outcome.observations = _observations(observer, scope, seeding, job.run_seed)
    return outcome


def _call(job: Job) -> Any:
    """Call the step. A process that it forks ends where the step ends: its answer must not pass for the step's."""
    here = os.getpid()
    try:
        return job.step.apply(job.arguments)
    finally:
        if os.getpid() != here:
            _leave(sys.exc_info()[1])


def _check(job: Job, returned: Any, outcome: Outcome) -> str | None:
    """Look at what the step gave back, as part of it: a file that a check reads counts for the reuse of the step.

    Gives the digest that it had before, if a function of the user looked at what can be changed.
    """
    from solvent.runs.checking import digest_before, look

    fields = split_fields(job.step, returned) if job.step.fields else {}
    before = digest_before(job.step, returned, fields)
    looked = look(job.step, returned, fields, job.sensitive)
    outcome.checks = looked.results
    failure = looked.failure()
    if failure is not None:
        raise failure
    return before


def _refuse_changes(step: Step[..., Any], before: str, outcome: Outcome) -> None:
    from solvent.runs.checking import blame

    after = outcome.whole or outcome.identities[WHOLE]
    if after.digest != before:
        blamed, outcome.checks = blame(step, outcome.checks)
        outcome.values, outcome.identities, outcome.whole = {}, {}, None
        raise blamed


def _leave(error: BaseException | None) -> NoReturn:
    """End a forked process as Python would, but for what is to be done at the exit of this one."""
    code = 0 if error is None else 1
    if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
        code = error.code or 0
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code & 0xFF)


def describe_failure(error: BaseException) -> Failure:
    """Put an error of the user's code into words, with the user's frames only and without secrets."""
    if isinstance(error, SystemExit):
        return Failure("SystemExit", masked(f"called sys.exit({error.code!r})"), masked(user_traceback(error)))
    shown = user_traceback(error)
    if isinstance(error, SolventError) and not _has_frames(error):
        shown = ""  # its words say it all
    return Failure(type(error).__name__, masked(str(error)) or type(error).__name__, masked(shown))


def _has_frames(error: BaseException | None) -> bool:
    return error is not None and (error.__traceback__ is not None or _has_frames(error.__cause__))


def not_begun(failure: Failure, blobs: Blobs) -> Outcome:
    """Give the outcome of an execution that could not even call the step."""
    outcome = Outcome(StepScope(0, blobs))
    outcome.started_at = time.time()
    outcome.failure = failure
    return outcome


def unreadable(name: str, error: SolventError) -> Failure:
    """Say which input can't be read from the store, and why."""
    way_out = f"; {error.hint}" if error.hint else ""
    return Failure(type(error).__name__, f"its input `{name}` can't be read: {error.problem}{way_out}", "")


def _observations(observer: Observer, scope: StepScope, seeding: Seeding, run_seed: int) -> tuple[Observation, ...]:
    seen = (*observer.observations(), *scope.observed.values())
    if scope.seed_used or seeding.moved:
        return (*seen, Observation("seed", "", str(run_seed)))
    return seen


def _identify_outputs(step: Step[..., Any], returned: Any, outcome: Outcome, blobs: Blobs) -> None:
    name = step.spec.name
    if not step.fields:
        outcome.values = {WHOLE: returned}
        outcome.identities = {WHOLE: _identify(returned, WHOLE, f"output of `{name}`", outcome, blobs)}
        return
    outcome.values = split_fields(step, returned)
    known: dict[int, Identity] = {}
    for field, value in outcome.values.items():
        outcome.identities[field] = _identify(value, field, f"output of `{name}`.{field}", outcome, blobs)
        known[id(value)] = outcome.identities[field]
    outcome.whole = identify(returned, resolve=lambda value: known.get(id(value)), path=f"output of `{name}`")


def _identify(value: Any, field: str, label: str, outcome: Outcome, blobs: Blobs) -> Identity:
    if type(value).__module__ != "solvent.pipelines.files":
        return identify(value, path=label)
    # A file or folder is read once, for its digest and for the store: it may be large, and what is stored counts.
    try:
        artifact = save(value, Identity("", type_name(type(value))), blobs)
    except FormatError as error:
        raise FormatError(f"{label} can't be stored: {error.problem}", where=error.where, hint=error.hint) from error
    identity = artifact.identity._replace(digest=content_digest(artifact) or "")
    outcome.stored[field] = replace(artifact, identity=identity)
    return identity


def split_fields(step: Step[..., Any], returned: Any) -> dict[str, Any]:
    """Take a declared NamedTuple, dataclass or fixed-length tuple apart; refuse what was not declared."""
    fields = step.fields or {}
    if is_dataclass(returned) and all(hasattr(returned, name) for name in fields):
        return {name: getattr(returned, name) for name in fields}
    if isinstance(returned, tuple) and len(returned) == len(fields):
        return dict(zip(fields, returned, strict=True))
    raise AuthoringError(
        f"step `{step.spec.name}` declares an output of {len(fields)} fields ({', '.join(fields)}) "
        f"but returned {_describe(returned)}",
        where=f"{step.spec.file}:{step.spec.line}",
        hint="return what the annotation says, or change the annotation",
    )


def _describe(value: Any) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"a {type(value).__name__}"
