"""Every error that Solvent raises on purpose.

SolventError                 exit code 2: the user's input was wrong, nothing ran
├── AuthoringError           a step, a pipeline or their wiring is not valid
│   └── RefError             the result of a step was used before it exists
├── TargetError              the file or pipeline to run can't be found or imported
├── ConfigError              a config file, key or override is not valid
├── IdentityError            a value can't be given a fingerprint
├── FormatError              a value can't be written or read
│   └── TrustError           reading it would run code of another project
├── StoreError               the store can't be opened, read or written
│   └── BlobError            bytes are missing or damaged
├── DataError                a table, predictions or other data are not what is asked for
├── BundleError              a bundle can't be made, read or served
├── NotFoundError            no run, step, artifact or name like that
├── EngineError              the engine can't start or lost its workers
├── StepFailed               exit code 1: a step of the run failed
├── CheckFailed              exit code 1: what a step gave back fails a check
└── RunInterrupted           exit code 130: the run was stopped before its end
"""

from __future__ import annotations

import errno
from typing import Any


class SolventError(Exception):
    """What was expected and what was found, where, and what to do next.

    `where` is "file:line" or a name; `hint` is the way out, one sentence.
    """

    exit_code = 2

    def __init__(self, problem: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.problem]
        if self.where:
            lines.append(f"  at: {self.where}")
        if self.hint:
            lines.append(f"  try: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.problem, self.where, self.hint, self.__dict__)


class AuthoringError(SolventError):
    """A step, a pipeline or the way they are wired is not valid."""


class RefError(AuthoringError):
    """The result of a step was used as a value before it exists."""


class TargetError(SolventError):
    """The file or pipeline to run can't be found or imported."""


class ConfigError(SolventError):
    """A config file, key, type or override is not valid."""


class IdentityError(SolventError):
    """A value can't be given a fingerprint; the path inside it is named."""


class FormatError(SolventError):
    """A value can't be written or read; the path inside it is named."""


class TrustError(FormatError):
    """Reading an artifact would run code that another project wrote, and nobody here vouched for it."""


class StoreError(SolventError):
    """The store can't be opened, read or written."""


class BlobError(StoreError):
    """Bytes that a row names are missing or damaged."""


class DataError(SolventError):
    """A table, predictions or other data are not what is asked for."""


class SourceError(DataError):
    """A shared source can't be read, or is not what the catalogue says."""


class BundleError(SolventError):
    """A bundle can't be made, read or served: it lacks something, was altered, or does not fit this environment."""


class NotFoundError(SolventError):
    """No run, step, artifact or name like that."""


class EngineError(SolventError):
    """The engine can't start or has lost its workers."""


class StepFailed(SolventError):
    """A step of the run failed; `run` is the record of the whole run."""

    exit_code = 1
    run: Any = None
    step: str = ""
    failure: Any = None


class CheckFailed(SolventError):
    """What a step gave back fails a check of it: nothing of it is handed on."""

    exit_code = 1


class RunInterrupted(SolventError):
    """The run was stopped before its end; running again goes on from there."""

    exit_code = 130
    run: Any = None


_WAYS_OUT = {
    errno.ENOSPC: "make room on this disk, or set SOLVENT_HOME to a folder on another one",
    errno.EDQUOT: "make room within your quota, or set SOLVENT_HOME to a folder elsewhere",
    errno.EROFS: "the disk is read-only: set SOLVENT_HOME to a folder that can be written",
    errno.EACCES: "give yourself write access to it, or set SOLVENT_HOME to a folder of your own",
    errno.EPERM: "give yourself write access to it, or set SOLVENT_HOME to a folder of your own",
    errno.EMFILE: "raise the limit of open files (ulimit -n), or close files in your steps",
    errno.ENFILE: "this machine has too many files open: end programs, or raise its limit",
    errno.EISDIR: "a folder is where a file of the store should be: `solvent verify --repair` puts the file back",
    errno.EIO: "the disk failed: look at the system's log, and copy the store to another disk before you go on",
}


def way_out(error: OSError) -> str | None:
    """Return what to do about a file that the system refuses, or None where only the user can know."""
    return _WAYS_OUT.get(error.errno or 0)


def nearest(name: str, known: object) -> str:
    """Return "; did you mean 'x'?" for the closest of `known` names, or nothing."""
    from difflib import get_close_matches

    found = get_close_matches(name, [str(each) for each in known], n=1)  # type: ignore[attr-defined]
    return f"; did you mean {found[0]!r}?" if found else ""


def _restore(
    kind: type[SolventError], problem: str, where: str | None, hint: str | None, state: dict[str, Any]
) -> SolventError:
    error = kind(problem, where=where, hint=hint)
    error.__dict__.update(state)
    return error
