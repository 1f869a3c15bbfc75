"""What the checks of a step add to its cache key: parameters by value, functions by their code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from solvent.config.masking import masked
from solvent.fingerprint.code import fingerprint_code
from solvent.fingerprint.structure import digest
from solvent.fingerprint.values import identify
from solvent.model import WHOLE, CodeFingerprint

if TYPE_CHECKING:
    from solvent.pipelines.checks import Check


class CheckParts(NamedTuple):
    """For each check its digest and text by what it is of, and the packages and files that its code reaches."""

    parts: dict[str, tuple[str, str]] = {}  # noqa: RUF012 - never written to
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


NO_CHECKS = CheckParts()


def check_parts(checks: Iterable[Check]) -> CheckParts:
    """Make the parts of a key of checks; IdentityError names the check whose parameters have no fingerprint."""
    parts: dict[str, tuple[str, str]] = {}
    packages: set[str] = set()
    files: set[str] = set()
    for check in checks:
        code = fingerprint_code(check.function) if check.function is not None else None
        prefix = f"{check.field}: " if check.field != WHOLE else ""
        place, number = prefix + check.place, 2
        while place in parts:
            place, number = f"{prefix}{check.place} #{number}", number + 1
        parts[place] = (_digest(check, code), masked(prefix + str(check)))
        if code is not None:
            packages.update(code.packages)
            files.update(code.files)
    return CheckParts(parts, tuple(sorted(packages)), tuple(sorted(files)))


def _digest(check: Check, code: CodeFingerprint | None) -> str:
    given = identify((check.columns, check.given), path=str(check)).digest
    return digest("check", check.kind, check.label, given, str(int(check.warning)), code.digest if code else "")
