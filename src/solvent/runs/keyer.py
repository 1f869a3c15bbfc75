"""Cache keys of the calls of one run: code, arguments, files and environment, each fingerprinted once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from solvent.environments.capture import Environment
from solvent.fingerprint.code import fingerprint_code
from solvent.model import CodeFingerprint, FileMemo, Identity
from solvent.pipelines.ref import Ref
from solvent.pipelines.step import Step
from solvent.plan.checks import NO_CHECKS, CheckParts, check_parts
from solvent.plan.keys import key_parts
from solvent.runs.state import CallState


class Keyer:
    """Gives each call its key. The code of a step is fingerprinted once in a run, however often it is called."""

    def __init__(self, run_id: str, *, run_seed: int, root: str, environment: Environment, memo: FileMemo) -> None:
        self.run_id = run_id
        self.run_seed = run_seed
        self.memo = memo
        self._root = root
        self._environment = environment
        self._codes: dict[tuple[int, tuple[str, ...]], CodeFingerprint] = {}
        self._steps: list[Step[..., Any]] = []
        self._checks: dict[int, CheckParts] = {}

    def key(self, state: CallState, identify_ref: Callable[[Ref], Identity]) -> None:
        """Fill in the key of a call, its parts, its inputs and the files that it declares."""
        call = state.call
        code = self.code_of(call.step, _classes(identify_ref(ref) for _, ref in call.refs))
        checks = self._checks_of(call.step)
        packages = {*code.packages, *checks.packages}
        environment = self._environment_of(packages)
        parts = checks.parts
        keyed = key_parts(call, code, identify_ref, environment, self._root, self.memo, self.run_id, parts)
        if keyed.classes:
            code = self.code_of(call.step, keyed.classes)
            keyed = keyed.with_code(code, self._environment_of({*code.packages, *checks.packages}))
        state.code = code
        state.key, state.parts = keyed.key, keyed.parts
        state.inputs = keyed.inputs
        state.arguments = keyed.arguments
        state.declared_files = keyed.files

    def code_of(self, step: Step[..., Any], classes: tuple[str, ...] = ()) -> CodeFingerprint:
        """Fingerprint a step's code, together with that of the user classes whose instances it is given."""
        place = (id(step), classes)
        if place not in self._codes:
            self._steps.append(step)
            self._codes[place] = fingerprint_code(step.__wrapped__, extra_classes=classes)
        return self._codes[place]

    def files(self) -> set[str]:
        """Give the user's source files that the code of the run's steps reaches."""
        reached = {file for code in self._codes.values() for file in code.files}
        return reached.union(*(checks.files for checks in self._checks.values()))

    def _checks_of(self, step: Step[..., Any]) -> CheckParts:
        if not step.checks:
            return NO_CHECKS
        if id(step) not in self._checks:
            self._steps.append(step)
            self._checks[id(step)] = check_parts(step.checks)
        return self._checks[id(step)]

    def _environment_of(self, packages: Iterable[str]) -> dict[str, str]:
        return {"python": self._environment.python, **self._environment.versions(packages)}


def _classes(identities: Iterable[Identity]) -> tuple[str, ...]:
    return tuple(sorted({name for identity in identities for name in identity.classes}))
