"""From live values to stored artifacts, with the check that nothing changed on the way."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from solvent.artifacts.saving import save
from solvent.config.masking import masked, masked_bytes
from solvent.errors import FormatError, SolventError
from solvent.fingerprint.values import identify, is_immutable
from solvent.model import WHOLE, ArtifactRef, Blobs, Execution, Failure, Identity
from solvent.runs.execute import Outcome


def encode(outcome: Outcome, step_name: str, blobs: Blobs, *, allow_pickle: bool) -> Execution:
    """Write every output of an outcome and give the execution to record.

    Raises FormatError, with the step and the output named, if an output can't be written, or if it is no longer what it
    was when its identity was taken.
    """
    outputs = {
        field: outcome.stored.get(field)
        or _encode_one(value, outcome.identities[field], _label(step_name, field), blobs, allow_pickle)
        for field, value in outcome.values.items()
    }
    return execution_of(outcome, outputs)


def execution_of(outcome: Outcome, outputs: dict[str, ArtifactRef]) -> Execution:
    return Execution(
        outputs=outputs,
        started_at=outcome.started_at,
        seconds=outcome.seconds,
        cpu_seconds=outcome.cpu_seconds,
        peak_memory_bytes=outcome.peak_memory_bytes,
        memory_scope=outcome.memory_scope,
        observations=outcome.observations,
        metrics=tuple(outcome.scope.metrics),
        attachments=tuple(outcome.scope.attachments),
        checks=outcome.checks,
        failure=outcome.failure,
        log=outcome.log,
        log_bytes=outcome.log_bytes,
    )


def discreet(execution: Execution) -> Execution:
    """Mask what a worker may not have known to be secret."""
    failure, log = execution.failure, masked_bytes(execution.log)
    if failure is not None:
        failure = failure_without_secrets(failure)
    if failure == execution.failure and log == execution.log:
        return execution
    return replace(execution, failure=failure, log=log)


def failure_without_secrets(failure: Failure) -> Failure:
    return Failure(failure.kind, masked(failure.message), masked(failure.traceback), failure.signal)


def crashed_execution(failure: Failure | None, log: tuple[bytes, int] = (b"", 0)) -> Execution:
    """Describe an execution of which only its end is known: its worker died, or it could not begin."""
    return Execution(
        outputs={},
        started_at=time.time(),
        seconds=0.0,
        cpu_seconds=0.0,
        peak_memory_bytes=0,
        memory_scope="step",
        failure=failure or Failure("WorkerCrashed", "its worker ended without a report", ""),
        log=masked_bytes(log[0]),
        log_bytes=log[1],
    )


def _encode_one(value: Any, identity: Identity, label: str, blobs: Blobs, allow_pickle: bool) -> ArtifactRef:
    try:
        artifact = save(value, identity, blobs, allow_pickle=allow_pickle)
    except FormatError as error:
        raise FormatError(f"{label} can't be stored: {error.problem}", where=error.where, hint=error.hint) from error
    except SolventError:
        raise
    except Exception as error:
        raise FormatError(
            f"{label} can't be stored: {type(error).__name__}: {error}",
            hint="return a plain value, table, array, model or file; or split what can't be stored from what can",
        ) from error
    if not is_immutable(value) and identify(value).digest != identity.digest:
        raise FormatError(
            f"{label} changed while it was written: a later step mutated its input",
            hint="copy what you change, for example table = table.copy()",
        )
    return artifact


def _label(step_name: str, field: str) -> str:
    return f"output of `{step_name}`" + (f".{field}" if field != WHOLE else "")
