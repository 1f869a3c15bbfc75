"""From a call to the ticket that a worker can execute, and the log file that it writes meanwhile."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from solvent.config.private import make_folder
from solvent.errors import EngineError, IdentityError
from solvent.fingerprint.bytecode import digest_code
from solvent.fingerprint.loading import loaded_code
from solvent.fingerprint.sources import read_source
from solvent.model import Resources, Ticket
from solvent.pipelines.containers import replace_refs
from solvent.pipelines.places import shorten
from solvent.pipelines.ref import Ref, path_of
from solvent.pipelines.step import Step
from solvent.runs import boundedlog, catalogue
from solvent.runs.announcements import forget, hear
from solvent.runs.outputs import stored_form
from solvent.runs.runner import Runner
from solvent.runs.state import CallState


class TicketOffice:
    """Makes tickets. With `by_name` workers have the user's modules as they are here, so a step is found by its name."""

    def __init__(self, runner: Runner, *, root: str, allow_pickle: bool, by_name: bool) -> None:
        self._runner = runner
        self._root = root
        self._allow_pickle = allow_pickle
        self._by_name = by_name
        self._functions: dict[int, bytes | None] = {}
        self._sources: dict[str, bytes] = {}
        self._logs = os.path.join(runner.stores.home, "tmp")

    def make(self, state: CallState, resources: Resources) -> Ticket:
        """Make the ticket of a call; IdentityError or EngineError if no worker could do what the key says."""
        runner = self._runner
        if not self._by_name:
            self._check_sources(state)
        make_folder(self._logs)
        return Ticket(
            id=state.index,
            run_id=runner.keyer.run_id,
            spec=replace(state.call.step.spec, timeout_seconds=runner.timeout_seconds(state)),
            key=state.key,
            run_seed=runner.keyer.run_seed,
            place=runner.stores.place,
            project=self._root,
            arguments=self._arguments(state),
            attempt=state.attempt,
            resources=resources,
            declared_files=state.declared_files,
            packages=state.code.packages if state.code else (),
            known_modules=state.code.files if state.code else (),
            function=self._function(state.call.step),
            allow_pickle=self._allow_pickle,
            log_path=self._log_path(state),
            sensitive=runner.stores.project.settings.sensitive_columns,
            sources=catalogue.dumped(self._root),
        )

    def read_log(self, state: CallState) -> tuple[bytes, int]:
        """Give what a step printed before its worker crashed, its beginning and its end, and how much it was."""
        hear(self._log_path(state))
        try:
            with open(self._log_path(state), "rb") as file:
                return boundedlog.read(file.fileno())
        except OSError:
            return b"", 0

    def lines(self, states: Sequence[CallState], found: Iterable[tuple[int, str]]) -> Iterator[tuple[str, str]]:
        """Give what workers print with the label of the call, once it is known which secrets they use."""
        told: set[int] = set()
        for ticket_id, text in found:
            if ticket_id not in told:
                told.add(ticket_id)
                hear(self._log_path(states[ticket_id]))
            yield states[ticket_id].label, text

    def forget(self, state: CallState) -> None:
        """Remove the log file of an ended call; its text is in the record."""
        if state.status in ("done", "failed", "cancelled"):
            hear(self._log_path(state))  # its last lines may not have been shown yet
            forget(self._log_path(state))
            try:
                os.unlink(self._log_path(state))
            except OSError:
                return

    def _log_path(self, state: CallState) -> str:
        return os.path.join(self._logs, f"{self._runner.keyer.run_id}-{state.index}.log")

    def _arguments(self, state: CallState) -> bytes:
        given = {name: replace_refs(each, self._stored_form) for name, each in state.call.arguments.items()}
        try:
            return pickle.dumps(given, 5)
        except Exception:
            return _pickle_by_value(given, state)

    def _stored_form(self, ref: Ref) -> Any:
        state, path, blobs = self._runner.state_of(ref), path_of(ref), self._runner.stores.blobs
        return self._runner.with_bytes(state, lambda: stored_form(state, path, blobs))

    def _check_sources(self, state: CallState) -> None:
        """Refuse to send a call to a worker that would import other code than is loaded here, and is in the key."""
        for file in state.code.files if state.code else ():
            loaded, source = loaded_code(file), read_source(file)
            if loaded is None or source is None or self._sources.get(file) == source:
                continue
            if digest_code(compile(source, file, "exec", dont_inherit=True)) != digest_code(loaded):
                raise EngineError(
                    f"{shorten(file)} was edited after it was loaded: a worker would run the new code",
                    where=state.call.line,
                    hint="load it again, with importlib.reload in a notebook, and run again",
                )
            self._sources[file] = source

    def _function(self, step: Step[..., Any]) -> bytes | None:
        if id(step) not in self._functions:
            self._functions[id(step)] = None if self._found_by_name(step) else _cloudpickle((step, main_classes()))
        return self._functions[id(step)]

    def _found_by_name(self, step: Step[..., Any]) -> bool:
        if "<locals>" in step.spec.qualname:
            return False
        return self._by_name or step.spec.module != "__main__"


def main_classes() -> dict[str, type]:
    """Give the classes of a script or notebook: no worker can import them, and stored values may be of them."""
    names = vars(sys.modules["__main__"])
    return {name: it for name, it in list(names.items()) if isinstance(it, type) and it.__module__ == "__main__"}


def _pickle_by_value(given: dict[str, Any], state: CallState) -> bytes:
    try:
        return _cloudpickle(given)
    except Exception:
        for name, each in given.items():
            try:
                _cloudpickle(each)
            except Exception as error:
                raise IdentityError(
                    f"argument `{name}` of `{state.name}` can't be sent to a worker: {error}",
                    where=state.call.line,
                    hint="pass plain values and open files or connections inside the step, or use --engine inline",
                ) from error
        raise


def _cloudpickle(value: Any) -> bytes:
    import cloudpickle

    dumped: bytes = cloudpickle.dumps(value, protocol=5)
    return dumped
