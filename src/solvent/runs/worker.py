"""The worker's entry: one ticket in, one execution out. Any engine starts it by its dotted name."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from solvent.artifacts.opening import open_blobs
from solvent.artifacts.saving import load
from solvent.config import secrets
from solvent.config.masking import learn_environment, learn_urls
from solvent.config.threads import limit_threads
from solvent.errors import EngineError, SolventError, StoreError
from solvent.fingerprint.loading import compile_user_modules_from_source
from solvent.model import Blobs, Execution, Failure, Place, Stored, Ticket
from solvent.pipelines.step import Step
from solvent.runs import catalogue
from solvent.runs.announcements import Announcements
from solvent.runs.capture import WorkerOutput
from solvent.runs.encode import crashed_execution, encode, execution_of
from solvent.runs.execute import Job, Outcome, describe_failure, execute, unreadable

_stores: dict[Place, Blobs] = {}
_functions: dict[bytes, Step[..., Any]] = {}


def execute_ticket(ticket: Ticket) -> Execution:
    """Read the inputs, run the step, write its outputs durably, and report what happened."""
    blobs = _stores.get(ticket.place) or _stores.setdefault(ticket.place, open_blobs(ticket.place))
    learn_environment()
    learn_urls(ticket.place.artifacts or "")
    secrets.announce = Announcements(ticket.log_path).add
    step = find_step(ticket)
    limit_threads(max(1, int(ticket.resources.cpus)))
    arguments = restore(pickle.loads(ticket.arguments), blobs)
    if isinstance(arguments, Failure):
        return crashed_execution(arguments)
    job = Job(
        step,
        arguments,
        ticket.key,
        ticket.run_seed,
        ticket.project,
        ticket.place.home,
        ticket.declared_files,
        None,
        packages=ticket.packages,
        known_modules=ticket.known_modules,
        sensitive=ticket.sensitive,
        sources=catalogue.loaded(ticket.sources),
    )
    try:
        outcome = execute(job, blobs, WorkerOutput(ticket.log_path), in_worker=True)
    except StoreError as error:
        return crashed_execution(describe_failure(error))
    execution = _encode(outcome, step, blobs, ticket.allow_pickle)
    try:
        blobs.sync()
    except SolventError as error:
        # What can't be made durable does not count as done.
        return crashed_execution(describe_failure(error), (outcome.log, outcome.log_bytes))
    return execution


def _encode(outcome: Outcome, step: Step[..., Any], blobs: Blobs, allow_pickle: bool) -> Execution:
    if outcome.failure is not None:
        return execution_of(outcome, {})
    try:
        return encode(outcome, step.spec.name, blobs, allow_pickle=allow_pickle)
    except SolventError as error:
        outcome.failure = describe_failure(error)
        return execution_of(outcome, {})


def find_step(ticket: Ticket) -> Step[..., Any]:
    """Find the step that a ticket names: shipped by value, already loaded, or importable by its module's name."""
    if ticket.function is not None:
        if ticket.function not in _functions:
            step, classes = pickle.loads(ticket.function)
            vars(sys.modules["__main__"]).update(classes)
            _functions[ticket.function] = step
        return _functions[ticket.function]
    module = sys.modules.get(ticket.spec.module)
    if module is None:
        import importlib

        compile_user_modules_from_source()
        module = importlib.import_module(ticket.spec.module)
    found: Any = module
    for part in ticket.spec.qualname.split("."):
        found = getattr(found, part, None)
    if isinstance(found, FunctionType):
        return Step(found, ticket.spec)  # a plain function that config names as the implementation of a step
    if not isinstance(found, Step):
        raise EngineError(
            f"step `{ticket.spec.name}` is not in module {ticket.spec.module} of the worker",
            hint="define steps at the top level of a module, or run with engine='inline'",
        )
    return found


def restore(arguments: Mapping[str, Any], blobs: Blobs) -> dict[str, Any] | Failure:
    """Put the stored values in the place of what stands for them, or say which can't be read."""
    from solvent.plan.graph import replace

    found: dict[str, Any] = {}
    for name, value in arguments.items():
        try:
            found[name] = replace(value, lambda each: type(each) is Stored, lambda each: load(each.artifact, blobs))
        except SolventError as error:
            return unreadable(name, error)
    return found
