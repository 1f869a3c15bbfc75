"""The checks of a step's outputs: run where the step ran, before anything is handed on."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.errors import CheckFailed, SolventError
from solvent.fingerprint.values import identify, is_immutable
from solvent.model import WHOLE, CheckResult, Finding
from solvent.pipelines.step import Step

if TYPE_CHECKING:
    from solvent.pipelines.checks import Check
    from solvent.runs.stores import Stores


class Looked(NamedTuple):
    """What came of all checks of one execution.

    `stopping` are the results that stop it, `errors` what broken ones among them raised.
    """

    results: tuple[CheckResult, ...]
    stopping: tuple[CheckResult, ...]
    errors: tuple[Exception, ...]

    def failure(self) -> CheckFailed | None:
        """Give the error of an output that fails a check, caused by that of a check that is broken."""
        if not self.stopping:
            return None
        texts = [f"{_place(each)}{each.name}: {each.message}" for each in self.stopping]
        first = (
            texts[0] if len(texts) == 1 else f"{len(texts)} checks failed" + "".join(f"\n  {text}" for text in texts)
        )
        error = CheckFailed(first)
        error.__cause__ = self.errors[0] if self.errors else None
        return error


def _place(result: CheckResult) -> str:
    return f"{result.field}: " if result.field != WHOLE else ""


def look(step: Step[..., Any], returned: Any, fields: Mapping[str, Any], sensitive: Collection[str]) -> Looked:
    """Hold what a step gave back, and its declared fields, against the checks of the step: all, also after one failed."""
    from solvent.pipelines.checks import check_fields
    from solvent.profiles.checks import evaluate

    check_fields(step.spec, step.checks, step.fields)  # where annotations could not be resolved earlier
    results, stopping, errors = [], [], []
    for check in step.checks:
        result, error = evaluate(check, _value_of(check, returned, fields), sensitive=sensitive)
        results.append(result)
        if result.status != "passed" and not check.warning:
            stopping.append(result)
            errors += [error] if error is not None else []
    return Looked(tuple(results), tuple(stopping), tuple(errors))


def _value_of(check: Check, returned: Any, fields: Mapping[str, Any]) -> Any:
    return returned if check.field == WHOLE or check.field not in fields else fields[check.field]


def digest_before(step: Step[..., Any], returned: Any, fields: Mapping[str, Any]) -> str | None:
    """Give the digest of what functions of the user are about to look at; None if they are none, or can't change it."""
    if all(check.function is None for check in step.checks) or is_immutable(returned):
        return None
    if any(type(value).__module__ == "solvent.pipelines.files" for value in (returned, *fields.values())):
        return None  # they are read once, when they are stored
    try:
        return identify(returned).digest
    except SolventError:
        return None  # what has no fingerprint is refused in a moment, with its name


def blame(step: Step[..., Any], results: tuple[CheckResult, ...]) -> tuple[CheckFailed, tuple[CheckResult, ...]]:
    """Give the error of checks that changed the output, and the results with what they did."""
    blamed = [check.function is not None for check in step.checks]
    names = " or ".join(result.name for result, mine in zip(results, blamed, strict=True) if mine)
    changed = "it changed the output, or another check did" if sum(blamed) > 1 else "it changed the output"
    told = tuple(
        result._replace(status="broken", message=changed) if mine else result
        for result, mine in zip(results, blamed, strict=True)
    )
    return CheckFailed(f"{names}: it changed the output", hint="work on a copy: output.copy()"), told


def find_warnings(stores: Stores, run_id: str) -> list[Finding]:
    """Find the checks of a run that failed and were to warn; a reused step is told as when it ran."""
    from solvent.metadata.checks import list_unmet_checks

    return [
        _finding(f"{step}[{occurrence}]" if occurrence else step, result)
        for step, occurrence, _, result in list_unmet_checks(stores.metadata, run_id)
    ]


def _finding(label: str, check: CheckResult) -> Finding:
    broken = check.status == "broken"
    fix = "mend the check" if broken else f"look at `solvent show {label}`; without warn=True it stops the run"
    detail = json.dumps({"check": check.name, "status": check.status, **json.loads(check.detail)}, ensure_ascii=False)
    return Finding("check", "warn", label, f"{_place(check)}{check.name}: {check.message}", fix, detail)
